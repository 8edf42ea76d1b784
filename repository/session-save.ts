/**
 * From a session's pending changes to one commit. What the session saw of each record becomes a precondition; when
 * another commit came first, the changes are merged property by property with the newest record and tried again.
 */
import type { Change } from './api.js';
import type { AccessStateCache } from './access/access-state.js';
import { nameablePaths, withoutHiddenPaths } from './access/conceal.js';
import { AccessEvaluator } from './access/evaluate.js';
import { isGroupPath } from './access/authorizables.js';
import { controlledPath, policyName } from './access/controlled-path.js';
import { RepositoryError } from './errors.js';
import {
  blobEpochKey,
  groupEpochKey,
  identifierKey,
  indexEpochKey,
  nodeKey,
  nodeTypeEpochKey,
  pathOfNodeKey,
  policyEpochKey,
  policyKey,
  subtreeRanges,
} from './keys.js';
import type { CommittedNodes, NodeCache } from './node-cache.js';
import type { NodeTypeCache, NodeTypeState } from './node-types/registry-cache.js';
import { encodeCommitEntry } from './observation.js';
import { nameOf, parentOf, selfAndAncestors } from './path.js';
import type { IndexesInForce, IndexStateCache } from './query/index-state.js';
import { encodeRecord, primaryTypeOf, textOf } from './record.js';
import { markLeaves } from './leaf-marks.js';
import { mergeRecords } from './record-merge.js';
import type { SaveParticipant } from './session-participant.js';
import { SessionNode } from './session-node.js';
import { assertPermitted, pathsAskedFor } from './session-permissions.js';
import { isMoveRoot, planNode } from './session-plan.js';
import type { PlannedNode, RemovedNodes, SavePlan } from './session-plan.js';
import { inKeyOrder } from './session-transient.js';
import type { StoredNode, TransientSpace } from './session-transient.js';
import { readSharedNodes, readStoredNodes, storedSubtree } from './session-view.js';
import { StoreConflict } from './store/contract.js';
import type { BlobStore, KeyRange, NodeStore, Precondition, StoreSnapshot, Write } from './store/contract.js';
import { validateNodes } from './validate.js';

/** Each attempt starts from the newest state, so more than a few only happen to sessions fighting over one node. */
const maxAttempts = 20;

export interface SaveContext {
  readonly store: NodeStore;
  readonly blobs: BlobStore;
  readonly accessStates: AccessStateCache;
  readonly nodes: NodeCache;
  readonly nodeTypes: NodeTypeCache;
  readonly queries: { readonly indexStates: IndexStateCache };
  /** Asked in this order. */
  readonly participants: readonly SaveParticipant[];
  /** Commits what the participants write also when no node changes; default: there is no commit then. */
  readonly evenIfUnchanged?: boolean;
  /** Told to observers with the commit. */
  readonly userData?: string | undefined;
}

/** What a session goes by, as of its snapshot: the rights of its user, node types, indexes, and which blobs were collected. */
export interface SaveBasis {
  readonly access: AccessEvaluator;
  readonly types: NodeTypeState;
  readonly indexes: IndexesInForce;
  /** Version of the record `eblobs`. */
  readonly blobEpoch: number;
}

const basisEpochs = [policyEpochKey, groupEpochKey, nodeTypeEpochKey, indexEpochKey, blobEpochKey] as const;
const isBasisEpoch: ReadonlySet<string> = new Set(basisEpochs);

export async function readBasis(
  { accessStates, nodeTypes, queries }: Pick<SaveContext, 'accessStates' | 'nodeTypes' | 'queries'>,
  snapshot: StoreSnapshot,
  userId: string,
): Promise<SaveBasis> {
  const [policies, members, types, indexes, blobs] = await snapshot.getMany(basisEpochs);
  const state = await accessStates.stateAt(snapshot, policies?.version ?? 0, members?.version ?? 0);
  return {
    access: new AccessEvaluator(state, userId),
    types: await nodeTypes.stateAt(snapshot, types?.version ?? 0),
    indexes: await queries.indexStates.inForceAt(snapshot, indexes),
    blobEpoch: blobs?.version ?? 0,
  };
}

export interface SavedChanges {
  readonly sequence: number;
  /** What the changes were checked with, and which stood at the commit; `undefined` when the commit itself changed it. */
  readonly basis: SaveBasis | undefined;
}

