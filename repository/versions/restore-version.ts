/** Restoring in place, and bringing back a node that was removed: each one commit. */
import { appendedPosition } from '../child-position.js';
import { RepositoryError } from '../errors.js';
import { identifierKey, nodeKey, subtreeRanges } from '../keys.js';
import { parentOf } from '../path.js';
import { primaryTypeOf } from '../record.js';
import type { SaveAttempt } from '../session-participant.js';
import type { StoredNode } from '../session-transient.js';
import { readStoredNodes, storedSubtree } from '../session-view.js';
import type { Precondition, StoreSnapshot, Write } from '../store/contract.js';
import { commitVersion, readTarget } from './commit-version.js';
import { compareTrees } from './compare-trees.js';
import { planRestore, treeNodesOf } from './restore.js';
import { requireVersionManagement } from './version-access.js';
import { historyWrite, readHistory, readVersion } from './version-history.js';
import type { History } from './version-history.js';
import type { VersionHost } from './version-host.js';
import { noNode, noVersion } from './version-host.js';
import { nameOfVersion } from './version-keys.js';
import { frozenTree, treeOf } from './version-tree.js';
import type { TreeNode, VersionTree } from './version-tree.js';

export interface RestoreTarget {
  readonly path: string;
  readonly identifier: string;
  readonly number: number;
  readonly removeExisting: boolean;
}

/** @param force whether changes since the base version may be lost */
export async function restoreInPlace(host: VersionHost, target: RestoreTarget, force: boolean): Promise<void> {
  const { path, identifier, number, removeExisting } = target;
  await commitVersion(host, identifier, async (snapshot) => {
    const node = await readTarget(snapshot, path, identifier);
    const current: StoredNode[] = [];
    for await (const below of storedSubtree(snapshot, path)) current.push(below);
    if (!force) await assertNothingLost(snapshot, target, treeOf(treeNodesOf(current, path)));
    const { transient, preconditions } = await planRestore({
      snapshot,
      access: host.access(),
      path,
      position: node.record.position,
      target: await frozenNodes(frozenTree(snapshot, identifier, number), target),
      current,
      removeExisting,
    });
    // The node itself, and what is below.
    const ranges = [{ gte: nodeKey(path), lt: `${nodeKey(path)}\0` }, ...subtreeRanges(path)];
    const unchanged = ranges.map((range): Precondition => ({ kind: 'unchanged', range, since: snapshot.sequence }));
    return {
      transient,
      contribute: (attempt, history) => ({
        preconditions: [...preconditions, ...unchanged],
        writes: newBase(attempt, target, history),
      }),
    };
  });
}

/** @param visible what of the version the user may read @throws ITEM_EXISTS */
export async function restoreElsewhere(
  host: VersionHost,
  target: RestoreTarget,
  visible: (snapshot: StoreSnapshot) => VersionTree,
): Promise<void> {
  const { path, identifier, removeExisting } = target;
  await commitVersion(host, identifier, async (snapshot) => {
    const [existing] = await snapshot.getMany([identifierKey(identifier)]);
    if (existing) {
      throw new RepositoryError(
        'ITEM_EXISTS',
        `The node to bring back to ${path} still exists; restore it where it is.`,
        {
          paths: [path],
        },
      );
    }
    const parent = (await readStoredNodes(snapshot, [parentOf(path)])).get(parentOf(path));
    if (!parent || !host.access().canRead(parent.path)) throw noNode(parentOf(path));
    const isOrdered = host.types().isOrderable(primaryTypeOf(parent.record));
    const { transient, preconditions } = await planRestore({
      snapshot,
      access: host.access(),
      path,
      position: isOrdered ? appendedPosition(snapshot.sequence, 0) : undefined,
      target: await frozenNodes(visible(snapshot), target),
      current: [],
      removeExisting,
    });
    return {
      transient,
      contribute: (attempt, history) => ({ preconditions, writes: newBase(attempt, target, history) }),
    };
  });
}

/** @throws PATH_NOT_FOUND */
async function frozenNodes(tree: VersionTree, { path, number }: RestoreTarget): Promise<TreeNode[]> {
  const nodes: TreeNode[] = [];
  for await (const node of tree.walk()) nodes.push(node);
  // Removed by another commit meanwhile.
  if (nodes.length === 0) throw noVersion(path, nameOfVersion(number));
  return nodes;
}

function newBase(
  { evaluator }: SaveAttempt,
  { path, identifier, number }: RestoreTarget,
  history: History | undefined,
): Write[] {
  requireVersionManagement(evaluator, path);
  return [historyWrite({ identifier, base: number, last: history?.last ?? number })];
}

/** @throws CONSTRAINT_VIOLATION */
async function assertNothingLost(
  snapshot: StoreSnapshot,
  { path, identifier }: RestoreTarget,
  current: VersionTree,
): Promise<void> {
  const history = await readHistory(snapshot, identifier);
  const base = history && (await readVersion(snapshot, identifier, history.base));
  if (!base) return;
  for await (const difference of compareTrees(frozenTree(snapshot, identifier, base.number), current)) {
    throw new RepositoryError(
      'CONSTRAINT_VIOLATION',
      `The node ${path} changed since its version ${nameOfVersion(base.number)} (${difference.kind} at ${difference.path}); ` +
        'check it in first, or restore with checkpoint to keep the changes or with force to lose them.',
      { paths: [path] },
    );
  }
}
