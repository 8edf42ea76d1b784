/**
 * Whether a versionable node may be changed: `jcr:isCheckedOut`, the one property of versioning that is on the node. A node
 * that lacks it, because it is older than its history, is checked out.
 */
import { builtInRegistry } from '../node-types/registry.js';
import { mixinsOf, primaryTypeOf, textOf } from '../record.js';
import type { NodeRecord } from '../record.js';

const checkedOutName = 'jcr:isCheckedOut';

/** mix:simpleVersionable and what inherits it; for registered types, the property that every such node is given tells. */
export function isVersionable(record: NodeRecord): boolean {
  const [primaryType, mixins] = [primaryTypeOf(record), mixinsOf(record)];
  if (builtInRegistry.isNodeType(primaryType, mixins, 'mix:simpleVersionable')) return true;
  return record.properties.has(checkedOutName) && [primaryType, ...mixins].some((name) => !builtInRegistry.get(name));
}

export function isCheckedIn(record: NodeRecord): boolean {
  return textOf(record, checkedOutName) === 'false' && isVersionable(record);
}

/** Whether a property is what check-in and check-out change, and nobody else may. */
export function isCheckedOutState(record: NodeRecord, name: string): boolean {
  return name === checkedOutName && isVersionable(record);
}

export function withCheckedOut(record: NodeRecord, checkedOut: boolean): NodeRecord {
  const property = { type: 'Boolean', multiple: false, values: [checkedOut] } as const;
  return { ...record, properties: new Map(record.properties).set(checkedOutName, property) };
}

/** Text that every record of a versionable node holds, so that few records need to be decoded to find one. */
export function mayBeVersionable(storedRecord: string): boolean {
  return storedRecord.includes(`"${checkedOutName}"`) || storedRecord.includes('ersionable"');
}
