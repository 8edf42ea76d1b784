/**
 * Whether a versionable node may be changed: `jcr:isCheckedOut`, the one property of versioning that is on the node. A node
 * that lacks it, because it is older than its history, is checked out.
 */
import { builtInRegistry } from '../node-types/registry.js';
import { mixinsOf, primaryTypeOf, textOf } from '../record.js';
import type { NodeRecord } from '../record.js';

const checkedOutName = 'jcr:isCheckedOut';

/** Built-in types that are not versionable by themselves. */
const plainTypes: ReadonlySet<string> = new Set(
  builtInRegistry.names().filter((name) => !builtInRegistry.isNodeType(name, [], 'mix:simpleVersionable')),
);

/** mix:simpleVersionable and what inherits it; for registered types, the property that every such node is given tells. */
export function isVersionable(record: NodeRecord): boolean {
  const [primaryType, mixins] = [primaryTypeOf(record), mixinsOf(record)];
  // Asked of every ancestor of what a save changes, and nearly all of them are of such types.
  if (mixins.length === 0 && plainTypes.has(primaryType)) return false;
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
