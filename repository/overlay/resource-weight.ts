import type { Value } from '../value.js';
import type { MergedProperty, MergedResource } from './api.js';

/** Measured on 64-bit Node: a merged resource with its maps and accessors, and a property of one. */
const [bytesPerResource, bytesPerProperty] = [1_500, 250];

/** About how many bytes of memory a resource takes with all below it. */
export function weightOf(resource: MergedResource | undefined): number {
  if (!resource) return 0;
  let bytes = bytesPerResource + 100 * resource.hidden.length;
  for (const property of resource.properties.values()) bytes += weightOfProperty(property);
  for (const child of resource.children) bytes += weightOf(child);
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
