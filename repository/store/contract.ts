/**
 * The two contracts below which everything about storage lives: an ordered store for nodes and a content-addressed store
 * for bytes. Sessions, indexes, access control and queries are written once above them, so no backend can differ in
 * meaning. Every implementation passes the suites of `repository/conformance/` (docs/stores.md).
 */
import type { Readable } from 'node:stream';

/** A value and the sequence of the commit that last wrote it. */
export interface StoredRecord {
  readonly value: string;
  /** Commit sequence, 1 or higher. */
  readonly version: number;
}

export interface StoredEntry extends StoredRecord {
  readonly key: string;
}

/** Keys from `gte` (inclusive) to `lt` (exclusive), in bytewise order of their UTF-8 form. */
export interface KeyRange {
  readonly gte: string;
  readonly lt: string;
}

export interface RangeOptions {
  readonly reverse?: boolean;
  /** Entries in all, over every batch. */
  readonly limit?: number;
}

/** A consistent view of the store: it never changes, whatever is committed meanwhile. Close it. */
export interface StoreSnapshot {
  /** The last commit this snapshot contains; 0 for an empty store. */
  readonly sequence: number;
  /** Records in the order of the keys; `undefined` where there is none. */
  getMany(keys: readonly string[]): Promise<(StoredRecord | undefined)[]>;
  /** Entries in batches whose size the implementation chooses, so that a long range stays flat in memory. */
  range(range: KeyRange, options?: RangeOptions): AsyncIterable<readonly StoredEntry[]>;
  close(): Promise<void>;
}

/** What must still hold when the commit is applied; checked under the commit lock, against the newest state. */
export type Precondition =
  /** The record has this version; 0 means there is none. */
  | { readonly kind: 'version'; readonly key: string; readonly version: number }
  /** The record exists, whatever its version: a parent that gains a child. */
  | { readonly kind: 'exists'; readonly key: string }
  /** No key of the range was written or removed by a commit after `since`: a subtree that is moved or removed. */
  | { readonly kind: 'unchanged'; readonly range: KeyRange; readonly since: number };

export type Write = { readonly key: string; readonly value: string } | { readonly key: string; readonly remove: true };

export interface Commit {
  readonly preconditions: readonly Precondition[];
  /** At most one write per key, of at most `maxKeyBytes` (key-limit.ts); all of them are applied, or none. */
  readonly writes: readonly Write[];
  /** What the journal keeps of this commit, opaque to the store. */
  readonly entry: string;
}

export interface JournalEntry {
  /** Gapless, from 1. */
  readonly sequence: number;
  readonly entry: string;
}

/** Thrown by `commit` when preconditions no longer hold; nothing was written. */
export class StoreConflict extends Error {
  override readonly name = 'StoreConflict';
  constructor(readonly failed: readonly Precondition[]) {
    super(`${failed.length} precondition(s) of the commit no longer hold`);
  }
}

export interface NodeStore {
  /**
   * The newest state, whichever process made it.
   * @param atLeast a commit of this process: any state from that one on will do, which may save a question to the server
   */
  snapshot(atLeast?: number): Promise<StoreSnapshot>;
  /**
   * Applies all writes and appends one journal entry, durably: when the promise resolves the commit survives the loss of
   * the process. Commits that wait at the same time may share one synced write.
   * @returns the commit's sequence
   * @throws StoreConflict
   * @throws RepositoryError KEY_TOO_LONG
   */
  commit(commit: Commit): Promise<number>;
  /** The newest sequence. */
  head(): Promise<number>;
  /**
   * Journal entries after `after`, oldest first, up to the head at the time of the call.
   * @throws RepositoryError JOURNAL_TRIMMED when some of them are no longer kept
   */
  journal(after: number): AsyncIterable<JournalEntry>;
  /** The sequence up to which the journal was trimmed: `journal(journalStart())` is all that is kept. 0: nothing was. */
  journalStart(): Promise<number>;
  /** Forgets journal entries up to and including `upTo`, which is at most the head. Trimming less than before does nothing. */
  trimJournal(upTo: number): Promise<void>;
  /**
   * Calls back after commits became durable, of any process on this store; at least once per burst, and sometimes for nothing.
   * Returns a stop.
   */
  onCommit(listener: () => void): () => void;
  /** A named, durable position in the journal; not journaled itself. `undefined` when it was never set. */
  getCursor(name: string): Promise<number | undefined>;
  /** Moves it forward, never back: followers that share a cursor are at different places. */
  setCursor(name: string, sequence: number): Promise<void>;
  /** Every cursor and its position. */
  cursors(): Promise<ReadonlyMap<string, number>>;
  /** Does nothing for a cursor that was never set. */
  removeCursor(name: string): Promise<void>;
  /**
   * Makes an empty store equal to another one: records with their versions, journal, cursors, head. All of it is there when the
   * promise resolves; after a failure or a crash the store is empty or says so when it is opened.
   * @throws RepositoryError STORE_NOT_EMPTY
   */
  restore(content: StoreContent): Promise<void>;
  /** Closing again does nothing. */
  close(): Promise<void>;
}

/** All that a node store holds, as of one moment: for backups and moves between backends. */
export interface StoreContent {
  /** The newest commit. */
  readonly sequence: number;
  /** See `NodeStore.journalStart`. */
  readonly journalStart: number;
  /** In the order of the keys. */
  readonly records: AsyncIterable<readonly StoredEntry[]>;
  /** From `journalStart` + 1 to `sequence`, oldest first. */
  readonly journal: AsyncIterable<JournalEntry>;
  readonly cursors: ReadonlyMap<string, number>;
}

/** What is known of a blob from the moment it was written. */
export interface BlobInfo {
  /** Lower-case hexadecimal SHA-256: the blob's address. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** CRC-32 (ISO 3309, as ZIP has it), unsigned. */
  readonly crc32: number;
}

/** First byte and length in bytes. */
export interface ByteRange {
  readonly start: number;
  readonly length: number;
}

/**
 * Gives the memory for the next chunk of a read, of any size; `bytes` is how many are still to come. A store may put its chunks
 * there, so who gives the same memory again must be done with what it held. Without one every chunk has memory of its own.
 */
export type ChunkMemory = (bytes: number) => Uint8Array;

/** A blob as a listing shows it. */
export interface ListedBlob {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** When these bytes were last written, the first time or again. */
  readonly modified: Date;
}

export interface BlobStore {
  /**
   * Streams in once; hashes, counts and checks on the way. Writing the same bytes twice keeps one copy, and counts as written
   * now, so that a collector leaves it alone.
   */
  write(source: AsyncIterable<Uint8Array>): Promise<BlobInfo>;
  /** @throws RepositoryError BLOB_MISSING when it is not there or shorter than recorded */
  read(sha256: string, range?: ByteRange, memory?: ChunkMemory): AsyncIterable<Uint8Array>;
  has(sha256: string): Promise<boolean>;
  /** Every blob there is, in no order; what is written or removed meanwhile may be missing or shown. */
  list(): AsyncIterable<ListedBlob>;
  /** Removes a blob; does nothing for one that is not there. Only the collector may decide to (collect-blobs). */
  remove(sha256: string): Promise<void>;
  /**
   * A local file with the blob's bytes for programs that need one; never written to.
   * Stores that are not on this machine have no such file and leave the method out.
   */
  localFile?(sha256: string): Promise<string>;
  /** A readable stream, for callers that pipe. */
  stream(sha256: string, range?: ByteRange): Readable;
  close(): Promise<void>;
}
