/** Makes a subtree what a version froze (JCR 2.0, section 15.7), as pending changes that one save commits. */
import { randomUUID } from 'node:crypto';
import type { AccessEvaluator } from '../access/evaluate.js';
import { controlledPath } from '../access/controlled-path.js';
import { RepositoryError } from '../errors.js';
import { identifierKey } from '../keys.js';
import { assertPath, isDescendantOrSelf } from '../path.js';
import { textOf } from '../record.js';
import type { NodeRecord } from '../record.js';
import { TransientSpace } from '../session-transient.js';
import type { StoredNode } from '../session-transient.js';
import type { Precondition, StoreSnapshot } from '../store/contract.js';
import { isCheckedIn, isVersionable, withCheckedOut } from './checked-out.js';
import { isPolicy, pathAt, pathBelow } from './version-tree.js';
import type { TreeNode } from './version-tree.js';

export interface RestoreInput {
  readonly snapshot: StoreSnapshot;
  readonly access: AccessEvaluator;
  /** Where the root is, or will be. */
  readonly path: string;
  /** Place of the root among its siblings. */
  readonly position: string | undefined;
  /** The version, parents before children. */
  readonly target: readonly TreeNode[];
  /** What is there, policies among it, parents before children; empty when the node is gone. */
  readonly current: readonly StoredNode[];
  readonly removeExisting: boolean;
}

export interface RestorePlan {
  readonly transient: TransientSpace;
  /** The identifiers that nodes get back must still be free. */
  readonly preconditions: readonly Precondition[];
}

/** @throws ITEM_EXISTS, INVALID_PATH (longer than paths may be) */
export async function planRestore(input: RestoreInput): Promise<RestorePlan> {
  const { snapshot, path: root, target, current } = input;
  const transient = new TransientSpace();
  const nodes = new Map(current.filter(({ path }) => !isPolicy(path)).map((node) => [node.record.identifier, node]));
  const wanted = new Map(target.map((node) => [node.record.identifier, pathAt(root, node.path)]));

  const missing = target.filter(({ record }) => !nodes.has(record.identifier));
  const identifiers = await identifiersFor(missing, input);
  for (const path of identifiers.displaced) transient.remove(path, true, snapshot.sequence);

  for (const { path, record } of current) {
    if (isPolicy(path) || transient.isRemoved(path) || wanted.get(record.identifier) === path) continue;
    transient.remove(path, true, snapshot.sequence);
  }
  // A policy stays with its node: in place where the node stays, else it goes along.
  const carried = current.flatMap((policy) => {
    const owner = controlledPath(policy.path);
    if (owner === undefined || !transient.isRemoved(policy.path)) return [];
    const ownerNode = current.find(({ path }) => path === owner);
    const newOwner = ownerNode && wanted.get(ownerNode.record.identifier);
    return newOwner === undefined ? [] : [{ policy, path: newOwner + policy.path.slice(owner.length) }];
  });
  for (const { path: below, record: frozen } of target) {
    const path = assertPath(pathAt(root, below));
    const origin = nodes.get(frozen.identifier);
    const identifier = identifiers.chosen.get(frozen.identifier) ?? frozen.identifier;
    const placed = { ...frozen, identifier, ...(below === '/' && { position: input.position }) };
    const record = withCurrentState(placed, below === '/' ? false : !(origin && isCheckedIn(origin.record)));
    transient.put({ path, record, origin, ensured: false });
  }
  for (const { policy, path } of carried)
    transient.put({ path, record: policy.record, origin: policy, ensured: false });
  return { transient, preconditions: identifiers.preconditions };
}

/** What is checked out does not change with a restore, except for the restored node itself. */
function withCurrentState(record: NodeRecord, checkedOut: boolean): NodeRecord {
  return isVersionable(record) ? withCheckedOut(record, checkedOut) : record;
}

interface Identifiers {
  /** By the identifier in the version, where the node gets another one. */
  readonly chosen: ReadonlyMap<string, string>;
  /** Nodes elsewhere that have to go. */
  readonly displaced: readonly string[];
  readonly preconditions: readonly Precondition[];
}

/**
 * A node that lives elsewhere today keeps its identifier there. Only a referenceable one stands in the way: there cannot be
 * two (JCR 2.0, section 15.7.1).
 */
async function identifiersFor(missing: readonly TreeNode[], input: RestoreInput): Promise<Identifiers> {
  const { snapshot, access, path: root, removeExisting } = input;
  const chosen = new Map<string, string>();
  const displaced: string[] = [];
  const preconditions: Precondition[] = [];
  const entries = await snapshot.getMany(missing.map(({ record }) => identifierKey(record.identifier)));
  missing.forEach(({ path, record }, index) => {
    const elsewhere = entries[index]?.value;
    if (elsewhere === undefined) {
      preconditions.push({ kind: 'version', key: identifierKey(record.identifier), version: 0 });
    } else if (textOf(record, 'jcr:uuid') !== record.identifier) {
      chosen.set(record.identifier, randomUUID());
    } else if (removeExisting && access.canRead(elsewhere) && !isDescendantOrSelf(root, elsewhere)) {
      displaced.push(elsewhere);
    } else {
      const where = access.canRead(elsewhere) ? ` at ${elsewhere}` : '';
      throw new RepositoryError(
        'ITEM_EXISTS',
        `The node ${pathAt(root, path)} of the version lives elsewhere today${where}; remove it there, or restore with removeExisting.`,
        { paths: [pathAt(root, path)] },
      );
    }
  });
  return { chosen, displaced, preconditions };
}

/** Stored nodes as a tree, without policies. */
export function treeNodesOf(nodes: readonly StoredNode[], root: string): TreeNode[] {
  return nodes.flatMap(({ path, record }) => (isPolicy(path) ? [] : [{ path: pathBelow(path, root), record }]));
}
