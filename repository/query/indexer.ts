/**
 * Builds indexes that were defined or changed, and clears the entries of those that are no more, in small commits beside the saves
 * of others. A build never overwrites a save: from the definition on every save keeps the entries of the nodes it
 * writes, so a node that changed under the build is simply left to the save that changed it.
 */
import { adminUser } from '../api.js';
import { RepositoryError } from '../errors.js';
import { indexEpochKey, nodeKey, nodeTypeEpochKey, pathOfNodeKey } from '../keys.js';
import type { NodeTypeCache } from '../node-types/registry-cache.js';
import type { NodeTypeRegistry } from '../node-types/registry.js';
import { encodeCommitEntry } from '../observation.js';
import { joinPath } from '../path.js';
import { decodeRecord } from '../record.js';
import { StoreConflict } from '../store/contract.js';
import type { NodeStore, Precondition, StoredEntry, StoreSnapshot, Write } from '../store/contract.js';
import { indexRoot } from './index-definition.js';
import { addEntries } from './index-entries.js';
import type { IndexEntries } from './index-entries.js';
import { clearingKey, clearingKeys, entryKeys, idOfClearingKey, stateKey } from './index-keys.js';
import { encodeIndexState, readIndexStates } from './index-state.js';
import type { IndexState, IndexStateCache, StoredIndexState } from './index-state.js';

/** Nodes of one commit of a build, and entries of one commit that clears. */
const batchSize = 200;

export interface IndexSummary {
  readonly name: string;
  readonly phase: 'building' | 'ready' | 'ignored';
  readonly type?: string;
  /** Nodes a build has looked at so far. */
  readonly nodes?: number;
  readonly propertyNames?: readonly string[];
  readonly declaringNodeTypes?: readonly string[];
  /** Why it is ignored. */
  readonly problem?: string;
}

export interface Indexer {
  /** Works whenever there is something to do, until the repository is closed. */
  start(onError: (error: unknown) => void): void;
  /** Does all that is to be done now. */
  catchUp(): Promise<void>;
  /** One commit's worth of work. @returns false when there was nothing to do */
  step(): Promise<boolean>;
  list(): Promise<IndexSummary[]>;
  /** Builds an index from scratch; queries do without it meanwhile. @throws PATH_NOT_FOUND */
  rebuild(name: string): Promise<void>;
}

export class StoreIndexer implements Indexer {
  readonly #store: NodeStore;
  readonly #states: IndexStateCache;
  readonly #nodeTypes: NodeTypeCache;
  #working: Promise<void> | undefined;
  #waiting: Promise<void> | undefined;
  #stopListening: (() => void) | undefined;
  #closed = false;
  /** The epoch at which there was nothing left to do. */
  #doneAt: number | undefined;

  constructor(store: NodeStore, states: IndexStateCache, nodeTypes: NodeTypeCache) {
    this.#nodeTypes = nodeTypes;
    this.#store = store;
    this.#states = states;
  }

