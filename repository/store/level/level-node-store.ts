/**
 * Nodes in one LevelDB folder. LevelDB belongs to one process at a time, so the commit lock is a queue in this process:
 * commits that wait together are checked one after another and written in one synced batch.
 *
 * Keys in the database: `k<key>` records as `<version>:<value>`, `j<sequence>` journal entries, `c<name>` cursors, `h` the head,
 * `s` the sequence up to which the journal was trimmed, `u` while a restore is under way.
 */
import { readdir } from 'node:fs/promises';
import { Level } from 'level';

import { RepositoryError } from '../../errors.js';
import { CommitQueue } from '../commit-queue.js';
import type { WaitingCommit } from '../commit-queue.js';
import type {
  Commit,
  JournalEntry,
  KeyRange,
  NodeStore,
  RangeOptions,
  StoreContent,
  StoredEntry,
} from '../contract.js';
import type { StoredRecord, StoreSnapshot } from '../contract.js';
import { StoreConflict } from '../contract.js';
import { failedPreconditions, RecentWrites } from '../precondition.js';
import { RecentRecords } from '../recent-records.js';
import { verifyTables } from './verify-tables.js';

const headKey = 'h';
const recordPrefix = 'k';
const journalPrefix = 'j';
const cursorPrefix = 'c';
const journalStartKey = 's';
const unfinishedKey = 'u';
/** Entries and bytes read per call of an iterator: long enough to amortise the call, short enough to stay flat in memory. */
const batchSize = 256;
const batchBytes = 256 * 1024;
/** `getSync` is ten times quicker than `get`, but blocks; up to this many reads stay far below 2 ms. */
const maxSyncReads = 32;
/**
 * `getSync` writes the key into a buffer that is as long as its first key and 64 bytes, and does not see that a longer key was
 * cut within a character (classic-level 3.0): it then answers for another key. A first key of this length leaves no way
 * to do so for keys of at most a third as many characters; longer ones are read with `getMany`.
 */
const syncKeyBytes = 16 * 1024;
const maxSyncKeyLength = Math.floor(syncKeyBytes / 3);

/** Of so many keys at once some may have been asked for before, as those that every save reads; larger reads are of their own. */
const maxRepeatedReads = 8;
/**
 * LevelDB maps each table it has open into memory, 2 MiB at most: with its default of 1,000 files all tables stay mapped, and what is resident grows
 * with the repository. A read of a table that is not open takes a tenth of a millisecond longer; docs/performance.md has the figures.
 */
const maxOpenFiles = 64;

type Database = Level;
type Snapshot = ReturnType<Database['snapshot']>;

/**
 * @param options.folder is created when missing; one process at a time may have it open
 * @param options.sync false leaves it to the system when commits reach the disk: they survive the end of the process, but not
 * a power failure. Default true.
 * @param options.verify true compares every table with its checksums first, which reads all of them (verify-tables.ts). Default
 * false.
 * @throws STORE_LOCKED, STORE_CORRUPT
 */
export async function createLevelNodeStore(options: {
  readonly folder: string;
  readonly sync?: boolean;
  readonly verify?: boolean;
}): Promise<NodeStore> {
  await assertNotHeadless(options.folder);
  if (options.verify) await verifyTables(options.folder);
  const db: Database = new Level<string, string>(options.folder, {
    keyEncoding: 'utf8',
    valueEncoding: 'utf8',
    maxOpenFiles,
  });
  try {
    await db.open();
  } catch (error) {
    throw openError(options.folder, error);
  }
  try {
    db.getSync(' '.repeat(syncKeyBytes));
    if (db.getSync(unfinishedKey) !== undefined) {
      throw new RepositoryError(
        'STORE_CORRUPT',
        `The restore into ${options.folder} was interrupted; delete the folder and restore again.`,
      );
    }
    return new LevelNodeStore(db, options.sync ?? true);
  } catch (error) {
    await db.close();
    throw readError(error);
  }
}

