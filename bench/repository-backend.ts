/**
 * A backend seen twice: as the repository's node store, and as the database below it, written to and read directly with the
 * very keys and values that the repository commits. The second is the limit the first is measured against.
 */
import type { Commit, KeyRange, NodeStore } from '../repository/store/contract.js';

export interface Backend {
  readonly name: string;
  /** Whether it can leave it to the system when commits reach the disk. */
  readonly canSkipSync: boolean;
  /** @param place the name of a database of its own, created when missing */
  openStore(place: string, sync: boolean): Promise<NodeStore>;
  /** @param place as of `openStore`; the two never have one open at the same time */
  openRaw(place: string, sync: boolean): Promise<RawStore>;
  remove(place: string): Promise<void>;
}

/** Work is prepared first and returned as a function, so that only the database itself is timed. */
export interface RawStore {
  /** One batch or transaction for each commit, one after another. */
  writing(commits: readonly RecordedCommit[]): () => Promise<void>;
  /** @param atOnce keys per read; 1 reads them one by one @returns how many were there */
  reading(keys: readonly string[], atOnce: number): () => Promise<number>;
  /** The first entries of each range, and then the records they stand for with one read. @returns how many records were there */
  following(lookups: readonly Lookup[], limit: number): () => Promise<number>;
  /** All nodes below a path, each parsed. @returns how many */
  traversing(path: string): () => Promise<number>;
  /** SHA-256 over all that is stored, to show that both sides wrote the same. */
  digest(): Promise<string>;
  /** Bytes on disk. Opening writes out what was buffered, so ask right after it. */
  size(): Promise<number>;
  close(): Promise<void>;
}

/** Entries of an index that all stand for a record. */
export interface Lookup {
  readonly range: KeyRange;
  readonly recordKey: (entryKey: string) => string;
}

export interface RecordedCommit {
  readonly sequence: number;
  readonly commit: Commit;
}

/**
 * Listens to what a store commits. The store itself goes on being used, so that nothing stands between it and the
 * repository but the call.
 * @returns takes what was committed since it was last asked, in the order of the journal
 */
export function recordCommits(store: NodeStore): () => RecordedCommit[] {
  let recorded: RecordedCommit[] = [];
  const commit = store.commit.bind(store);
  store.commit = async (wanted) => {
    const sequence = await commit(wanted);
    recorded.push({ sequence, commit: wanted });
    return sequence;
  };
  return () => {
    const taken = recorded.sort((a, b) => a.sequence - b.sequence);
    recorded = [];
    return taken;
  };
}