  start(onError: (error: unknown) => void): void {
    if (this.#stopListening || this.#closed) return;
    const work = () => {
      this.catchUp().catch((error: unknown) => {
        if (!this.#closed) onError(error);
      });
    };
    this.#stopListening = this.#store.onCommit(work);
    work();
  }

  async catchUp(): Promise<void> {
    // Commits during a run may come too late for it, so all who ask meanwhile share one more run after it.
    this.#waiting ??= (this.#working ?? Promise.resolve()).catch(() => undefined).then(() => this.#run());
    await this.#waiting;
  }

  async #run(): Promise<void> {
    this.#working = this.#waiting;
    this.#waiting = undefined;
    while (!this.#closed && (await this.step()));
  }

  async step(): Promise<boolean> {
    const snapshot = await this.#store.snapshot();
    try {
      const { epoch } = await this.#states.inForce(snapshot);
      if (epoch === this.#doneAt) return false;
      if ((await this.#buildBatch(snapshot)) || (await this.#clearBatch(snapshot))) return true;
      this.#doneAt = epoch;
      return false;
    } finally {
      await snapshot.close();
    }
  }

  /** All indexes that are equally far advance together: a node is read once for all of them. */
  async #buildBatch(snapshot: StoreSnapshot): Promise<boolean> {
    const building: BuildingIndex[] = [];
    for await (const stored of readIndexStates(snapshot)) {
      if (stored.state.phase === 'building') building.push({ ...stored, state: stored.state });
    }
    const [first] = building;
    if (!first) return false;
    const group = building.filter(({ state }) => state.position === first.state.position);
    const nodes = await nodesAfter(snapshot, first.state.position);
    const last = nodes.at(-1)?.key;
    const finished = nodes.length < batchSize;
    const writes: Write[] = group.map(({ key, state }) => {
      const reached = { position: last ?? state.position, nodes: state.nodes + nodes.length };
      return { key, value: encodeIndexState({ ...state, ...reached, phase: finished ? 'ready' : 'building' }) };
    });
    const preconditions: Precondition[] = group.map(({ key, version }) => ({ kind: 'version', key, version }));
    if (finished) {
      const { epoch, nextId } = await this.#states.inForce(snapshot);
      preconditions.push({ kind: 'version', key: indexEpochKey, version: epoch });
      writes.push({ key: indexEpochKey, value: String(nextId) });
    }
    const types = await this.#nodeTypes.stateOf(snapshot);
    preconditions.push({ kind: 'version', key: nodeTypeEpochKey, version: types.epoch });
    await this.#commitBuilt({ writes, preconditions }, entriesByNode(group, nodes, types.registry));
    return true;
  }

  /** @param built by node: what a save that came first makes needless */
  async #commitBuilt(
    step: { readonly writes: readonly Write[]; readonly preconditions: readonly Precondition[] },
    built: Map<string, { readonly version: number; readonly entries: IndexEntries }>,
  ): Promise<void> {
    for (;;) {
      const writes = [...step.writes];
      const preconditions = [...step.preconditions];
      for (const [key, { version, entries }] of built) {
        preconditions.push({ kind: 'version', key, version });
        for (const [entry, value] of entries) writes.push({ key: entry, value });
      }
      const failed = await this.#commit(preconditions, writes);
      if (!failed) return;
      // Another definition, or another process that builds: judged anew by the next step.
      if (failed.some((precondition) => precondition.kind !== 'version' || !built.has(precondition.key))) return;
      for (const precondition of failed) if (precondition.kind === 'version') built.delete(precondition.key);
    }
  }

  async #clearBatch(snapshot: StoreSnapshot): Promise<boolean> {
    for await (const batch of snapshot.range(clearingKeys, { limit: 1 })) {
      for (const { key, version } of batch) {
        const id = idOfClearingKey(key);
        const keys: string[] = [];
        for await (const entries of snapshot.range(entryKeys(id), { limit: batchSize })) {
          for (const entry of entries) keys.push(entry.key);
        }
        const writes: Write[] = keys.map((entry) => ({ key: entry, remove: true }));
        if (keys.length < batchSize) writes.push({ key, remove: true });
        await this.#commit([{ kind: 'version', key, version }], writes);
        return true;
      }
    }
    return false;
  }

  /** @returns the preconditions that failed, where some did */
  async #commit(preconditions: Precondition[], writes: Write[]): Promise<readonly Precondition[] | undefined> {
    try {
      await this.#store.commit({ preconditions, writes, entry: encodeCommitEntry(adminUser, new Date(), []) });
      return undefined;
    } catch (error) {
      if (error instanceof StoreConflict) return error.failed;
      throw error;
    }
  }

  async list(): Promise<IndexSummary[]> {
    const snapshot = await this.#store.snapshot();
    try {
      const found: IndexSummary[] = [];
      for await (const { path, state } of readIndexStates(snapshot)) found.push(summaryOf(path, state));
      return found;
    } finally {
      await snapshot.close();
    }
  }

  async rebuild(name: string): Promise<void> {
    const path = joinPath(indexRoot, name);
    for (;;) {
      const snapshot = await this.#store.snapshot();
      try {
        const { epoch, nextId } = await this.#states.inForce(snapshot);
        const found = await stateAt(snapshot, path);
        if (!found || found.state.phase === 'ignored') {
          throw new RepositoryError('PATH_NOT_FOUND', `There is no index ${path} that is kept; see index list.`, {
            paths: [path],
          });
        }
        const { key, version, state } = found;
        const failed = await this.#commit(
          [
            { kind: 'version', key, version },
            { kind: 'version', key: indexEpochKey, version: epoch },
          ],
          [...beginAnew(key, state, nextId), { key: indexEpochKey, value: String(nextId + 1) }],
        );
        if (!failed) return;
      } finally {
        await snapshot.close();
      }
    }
  }

