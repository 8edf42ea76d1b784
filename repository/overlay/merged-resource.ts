/** A merged resource with its accessors: plain data in, the readers' view out. */
import { propertyTexts, valueText } from '../property-text.js';
import type { Property, Value } from '../value.js';
import type { MergedResource } from './api.js';

export type MergedData = Pick<MergedResource, 'name' | 'path' | 'properties' | 'children' | 'layers' | 'hidden'>;

export function createMergedResource(data: MergedData): MergedResource {
  return new Merged(data);
}

/** A class, and without a map of its children until it is asked for many of them: most of what is resolved is one small node. */
class Merged implements MergedResource {
  readonly name: string;
  readonly path: string;
  readonly properties: MergedData['properties'];
  readonly children: MergedData['children'];
  readonly layers: MergedData['layers'];
  readonly hidden: MergedData['hidden'];
  #byName: ReadonlyMap<string, MergedResource> | undefined;

  constructor({ name, path, properties, children, layers, hidden }: MergedData) {
    this.name = name;
    this.path = path;
    this.properties = properties;
    this.children = children;
    this.layers = layers;
    this.hidden = hidden;
  }

  child(name: string): MergedResource | undefined {
    if (this.children.length < 8) return this.children.find((child) => child.name === name);
    this.#byName ??= new Map(this.children.map((child) => [child.name, child]));
    return this.#byName.get(name);
  }

  descendant(relativePath: string): MergedResource | undefined {
    return relativePath
      .split('/')
      .filter((name) => name !== '')
      .reduce<MergedResource | undefined>((parent, name) => parent?.child(name), this);
  }

  text(name: string): string | undefined {
    return valueText(this.#first(name));
  }

  texts(name: string): readonly string[] {
    return propertyTexts(this.properties.get(name)?.property);
  }

  number(name: string): number | undefined {
    return numberOf(this.#first(name));
  }

  boolean(name: string): boolean | undefined {
    return booleanOf(this.#first(name));
  }

  #first(name: string): Value | undefined {
    return firstValue(this.properties.get(name)?.property);
  }
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
