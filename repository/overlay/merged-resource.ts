/** A merged resource with its accessors: plain data in, the readers' view out. */
import { propertyTexts, valueText } from '../property-text.js';
import type { Property, Value } from '../value.js';
import type { MergedResource } from './api.js';

export type MergedData = Pick<MergedResource, 'name' | 'path' | 'properties' | 'children' | 'layers' | 'hidden'>;

export function createMergedResource(data: MergedData): MergedResource {
  const byName = new Map(data.children.map((child) => [child.name, child]));
  const first = (name: string) => firstValue(data.properties.get(name)?.property);
  const resource: MergedResource = {
    ...data,
    child: (name) => byName.get(name),
    descendant: (relativePath) =>
      relativePath
        .split('/')
        .filter((name) => name !== '')
        .reduce<MergedResource | undefined>((parent, name) => parent?.child(name), resource),
    text: (name) => valueText(first(name)),
    texts: (name) => propertyTexts(data.properties.get(name)?.property),
    number: (name) => numberOf(first(name)),
    boolean: (name) => booleanOf(first(name)),
  };
  return resource;
}

export function firstValue(property: Property | undefined): Value | undefined {
  return property?.values[0];
}

export function booleanOf(value: Value | undefined): boolean | undefined {
  if (typeof value === 'boolean') return value;
  return value === 'true' ? true : value === 'false' ? false : undefined;
}

function numberOf(value: Value | undefined): number | undefined {
  if (typeof value === 'object' || typeof value === 'boolean' || value === undefined || value === '') return undefined;
  const number = Number(value);
  return Number.isNaN(number) ? undefined : number;
}