  /** Ends after the commit that is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopListening?.();
    await (this.#waiting ?? this.#working)?.catch(() => undefined);
  }
}

/** An index under another id, with nothing in it; the entries under the old one are cleared later. */
function beginAnew(key: string, state: KeptState, id: number): Write[] {
  const fresh: IndexState = { ...state, phase: 'building', id: String(id), position: '', nodes: 0 };
  return [
    { key, value: encodeIndexState(fresh) },
    { key: clearingKey(state.id), value: '' },
  ];
}

/** What a change of node types means for indexes: those that go by type begin anew, as other nodes may belong in them. */
export async function rebuildTypedIndexes(
  states: IndexStateCache,
  snapshot: StoreSnapshot,
): Promise<{ readonly preconditions: readonly Precondition[]; readonly writes: readonly Write[] }> {
  const { epoch, nextId } = await states.inForce(snapshot);
  const preconditions: Precondition[] = [{ kind: 'version', key: indexEpochKey, version: epoch }];
  const writes: Write[] = [];
  let id = nextId;
  for await (const { key, version, state } of readIndexStates(snapshot)) {
    if (state.phase === 'ignored' || state.definition.declaringNodeTypes.length === 0) continue;
    preconditions.push({ kind: 'version', key, version });
    writes.push(...beginAnew(key, state, id++));
  }
  if (writes.length > 0) writes.push({ key: indexEpochKey, value: String(id) });
  return { preconditions, writes };
}

type KeptState = Exclude<IndexState, { readonly phase: 'ignored' }>;
type BuildingIndex = StoredIndexState & { readonly state: KeptState };

async function nodesAfter(snapshot: StoreSnapshot, position: string): Promise<StoredEntry[]> {
  const nodes: StoredEntry[] = [];
  const gte = position === '' ? nodeKey('/') : `${position}\0`;
  for await (const batch of snapshot.range({ gte, lt: 'o' }, { limit: batchSize })) nodes.push(...batch);
  return nodes;
}

function entriesByNode(
  group: readonly BuildingIndex[],
  nodes: readonly StoredEntry[],
  types: NodeTypeRegistry,
): Map<string, { readonly version: number; readonly entries: IndexEntries }> {
  const built = new Map<string, { readonly version: number; readonly entries: IndexEntries }>();
  for (const { key, value, version } of nodes) {
    const path = pathOfNodeKey(key);
    const record = decodeRecord(path, value);
    const entries: IndexEntries = new Map();
    for (const { state } of group) addEntries(entries, { ...state, ready: false }, path, record, types);
    if (entries.size > 0) built.set(key, { version, entries });
  }
  return built;
}

async function stateAt(snapshot: StoreSnapshot, path: string): Promise<StoredIndexState | undefined> {
  for await (const stored of readIndexStates(snapshot)) if (stored.key === stateKey(path)) return stored;
  return undefined;
}

function summaryOf(path: string, state: IndexState): IndexSummary {
  const name = path.slice(indexRoot.length + 1);
  if (state.phase === 'ignored') return { name, phase: state.phase, problem: state.problem };
  const { phase, nodes, definition } = state;
  const { type, propertyNames, declaringNodeTypes } = definition;
  return { name, phase, type, nodes, propertyNames, declaringNodeTypes };
}
