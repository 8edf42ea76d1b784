/** What joins in every save beside the nodes themselves: references, indexes, blobs, versions. */
import type { AccessEvaluator } from './access/evaluate.js';
import type { NodeTypeRegistry } from './node-types/registry.js';
import type { IndexesInForce } from './query/index-state.js';
import type { SavePlan } from './session-plan.js';
import type { StoredNode } from './session-transient.js';
import type { BlobStore, Precondition, StoreSnapshot, Write } from './store/contract.js';

/** One attempt to commit a plan, against the state the plan was last brought up to date with. */
export interface SaveAttempt {
  readonly snapshot: StoreSnapshot;
  /** Nodes as the snapshot has them, by path; those that are not there are left out. */
  readonly readNodes: (paths: readonly string[]) => Promise<ReadonlyMap<string, StoredNode>>;
  readonly evaluator: AccessEvaluator;
  readonly blobs: BlobStore;
  readonly types: NodeTypeRegistry;
  readonly indexes: IndexesInForce;
  /** Version of the record that is rewritten when blobs are gone, in the snapshot. */
  readonly blobEpoch: number;
  /** No precondition has failed yet: what is only likely may be left for the commit to find out. */
  readonly isFirst: boolean;
  /** Nodes before and after: `origin` and `record` of each planned node, and the nodes that go. */
  readonly plan: SavePlan;
}

export interface SaveContribution {
  readonly preconditions?: readonly Precondition[];
  /** Keys of the participant's own, never those of nodes. */
  readonly writes?: readonly Write[];
}

/**
 * Keeps keys of its own in step with the nodes, in the same commit. It may refuse the save by throwing a RepositoryError.
 * Called again for each attempt after a conflict, so it must not remember anything between calls; a precondition of its own
 * that failed is simply judged anew.
 */
export type SaveParticipant = (attempt: SaveAttempt) => SaveContribution | Promise<SaveContribution>;