/** Where CURRENT is gone, LevelDB would begin an empty database and delete the files of the old one. */
async function assertNotHeadless(folder: string): Promise<void> {
  // A folder that is not there yet, or cannot be read, is LevelDB's to judge.
  const names = await readdir(folder).catch((): string[] => []);
  if (names.includes('CURRENT') || !names.some((name) => /^\d+\.(ldb|sst|log)$/.test(name))) return;
  throw new RepositoryError(
    'STORE_CORRUPT',
    `The database in ${folder} has lost its file CURRENT; restore the data folder.`,
  );
}

interface AcceptedCommit {
  readonly waiting: WaitingCommit;
  readonly sequence: number;
  readonly keys: readonly string[];
}

class LevelNodeStore implements NodeStore {
  readonly #db: Database;
  readonly #sync: boolean;
  /** Cursors are set one after the other. */
  #cursorTurn: Promise<void> = Promise.resolve();
  readonly #listeners = new Set<() => void>();
  #recent: RecentWrites;
  #head: number;
  /** A batch is under way, or failed, so that what the database holds is not known. */
  #isWriting = false;
  #journalStart: number;
  readonly #queue = new CommitQueue((group) => this.#writeGroup(group));
  /** Records that every save reads, or names in its preconditions, as epochs. */
  readonly #repeated = new RecentRecords();

  constructor(db: Database, sync: boolean) {
    this.#db = db;
    this.#sync = sync;
    this.#head = Number(db.getSync(headKey) ?? '0');
    this.#journalStart = Number(db.getSync(journalStartKey) ?? '0');
    this.#recent = new RecentWrites(this.#head);
    this.#repeated.reached(this.#head);
  }

