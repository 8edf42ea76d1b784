import { createHash } from 'node:crypto';
import type { Property } from '../value.js';

/** Set by the repository as it goes, so they tell nothing about an edit. */
const automaticProperties = new Set([
  'jcr:uuid',
  'jcr:isCheckedOut',
  'jcr:created',
  'jcr:createdBy',
  'jcr:lastModified',
  'jcr:lastModifiedBy',
]);

export function isAutomatic(property: string): boolean {
  return automaticProperties.has(property);
}

/** A hash of what somebody may have edited on a node: its types and properties; a binary counts by its own hash. */
export function fingerprint(properties: ReadonlyMap<string, Property>): string {
  const canonical = [...properties]
    .filter(([name]) => !automaticProperties.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { type, multiple, values }]) => [
      name,
      type,
      multiple,
      values.map((value) => (typeof value === 'object' ? value.sha256 : String(value))),
    ]);
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex');
}