/**
 * @param snapshot the session's
 * @param basis as of that snapshot
 * @returns `undefined` when nothing differs from the store
 * @throws CONFLICT, ACCESS_DENIED, PATH_NOT_FOUND, ITEM_EXISTS, CONSTRAINT_VIOLATION, BLOB_MISSING
 */
export async function saveChanges(
  context: SaveContext,
  transient: TransientSpace,
  snapshot: StoreSnapshot,
  basis: SaveBasis,
): Promise<SavedChanges | undefined> {
  const plan = await createPlan(transient, snapshot);
  if (plan.nodes.size === 0 && plan.removed.length === 0 && !context.evenIfUnchanged) return undefined;
  let current = snapshot;
  let { access: evaluator, types, indexes, blobEpoch } = basis;
  const readNodes = (paths: readonly string[]) => readSharedNodes(context.nodes, current, paths);
  try {
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      await context.nodes.catchUp(current.sequence);
      assertPermitted(plan, evaluator, evaluator.goesByType ? await readNodes(pathsAskedFor(plan)) : undefined);
      const attempted = {
        plan,
        snapshot: current,
        readNodes,
        evaluator,
        types: types.registry,
        indexes,
        blobs: context.blobs,
        blobEpoch,
        isFirst: attempt === 1,
      };
      await validateNodes(attempted);
      const opened = await markLeaves(plan, readNodes);
      const preconditions = await preconditionsOf(plan, current, evaluator, opened);
      const encoded = new Map(
        [...plan.nodes.values(), ...opened].map(({ path, record }) => [path, encodeRecord(record)]),
      );
      const writes = writesOf(plan, encoded);
      for (const { path } of opened) writes.push({ key: nodeKey(path), value: encoded.get(path) ?? '' });
      preconditions.push({ kind: 'version', key: nodeTypeEpochKey, version: types.epoch });
      for (const participant of context.participants) {
        const contribution = await participant(attempted);
        if (contribution.preconditions) preconditions.push(...contribution.preconditions);
        if (contribution.writes) writes.push(...contribution.writes);
      }
      const commit = {
        preconditions,
        writes,
        entry: encodeCommitEntry(evaluator.userId, new Date(), await changesOf(plan, current), context.userData),
      };
      try {
        const sequence = await context.store.commit(commit);
        context.nodes.committed(sequence, committedNodes(plan, opened, sequence, encoded));
        const changesBasis = writes.some(({ key }) => isBasisEpoch.has(key));
        return { sequence, basis: changesBasis ? undefined : { access: evaluator, types, indexes, blobEpoch } };
      } catch (error) {
        if (!(error instanceof StoreConflict)) throw error;
        if (current !== snapshot) await current.close();
        current = await context.store.snapshot();
        ({ access: evaluator, types, indexes, blobEpoch } = await readBasis(context, current, evaluator.userId));
        await rebase(plan, error.failed, current, evaluator, opened);
      }
    }
    throw conflict(nameablePaths([...plan.nodes.keys()], plan, evaluator));
  } catch (error) {
    throw withoutHiddenPaths(error, plan, evaluator);
  } finally {
    if (current !== snapshot) await current.close();
  }
}

async function createPlan(transient: TransientSpace, snapshot: StoreSnapshot): Promise<SavePlan> {
  const removed: RemovedNodes[] = [];
  for (const subtree of transient.removedSubtrees()) {
    const nodes: StoredNode[] = [];
    for await (const node of storedSubtree(snapshot, subtree.path)) nodes.push(node);
    removed.push({ ...subtree, since: subtree.movedAt ?? snapshot.sequence, nodes });
  }
  const nodes = new Map<string, PlannedNode>();
  for (const node of inKeyOrder(transient.nodes())) {
    const inPlace = node.origin?.path === node.path && !transient.isRemoved(node.path);
    const planned = planNode(node, inPlace);
    if (inPlace && planned.changed.length === 0 && node.record.position === node.origin.record.position) continue;
    nodes.set(node.path, planned);
  }
  return { nodes, removed };
}

