/** What one save is about to do. */
import { nameOf, parentOf } from './path.js';
import { changedProperties } from './record-merge.js';
import type { PendingNode, RemovedSubtree, StoredNode } from './session-transient.js';

/** A pending change that differs from the store. */
export interface PlannedNode extends PendingNode {
  /** Changes the stored record at its own path; otherwise the node is new there. */
  readonly inPlace: boolean;
  /** Names of the properties that its origin does not have, has differently, or has and it has not; all of a new node. */
  readonly changed: readonly string[];
}

export function planNode(node: PendingNode, inPlace: boolean): PlannedNode {
  const { path, record, origin, ensured } = node;
  const changed = origin ? changedProperties(origin.record, record) : [...record.properties.keys()];
  return { path, record, origin, ensured, inPlace, changed };
}

export interface RemovedNodes extends RemovedSubtree {
  /** The sequence at which the session saw `nodes`; the subtree must not have changed since. */
  readonly since: number;
  /** The root first. */
  readonly nodes: readonly StoredNode[];
}

export interface SavePlan {
  /** By path, parents before children. */
  readonly nodes: Map<string, PlannedNode>;
  readonly removed: readonly RemovedNodes[];
}

/** A moved node whose parent did not bring it along. */
export function isMoveRoot(plan: SavePlan, { path, origin, inPlace }: PlannedNode): boolean {
  if (inPlace || !origin) return false;
  const parent = plan.nodes.get(parentOf(path));
  const cameWithParent =
    parent?.inPlace === false && parent.origin?.path === parentOf(origin.path) && nameOf(path) === nameOf(origin.path);
  return !cameWithParent;
}
