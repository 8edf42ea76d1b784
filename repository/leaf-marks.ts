/** Keeps the mark of nodes that have nothing below them (record.ts) true in every commit. */
import { parentOf } from './path.js';
import type { NodeRecord } from './record.js';
import type { SavePlan } from './session-plan.js';
import type { StoredNode } from './session-transient.js';

/** Marks the planned nodes, and finds the stored ones whose mark this commit must take away: they get their first child. */
export async function markLeaves(
  plan: SavePlan,
  readNodes: (paths: readonly string[]) => Promise<ReadonlyMap<string, StoredNode>>,
): Promise<readonly StoredNode[]> {
  const parents = new Set<string>();
  for (const { path, inPlace } of plan.nodes.values()) if (!inPlace) parents.add(parentOf(path));
  for (const node of plan.nodes.values()) {
    const { record, inPlace, path } = node;
    // What is new at its path brings all that is below it along.
    const leaf = !parents.has(path) && (inPlace ? record.leaf === true : true);
    if ((record.leaf === true) !== leaf) plan.nodes.set(path, { ...node, record: withMark(record, leaf) });
  }
  const stored = [...parents].filter((path) => path !== '' && !plan.nodes.has(path));
  if (stored.length === 0) return [];
  return [...(await readNodes(stored)).values()].flatMap(({ path, version, record }) =>
    record.leaf ? [{ path, version, record: withMark(record, false) }] : [],
  );
}

function withMark({ identifier, position, properties }: NodeRecord, leaf: boolean): NodeRecord {
  return { identifier, leaf, position, properties };
}