  async snapshot(): Promise<StoreSnapshot> {
    return new LevelSnapshot(this.#db, this.#db.snapshot(), this.#repeated, this.#isWriting ? undefined : this.#head);
  }

  commit(commit: Commit): Promise<number> {
    return this.#queue.add(commit);
  }

  async #writeGroup(group: readonly WaitingCommit[]): Promise<void> {
    const accepted = await this.#acceptFrom(group);
    if (accepted.length === 0) return;
    const head = this.#head + accepted.length;
    this.#isWriting = true;
    try {
      // A chained batch takes a seventh of the time of an array of operations.
      const batch = this.#db.batch();
      for (const { sequence, waiting } of accepted) {
        for (const write of waiting.commit.writes) {
          if ('remove' in write) batch.del(recordPrefix + write.key);
          else batch.put(recordPrefix + write.key, `${sequence}:${write.value}`);
        }
        batch.put(journalKey(sequence), waiting.commit.entry);
      }
      batch.put(headKey, String(head));
      await batch.write({ sync: this.#sync });
    } catch (error) {
      for (const { waiting } of accepted) waiting.reject(writeError(error));
      return;
    }
    this.#head = head;
    this.#isWriting = false;
    for (const { sequence, keys } of accepted) {
      this.#recent.add(sequence, keys);
      this.#repeated.wrote(sequence - 1, sequence, keys);
    }
    for (const { sequence, waiting } of accepted) waiting.resolve(sequence);
    // In a turn of its own: a listener that throws must not stop the commits after it.
    for (const listener of this.#listeners) queueMicrotask(listener);
  }

  /** Gives sequences to the commits whose preconditions hold, each seeing those before it, and rejects the others. */
  async #acceptFrom(group: readonly WaitingCommit[]): Promise<AcceptedCommit[]> {
    const accepted: AcceptedCommit[] = [];
    // What the accepted commits will write; the database does not show it yet.
    const versions = new Map<string, number>();
    const recent = new RecentWrites(this.#head);
    for (const waiting of group) {
      const { preconditions, writes } = waiting.commit;
      try {
        await this.#readVersions(
          preconditions.flatMap((precondition) => (precondition.kind === 'unchanged' ? [] : [precondition.key])),
          versions,
        );
        const failed = failedPreconditions(
          preconditions,
          versions,
          (range, since) =>
            this.#recent.mayHaveChanged(range, since) || recent.mayHaveChanged(range, Math.max(since, this.#head)),
        );
        if (failed.length > 0) throw new StoreConflict(failed);
      } catch (error) {
        waiting.reject(error);
        continue;
      }
      const sequence = this.#head + accepted.length + 1;
      const keys = writes.map((write) => write.key);
      for (const write of writes) versions.set(write.key, 'remove' in write ? 0 : sequence);
      recent.add(sequence, keys);
      accepted.push({ waiting, sequence, keys });
    }
    return accepted;
  }

  /** Adds the current version of every key that is not known yet. */
  async #readVersions(keys: readonly string[], versions: Map<string, number>): Promise<void> {
    const missing: string[] = [];
    for (const key of keys) {
      if (versions.has(key)) continue;
      const known = this.#repeated.get(key, this.#head);
      if (known) versions.set(key, known.record?.version ?? 0);
      else missing.push(key);
    }
    if (missing.length === 0) return;
    const values = await readMany(
      this.#db,
      missing.map((key) => recordPrefix + key),
    );
    missing.forEach((key, index) => {
      const value = values[index];
      const record = value === undefined ? undefined : parseRecord(key, value);
      versions.set(key, record?.version ?? 0);
      this.#repeated.offer(key, record, this.#head);
    });
  }

  async head(): Promise<number> {
    return this.#head;
  }

  async *journal(after: number): AsyncIterable<JournalEntry> {
    const head = this.#head;
    if (after < this.#journalStart) {
      throw new RepositoryError(
        'JOURNAL_TRIMMED',
        `The journal starts after commit ${this.#journalStart}; ${after} was asked for. Read the content anew.`,
      );
    }
    if (after >= head) return;
    const range = { gte: journalKey(after + 1), lt: journalKey(head + 1) };
    let expected = after + 1;
    for await (const batch of entriesOf(this.#db, range, {})) {
      for (const [key, entry] of batch) {
        const sequence = Number(key.slice(journalPrefix.length));
        if (sequence !== expected) {
          throw new RepositoryError('STORE_CORRUPT', `Journal entry ${expected} is missing; restore the data folder.`);
        }
        expected++;
        yield { sequence, entry };
      }
    }
  }

  onCommit(listener: () => void): () => void {
    // A wrapper, so that one function registered twice is two registrations.
    const registered = () => listener();
    this.#listeners.add(registered);
    return () => this.#listeners.delete(registered);
  }

  async getCursor(name: string): Promise<number | undefined> {
    const [value] = await readMany(this.#db, [cursorPrefix + name]);
    return value === undefined ? undefined : Number(value);
  }

  /** Written to the log but not synced: after a power failure an older position only means commits seen again. */
  async setCursor(name: string, sequence: number): Promise<void> {
    const moved = this.#cursorTurn.then(async () => {
      const known = await this.getCursor(name);
      if (known === undefined || known < sequence) await this.#db.put(cursorPrefix + name, String(sequence));
    });
    this.#cursorTurn = moved.catch(() => undefined);
    try {
      await moved;
    } catch (error) {
      throw writeError(error);
    }
  }

  async cursors(): Promise<ReadonlyMap<string, number>> {
    const range = { gte: cursorPrefix, lt: nextPrefix(cursorPrefix) };
    const cursors = new Map<string, number>();
    for await (const batch of entriesOf(this.#db, range, {})) {
      for (const [key, value] of batch) cursors.set(key.slice(cursorPrefix.length), Number(value));
    }
    return cursors;
  }

  async removeCursor(name: string): Promise<void> {
    await this.#db.del(cursorPrefix + name);
  }

  async journalStart(): Promise<number> {
    return this.#journalStart;
  }

  async trimJournal(upTo: number): Promise<void> {
    const start = Math.min(upTo, this.#head);
    if (start <= this.#journalStart) return;
    // First what is promised, then the removal: a crash between the two leaves entries that nobody asks for.
    await this.#db.put(journalStartKey, String(start), { sync: this.#sync });
    this.#journalStart = start;
    await this.#db.clear({ gte: journalPrefix, lt: journalKey(start + 1) });
  }

  async restore(content: StoreContent): Promise<void> {
    if (this.#head > 0) {
      throw new RepositoryError('STORE_NOT_EMPTY', 'The store holds content already; restore into an empty one.');
    }
    await this.#db.put(unfinishedKey, '', { sync: true });
    try {
      for await (const entries of content.records) {
        const batch = this.#db.batch();
        for (const { key, value, version } of entries) batch.put(recordPrefix + key, `${version}:${value}`);
        await batch.write();
      }
      for await (const { sequence, entry } of content.journal) await this.#db.put(journalKey(sequence), entry);
      const batch = this.#db.batch().del(unfinishedKey);
      for (const [name, position] of content.cursors) batch.put(cursorPrefix + name, String(position));
      batch.put(journalStartKey, String(content.journalStart)).put(headKey, String(content.sequence));
      await batch.write({ sync: true });
    } catch (error) {
      await this.#db.clear();
      throw writeError(error);
    }
    this.#head = content.sequence;
    this.#journalStart = content.journalStart;
    this.#recent = new RecentWrites(this.#head);
    this.#repeated.reached(this.#head);
  }

  async close(): Promise<void> {
    await this.#queue.idle();
    this.#listeners.clear();
    await this.#db.close();
  }
}

class LevelSnapshot implements StoreSnapshot {
  readonly sequence: number;
  readonly #db: Database;
  readonly #snapshot: Snapshot;

  readonly #repeated: RecentRecords;

  /** @param sequence `undefined` while a batch is written: it may be in the database before the process counts it */
  constructor(db: Database, snapshot: Snapshot, repeated: RecentRecords, sequence: number | undefined) {
    this.#db = db;
    this.#snapshot = snapshot;
    this.#repeated = repeated;
    if (sequence !== undefined) {
      this.sequence = sequence;
      return;
    }
    try {
      this.sequence = Number(db.getSync(headKey, { snapshot }) ?? '0');
    } catch (error) {
      throw readError(error);
    }
  }

  async getMany(keys: readonly string[]): Promise<(StoredRecord | undefined)[]> {
    if (keys.length > maxRepeatedReads) return this.#read(keys);
    const known = keys.map((key) => this.#repeated.get(key, this.sequence));
    const missing = keys.filter((_, index) => !known[index]);
    const read = missing.length === 0 ? [] : await this.#read(missing);
    let next = 0;
    return keys.map((key, index) => {
      const found = known[index];
      if (found) return found.record;
      const record = read[next++];
      this.#repeated.offer(key, record, this.sequence);
      return record;
    });
  }

  async #read(keys: readonly string[]): Promise<(StoredRecord | undefined)[]> {
    const values = await readMany(
      this.#db,
      keys.map((key) => recordPrefix + key),
      this.#snapshot,
    );
    return values.map((value, index) => (value === undefined ? undefined : parseRecord(keys[index] ?? '', value)));
  }

  async *range(range: KeyRange, options: RangeOptions = {}): AsyncIterable<readonly StoredEntry[]> {
    const prefixed = { gte: recordPrefix + range.gte, lt: recordPrefix + range.lt };
    for await (const batch of entriesOf(this.#db, prefixed, { ...options, snapshot: this.#snapshot })) {
      yield batch.map(([stored, value]) => {
        const key = stored.slice(recordPrefix.length);
        return { key, ...parseRecord(key, value) };
      });
    }
  }

  async close(): Promise<void> {
    await this.#snapshot.close();
  }
}

async function readMany(db: Database, keys: string[], snapshot?: Snapshot): Promise<(string | undefined)[]> {
  const options = snapshot ? { snapshot } : {};
  try {
    if (keys.length <= maxSyncReads && keys.every(({ length }) => length <= maxSyncKeyLength))
      return keys.map((key) => db.getSync(key, options));
    return await db.getMany(keys, options);
  } catch (error) {
    throw readError(error);
  }
}

/** The next batch is read in another thread while the last one is dealt with. */
async function* entriesOf(
  db: Database,
  range: KeyRange,
  options: RangeOptions & { snapshot?: Snapshot },
): AsyncGenerator<[string, string][]> {
  // LevelDB's own bound of a batch, 16 KiB, would end it after some fifty nodes.
  const iterator = db.iterator({ ...range, ...options, highWaterMarkBytes: batchBytes });
  let isClosing = false;
  try {
    let left = options.limit ?? Infinity;
    let reading = iterator.nextv(batchSize);
    for (let batch = await reading; batch.length > 0; batch = await reading) {
      left -= batch.length;
      if (left <= 0 || isLast(batch)) {
        // Short ranges are most of all: a call to hear that nothing follows, and one to close, would cost as much again.
        isClosing = true;
        iterator.close().catch(() => undefined);
        yield batch;
        return;
      }
      reading = iterator.nextv(batchSize);
      // Whoever stops early does not ask for it; closing waits until it is done.
      reading.catch(() => undefined);
      yield batch;
    }
    isClosing = true;
    iterator.close().catch(() => undefined);
  } catch (error) {
    throw readError(error);
  } finally {
    if (!isClosing) await iterator.close();
  }
}

/** Whether the range ended with the batch, rather than the batch by its number of entries or bytes (three a character at most). */
function isLast(batch: readonly [string, string][]): boolean {
  if (batch.length >= batchSize) return false;
  let characters = 0;
  for (const [key, value] of batch) characters += key.length + value.length;
  return 3 * characters < batchBytes;
}

/** The end of the range of keys that start with a letter. */
function nextPrefix(prefix: string): string {
  return String.fromCharCode(prefix.charCodeAt(0) + 1);
}

function journalKey(sequence: number): string {
  return journalPrefix + String(sequence).padStart(16, '0');
}

function parseRecord(key: string, stored: string): StoredRecord {
  const colon = stored.indexOf(':');
  const version = Number(stored.slice(0, colon));
  if (colon < 1 || !Number.isSafeInteger(version)) {
    throw new RepositoryError(
      'STORE_CORRUPT',
      `The record ${JSON.stringify(key)} has no version; restore the data folder.`,
    );
  }
  return { version, value: stored.slice(colon + 1) };
}

function openError(folder: string, error: unknown): RepositoryError {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'LEVEL_LOCKED') {
    return new RepositoryError('STORE_LOCKED', `The data folder ${folder} is open in another process; stop it first.`, {
      cause,
    });
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RepositoryError('STORE_CORRUPT', `The database in ${folder} does not open: ${reason}.`, { cause });
}

/**
 * LevelDB names damage that it notices in its messages; a file that is gone or too short is an `IO error`, as is a process that has
 * too many files open, which says nothing about the database.
 */
function readError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof RepositoryError) return error;
  const isDamage = /^(Corruption|IO error): /.test(error.message) && !/too many open files/i.test(error.message);
  if (!isDamage) return error;
  return new RepositoryError(
    'STORE_CORRUPT',
    `The database of the data folder cannot be read (${error.message}); restore the data folder.`,
    { cause: error },
  );
}

function writeError(error: unknown): unknown {
  const text = error instanceof Error ? `${error.message} ${String(error.cause)}` : '';
  // Damage that was met when files were compacted makes writes fail.
  if (text.startsWith('Corruption: ')) return readError(error);
  if (!/no space left on device|disk quota exceeded/i.test(text)) return error;
  return new RepositoryError('STORE_FULL', 'The disk of the data folder is full; free space, then start again.', {
    cause: error,
  });
}
