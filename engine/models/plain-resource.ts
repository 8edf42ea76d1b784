/** Resources that are made, not read: the nodes of a classic model in the form that all models are pinned from. */
import type { MergedResource } from '../../repository/overlay/api.js';
import { createMergedResource } from '../../repository/overlay/merged-resource.js';
import type { Property } from '../../repository/value.js';

export function propertyOf(value: string | number | boolean): Property {
  const type = typeof value === 'string' ? 'String' : typeof value === 'number' ? 'Long' : 'Boolean';
  return { type, multiple: false, values: [value] };
}

interface PlainNode {
  readonly name: string;
  readonly type: string;
  /** Absent ones are left out. */
  readonly properties?: Readonly<Record<string, Property | string | number | boolean | undefined>>;
  readonly children?: readonly MergedResource[];
}

/** @param origin what it was made from: where problems are reported */
export function plainResource(
  { name, type, properties = {}, children = [] }: PlainNode,
  origin: MergedResource,
  source: string,
): MergedResource {
  const layer = origin.layers.at(-1) ?? '';
  const held = Object.entries<Property | string | number | boolean | undefined>({
    'jcr:primaryType': type,
    ...properties,
  }).flatMap(([key, value]) => {
    if (value === undefined) return [];
    const property = typeof value === 'object' ? value : propertyOf(value);
    return [[key, { property, layer, source }] as const];
  });
  const { path, layers } = origin;
  return createMergedResource({ name, path, layers, properties: new Map(held), children, hidden: [] });
}