async function preconditionsOf(
  plan: SavePlan,
  snapshot: StoreSnapshot,
  { state }: AccessEvaluator,
  opened: readonly StoredNode[],
): Promise<Precondition[]> {
  const preconditions: Precondition[] = [
    // The rights were evaluated against these.
    { kind: 'version', key: policyEpochKey, version: state.policyEpoch },
    { kind: 'version', key: groupEpochKey, version: state.groupEpoch },
  ];
  const parents = new Set<string>();
  const removed = new Set(plan.removed.map(({ path }) => path));
  for (const node of plan.nodes.values()) {
    const key = nodeKey(node.path);
    if (node.origin)
      preconditions.push({ kind: 'version', key: nodeKey(node.origin.path), version: node.origin.version });
    if (node.inPlace) continue;
    const parent = parentOf(node.path);
    // Nothing can lie below a parent that is not there yet, which is the parent's own precondition.
    if (isNew(plan.nodes.get(parent))) continue;
    // Where a stored node made room, the guard of the removed subtree stands for this.
    if (removed.size === 0 || ![...selfAndAncestors(node.path)].some((path) => removed.has(path)))
      preconditions.push({ kind: 'version', key, version: 0 });
    if (parent !== '' && !plan.nodes.has(parent)) parents.add(parent);
  }
  for (const { path, version } of opened) {
    preconditions.push({ kind: 'version', key: nodeKey(path), version });
    parents.delete(path);
  }
  for (const parent of parents) preconditions.push({ kind: 'exists', key: nodeKey(parent) });
  for (const { path, since, movedAt, nodes } of plan.removed) {
    const [root] = nodes;
    if (root && movedAt === undefined)
      preconditions.push({ kind: 'version', key: nodeKey(path), version: root.version });
    // A moved root may have been removed where it went, so that no origin stands for it.
    if (movedAt !== undefined) preconditions.push({ kind: 'unchanged', range: keyAlone(nodeKey(path)), since });
    for (const range of subtreeRanges(path)) preconditions.push({ kind: 'unchanged', range, since });
  }
  preconditions.push(...(await identifierPreconditions(plan, snapshot)));
  return preconditions;
}

function keyAlone(key: string): KeyRange {
  return { gte: key, lt: `${key}\0` };
}

function isNew(node: PlannedNode | undefined): boolean {
  return node !== undefined && !node.inPlace && node.origin === undefined;
}

/** A given `jcr:uuid` must be free, or be freed by this save. */
async function identifierPreconditions(plan: SavePlan, snapshot: StoreSnapshot): Promise<Precondition[]> {
  const added = [...plan.nodes.values()].filter(
    ({ origin, record }) => !origin && textOf(record, 'jcr:uuid') === record.identifier,
  );
  if (added.length === 0) return [];
  const freed = new Set(plan.removed.flatMap(({ nodes }) => nodes.map(({ record }) => record.identifier)));
  const entries = await snapshot.getMany(added.map(({ record }) => identifierKey(record.identifier)));
  return added.map(({ path, record }, index) => {
    const entry = entries[index];
    if (entry && !freed.has(record.identifier)) {
      throw new RepositoryError(
        'ITEM_EXISTS',
        `The jcr:uuid ${record.identifier} of ${path} is that of another node.`,
        {
          paths: [path],
        },
      );
    }
    return { kind: 'version', key: identifierKey(record.identifier), version: entry?.version ?? 0 };
  });
}

function writesOf(plan: SavePlan, encoded: ReadonlyMap<string, string>): Write[] {
  // One write per key: what is put at a key that was removed replaces the removal.
  const writes = new Map<string, Write>();
  const put = (key: string, value: string) => writes.set(key, { key, value });
  for (const { path, record } of plan.removed.flatMap(({ nodes }) => nodes)) {
    for (const key of [nodeKey(path), identifierKey(record.identifier)]) writes.set(key, { key, remove: true });
    if (nameOf(path) === policyName)
      writes.set(policyKey(parentOf(path)), { key: policyKey(parentOf(path)), remove: true });
  }
  for (const { path, record, inPlace } of plan.nodes.values()) {
    put(nodeKey(path), encoded.get(path) ?? '');
    if (inPlace) continue;
    put(identifierKey(record.identifier), path);
    if (nameOf(path) === policyName) put(policyKey(parentOf(path)), '');
  }
  const touched = [...plan.nodes.values(), ...plan.removed.flatMap(({ nodes }) => nodes)];
  if (touched.some(({ path }) => controlledPath(path) !== undefined)) put(policyEpochKey, '');
  if (touched.some(({ path }) => isGroupPath(path))) put(groupEpochKey, '');
  return [...writes.values()];
}

function committedNodes(
  plan: SavePlan,
  opened: readonly StoredNode[],
  sequence: number,
  encoded: ReadonlyMap<string, string>,
): CommittedNodes {
  const written = [...plan.nodes.values(), ...opened].map(({ path, record }) => ({
    node: new SessionNode(path, sequence, record),
    length: encoded.get(path)?.length ?? 0,
  }));
  return { written, removed: plan.removed.flatMap(({ nodes }) => nodes.map(({ path }) => path)) };
}

