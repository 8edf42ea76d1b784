/**
 * Which indexes there are and which of them can be used, as one snapshot has it. Few and read at every save, so they are held; valid
 * for every snapshot with the same version of the epoch record. The epoch is rewritten when an index is defined, changed,
 * removed or ready, not with every step of a build: whoever saves keeps entries from the definition on.
 */
import { RepositoryError } from '../errors.js';
import { indexEpochKey } from '../keys.js';
import type { StoredRecord, StoreSnapshot } from '../store/contract.js';
import type { IndexDefinition } from './index-definition.js';
import { pathOfStateKey, stateKeys } from './index-keys.js';

/** The record at `stateKey`. */
export type IndexState =
  | {
      readonly phase: 'building' | 'ready';
      /** Names its entries; another one whenever the definition changes, so that old entries are never taken for new. */
      readonly id: string;
      readonly definition: IndexDefinition;
      /** Key of the last node whose entries were built; `''` before the first. */
      readonly position: string;
      /** Nodes looked at so far. */
      readonly nodes: number;
    }
  | { readonly phase: 'ignored'; readonly problem: string };

/** An index that saves keep. */
export interface KeptIndex {
  readonly id: string;
  readonly definition: IndexDefinition;
  readonly ready: boolean;
}

export interface IndexesInForce {
  readonly epoch: number;
  /** For the next index that is defined. */
  readonly nextId: number;
  readonly indexes: readonly KeptIndex[];
}

/** Keeps the newest, which nearly every session shares. */
export class IndexStateCache {
  #newest: IndexesInForce | undefined;

  async inForce(snapshot: StoreSnapshot): Promise<IndexesInForce> {
    const [epoch] = await snapshot.getMany([indexEpochKey]);
    return this.inForceAt(snapshot, epoch);
  }

  /** @param epoch the epoch record as the snapshot has it */
  async inForceAt(snapshot: StoreSnapshot, epoch: StoredRecord | undefined): Promise<IndexesInForce> {
    const version = epoch?.version ?? 0;
    if (this.#newest?.epoch === version) return this.#newest;
    const indexes: KeptIndex[] = [];
    for await (const { state } of readIndexStates(snapshot)) {
      if (state.phase === 'ignored') continue;
      indexes.push({ id: state.id, definition: state.definition, ready: state.phase === 'ready' });
    }
    const loaded = { epoch: version, nextId: Number(epoch?.value ?? '1'), indexes };
    // A session that stays on an old snapshot must not push out what the others share.
    if (version >= (this.#newest?.epoch ?? 0)) this.#newest = loaded;
    return loaded;
  }
}

export interface StoredIndexState {
  readonly key: string;
  readonly path: string;
  readonly version: number;
  readonly state: IndexState;
}

/** Every index there is, in the order of the paths of their definitions. */
export async function* readIndexStates(snapshot: StoreSnapshot): AsyncGenerator<StoredIndexState> {
  for await (const batch of snapshot.range(stateKeys)) {
    for (const { key, value, version } of batch) {
      yield { key, path: pathOfStateKey(key), version, state: decodeIndexState(pathOfStateKey(key), value) };
    }
  }
}

export function encodeIndexState(state: IndexState): string {
  return JSON.stringify(state);
}

export function decodeIndexState(path: string, text: string): IndexState {
  try {
    return JSON.parse(text) as IndexState;
  } catch (cause) {
    throw new RepositoryError(
      'STORE_CORRUPT',
      `The state of the index ${path} does not parse; restore the data folder.`,
      { paths: [path], cause },
    );
  }
}
