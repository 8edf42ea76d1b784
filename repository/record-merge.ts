/** Comparing and merging versions of one node, property by property. */
import { propertiesEqual } from './convert-value.js';
import type { NodeRecord } from './record.js';
import type { Property } from './value.js';

/** Multi-valued properties that are sets: additions and removals of several sessions all count. */
const setProperties: ReadonlySet<string> = new Set(['rep:members']);

/** Names of the properties that were added, changed or removed. */
export function changedProperties(from: NodeRecord, to: NodeRecord): string[] {
  const names: string[] = [];
  if (from.properties === to.properties) return names;
  for (const [name, property] of from.properties) {
    if (!propertiesEqual(property, to.properties.get(name))) names.push(name);
  }
  for (const name of to.properties.keys()) if (!from.properties.has(name)) names.push(name);
  return names;
}

/**
 * Three-way merge: what only one side changed is taken from that side.
 * @returns `undefined` when both changed the same property, or the place among siblings, to something different, or when
 * `theirs` is another node that took the place
 */
export function mergeRecords(base: NodeRecord, mine: NodeRecord, theirs: NodeRecord): NodeRecord | undefined {
  if (theirs.identifier !== base.identifier) return undefined;
  const theyMoved = theirs.position !== base.position;
  const iMoved = mine.position !== base.position;
  if (theyMoved && iMoved && mine.position !== theirs.position) return undefined;
  const theirChanges = new Set(changedProperties(base, theirs));
  const properties = new Map(theirs.properties);
  for (const name of changedProperties(base, mine)) {
    const my = mine.properties.get(name);
    const their = theirs.properties.get(name);
    if (!theirChanges.has(name) || propertiesEqual(my, their)) assign(properties, name, my);
    else if (setProperties.has(name)) assign(properties, name, mergeSets(base.properties.get(name), my, their));
    else return undefined;
  }
  return { identifier: base.identifier, position: iMoved ? mine.position : theirs.position, properties };
}

/** The changes from `base` to `mine` made again on `theirs`, whatever changed there meanwhile. */
export function reapplyChanges(base: NodeRecord, mine: NodeRecord, theirs: NodeRecord): NodeRecord {
  const properties = new Map(theirs.properties);
  for (const name of changedProperties(base, mine)) assign(properties, name, mine.properties.get(name));
  const position = mine.position === base.position ? theirs.position : mine.position;
  return { identifier: theirs.identifier, position, properties };
}

function assign(properties: Map<string, Property>, name: string, value: Property | undefined): void {
  if (value) properties.set(name, value);
  else properties.delete(name);
}

function mergeSets(base: Property | undefined, mine: Property | undefined, theirs: Property | undefined): Property {
  const [before, my, their] = [base, mine, theirs].map((property) => new Set(property?.values));
  const kept = [...(their ?? [])].filter((value) => my?.has(value) || !before?.has(value));
  const added = [...(my ?? [])].filter((value) => !before?.has(value) && !their?.has(value));
  const { type } = mine ?? theirs ?? { type: 'String' as const };
  return { type, multiple: true, values: [...kept, ...added] };
}