async function changesOf(plan: SavePlan, snapshot: StoreSnapshot): Promise<Change[]> {
  const changes: Change[] = [];
  const takenAlong = new Set([...plan.nodes.values()].flatMap(({ origin }) => origin?.path ?? []));
  for (const { nodes } of plan.removed) {
    for (const { path, record } of nodes) {
      if (!takenAlong.has(path)) changes.push({ kind: 'nodeRemoved', path, primaryType: primaryTypeOf(record) });
    }
  }
  const reordered = new Set<string>();
  for (const node of plan.nodes.values()) {
    const { path, record, origin, inPlace, changed } = node;
    const primaryType = primaryTypeOf(record);
    if (!origin) {
      changes.push({ kind: 'nodeAdded', path, primaryType });
      continue;
    }
    // A moved subtree is one event, of its root (JCR 2.0, section 12.3.3).
    if (isMoveRoot(plan, node) && origin.path !== path) {
      changes.push({ kind: 'nodeMoved', path, primaryType, from: origin.path });
    }
    if (changed.length > 0) changes.push({ kind: 'propertiesChanged', path, primaryType, properties: changed });
    if (inPlace && record.position !== origin.record.position) reordered.add(parentOf(path));
  }
  if (reordered.size === 0) return changes;
  const parents = await readStoredNodes(snapshot, [...reordered]);
  for (const path of reordered) {
    const parent = plan.nodes.get(path) ?? parents.get(path);
    if (parent) changes.push({ kind: 'childrenReordered', path, primaryType: primaryTypeOf(parent.record) });
  }
  return changes;
}

/** Brings the plan onto the newest state, as far as its failed preconditions can be resolved. @throws CONFLICT */
async function rebase(
  plan: SavePlan,
  failed: readonly Precondition[],
  newest: StoreSnapshot,
  evaluator: AccessEvaluator,
  opened: readonly StoredNode[],
): Promise<void> {
  const conflicting = new Set<string>();
  const stale: PlannedNode[] = [];
  for (const precondition of failed) {
    if (precondition.kind === 'unchanged') {
      // Ranges of participants are judged anew by the next attempt.
      if (!precondition.range.gte.startsWith('n')) continue;
      const removed = plan.removed.find(({ path }) =>
        subtreeRanges(path).some((r) => r.gte === precondition.range.gte),
      );
      conflicting.add(removed?.path ?? pathOfNodeKey(precondition.range.gte));
    } else if (precondition.key.startsWith('n')) {
      const path = pathOfNodeKey(precondition.key);
      const node = plan.nodes.get(path);
      // A parent that was a leaf is looked at anew by the next attempt.
      if (opened.some((parent) => parent.path === path)) continue;
      if (precondition.kind === 'version' && node && (node.inPlace || precondition.version === 0)) stale.push(node);
      else conflicting.add(path);
    }
    // Epochs and identifiers are read anew, and judged, by the next attempt.
  }
  const theirs = await readStoredNodes(
    newest,
    stale.map(({ path }) => path),
  );
  for (const node of stale) {
    const their = theirs.get(node.path);
    if (node.inPlace) {
      const merged = their && node.origin ? mergeRecords(node.origin.record, node.record, their.record) : undefined;
      if (their && merged) plan.nodes.set(node.path, planNode({ ...node, record: merged, origin: their }, true));
      else conflicting.add(node.path);
    } else if (their && !evaluator.canRead(node.path, their.record)) {
      throw new RepositoryError('ACCESS_DENIED', `The user may not add ${node.path}.`, { paths: [node.path] });
    } else if (their && node.ensured && primaryTypeOf(their.record) === primaryTypeOf(node.record)) {
      plan.nodes.delete(node.path);
    } else if (their) {
      conflicting.add(node.path);
    }
  }
  if (conflicting.size > 0) throw conflict(nameablePaths([...conflicting], plan, evaluator));
}

function conflict(paths: readonly string[]): RepositoryError {
  // Nothing is left to name when all of it may not be read.
  const named =
    paths.length === 0
      ? 'what this save depends on'
      : paths.slice(0, 5).join(', ') + (paths.length > 5 ? ` and ${paths.length - 5} more` : '');
  return new RepositoryError('CONFLICT', `Another save changed ${named} first; refresh and try again.`, { paths });
}
