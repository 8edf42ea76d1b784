import type { Value } from '../value.js';
import type { MergedProperty, MergedResource } from './api.js';

/** Measured on 64-bit Node: a merged resource with its maps and accessors, and a property of one. */
const [bytesPerResource, bytesPerProperty] = [1_500, 250];

/**
 * About how many bytes of memory a resource takes with all below it.
 * @param base what it was merged onto: what is the same there takes none of its own
 */
export function weightOf(resource: MergedResource | undefined, base?: MergedResource): number {
  if (!resource || resource === base) return 0;
  let bytes = bytesPerResource + 100 * resource.hidden.length;
  for (const [name, property] of resource.properties) {
    if (property !== base?.properties.get(name)) bytes += weightOfProperty(property);
  }
  for (const child of resource.children) bytes += weightOf(child, base?.child(child.name));
  return bytes;
}

function weightOfProperty({ property, overrides = [] }: Pick<MergedProperty, 'property' | 'overrides'>): number {
  let bytes = bytesPerProperty;
  for (const value of property.values) bytes += weightOfValue(value);
  for (const below of overrides) bytes += weightOfProperty(below);
  return bytes;
}

function weightOfValue(value: Value): number {
  if (typeof value === 'string') return 2 * value.length;
  return typeof value === 'object' ? 200 + (value.inline?.length ?? 0) : 16;
}
