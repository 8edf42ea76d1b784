/**
 * A node store over a snapshot of another one: it shows what that one held, takes every commit, and never passes one on. What it
 * takes lies in memory, and is gone when it is closed. For trying out.
 */
import { RepositoryError } from '../../errors.js';
import { StoreConflict } from '../contract.js';
import type {
  Commit,
  JournalEntry,
  KeyRange,
  NodeStore,
  Precondition,
  RangeOptions,
  StoreContent,
  StoredEntry,
  StoredRecord,
  StoreSnapshot,
} from '../contract.js';
import { assertKeysFit } from '../key-limit.js';
import { compareKeys } from '../key-order.js';

export interface ScratchNodeStoreOptions {
  /** What it begins with; closed with it. */
  readonly base: StoreSnapshot;
  /** Characters of keys, values and journal that are taken before a commit is refused. Default 256 Mi. */
  readonly maxCharacters?: number;
}

interface Version {
  readonly sequence: number;
  /** `undefined`: removed. */
  readonly value: string | undefined;
}

const batchSize = 500;

export function createScratchNodeStore({ base, maxCharacters = 2 ** 28 }: ScratchNodeStoreOptions): NodeStore {
  const first = base.sequence;
  const own = new Map<string, Version[]>();
  /** The keys of `own` in order, made when a range is read after a commit brought new ones. */
  let ordered: string[] | undefined = [];
  const journal: string[] = [];
  let journalStart = first;
  let characters = 0;
  const cursors = new Map<string, number>();
  const listeners = new Set<() => void>();
  let closed = false;

  const headOf = () => first + journal.length;
  const versionAt = (key: string, sequence: number) =>
    own.get(key)?.findLast((version) => version.sequence <= sequence);
  const asRecord = ({ value, sequence }: Version): StoredRecord | undefined =>
    value === undefined ? undefined : { value, version: sequence };

  async function getMany(keys: readonly string[], sequence: number): Promise<(StoredRecord | undefined)[]> {
    const versions = keys.map((key) => versionAt(key, sequence));
    const missing = keys.filter((_, index) => versions[index] === undefined);
    const below = missing.length === 0 ? [] : await base.getMany(missing);
    let next = 0;
    return versions.map((version) => (version ? asRecord(version) : below[next++]));
  }

  function ownKeys(range: KeyRange): string[] {
    ordered ??= [...own.keys()].sort(compareKeys);
    const from = firstAtOrAfter(ordered, range.gte);
    return ordered.slice(from, firstAtOrAfter(ordered, range.lt, from));
  }

  async function* range(
    asked: KeyRange,
    { reverse = false, limit = Infinity }: RangeOptions,
    sequence: number,
  ): AsyncGenerator<readonly StoredEntry[]> {
    const keys = ownKeys(asked).filter((key) => versionAt(key, sequence));
    if (reverse) keys.reverse();
    const isBefore = (a: string, b: string) => (reverse ? compareKeys(a, b) > 0 : compareKeys(a, b) < 0);
    let position = 0;
    let left = limit;
    let batch: StoredEntry[] = [];
    const take = (entry: StoredEntry) => {
      if (left <= 0) return;
      left--;
      batch.push(entry);
    };
    const takeOwn = (until?: string) => {
      for (let key = keys[position]; key !== undefined; key = keys[++position]) {
        if (until !== undefined && !isBefore(key, until)) return;
        const version = versionAt(key, sequence);
        const record = version && asRecord(version);
        if (record) take({ key, ...record });
      }
    };
    for await (const entries of base.range(asked, { reverse })) {
      for (const entry of entries) {
        takeOwn(entry.key);
        // Written here: what lies below is not shown.
        if (keys[position] !== entry.key) take(entry);
        if (batch.length < batchSize && left > 0) continue;
        if (batch.length > 0) yield batch;
        if (left <= 0) return;
        batch = [];
      }
    }
    takeOwn();
    for (let start = 0; start < batch.length; start += batchSize) yield batch.slice(start, start + batchSize);
  }

  async function holds(precondition: Precondition): Promise<boolean> {
    switch (precondition.kind) {
      case 'version': {
        const [record] = await getMany([precondition.key], headOf());
        return (record?.version ?? 0) === precondition.version;
      }
      case 'exists': {
        const [record] = await getMany([precondition.key], headOf());
        return record !== undefined;
      }
      case 'unchanged': {
        const { range: asked, since } = precondition;
        if (since < first) return false;
        return ownKeys(asked).every((key) => (own.get(key)?.at(-1)?.sequence ?? 0) <= since);
      }
    }
  }

  let committing: Promise<unknown> = Promise.resolve();
  /** One after another: what was asked of a precondition must still hold when the writes are applied. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = committing.then(work);
    committing = turn.catch(() => undefined);
    return turn;
  }

  function put(key: string, version: Version): void {
    const versions = own.get(key);
    if (versions) versions.push(version);
    else {
      own.set(key, [version]);
      ordered = undefined;
    }
  }

  async function apply({ preconditions, writes, entry }: Commit): Promise<number> {
    const failed: Precondition[] = [];
    for (const precondition of preconditions) if (!(await holds(precondition))) failed.push(precondition);
    if (failed.length > 0) throw new StoreConflict(failed);
    const size = writes.reduce(
      (sum, write) => sum + write.key.length + ('value' in write ? write.value.length : 0),
      entry.length,
    );
    if (characters + size > maxCharacters) {
      throw new RepositoryError(
        'STORE_FULL',
        `A trial may change no more than ${maxCharacters} characters of content.`,
      );
    }
    characters += size;
    const sequence = first + journal.push(entry);
    for (const write of writes) put(write.key, { sequence, value: 'value' in write ? write.value : undefined });
    for (const listener of listeners) listener();
    return sequence;
  }

  return {
    async snapshot(): Promise<StoreSnapshot> {
      const sequence = headOf();
      return {
        sequence,
        getMany: (keys) => getMany(keys, sequence),
        range: (asked, options = {}) => range(asked, options, sequence),
        close: async () => undefined,
      };
    },
    async commit(commit) {
      assertKeysFit(commit);
      return inTurn(() => apply(commit));
    },
    head: async () => headOf(),
    async *journal(after): AsyncGenerator<JournalEntry> {
      if (after < journalStart) {
        throw new RepositoryError('JOURNAL_TRIMMED', `The journal starts after ${journalStart}.`);
      }
      const head = headOf();
      for (let sequence = after + 1; sequence <= head; sequence++) {
        yield { sequence, entry: journal[sequence - first - 1] ?? '' };
      }
    },
    journalStart: async () => journalStart,
    async trimJournal(upTo) {
      journalStart = Math.max(journalStart, Math.min(upTo, headOf()));
      journal.fill('', 0, journalStart - first);
    },
    onCommit(listener) {
      const registered = () => listener();
      listeners.add(registered);
      return () => listeners.delete(registered);
    },
    getCursor: async (name) => cursors.get(name),
    async setCursor(name, sequence) {
      cursors.set(name, Math.max(sequence, cursors.get(name) ?? 0));
    },
    cursors: async () => new Map(cursors),
    async removeCursor(name) {
      cursors.delete(name);
    },
    restore: (content) => inTurn(() => restore(content)),
    async close() {
      if (closed) return;
      closed = true;
      await base.close();
    },
  };

  async function restore(content: StoreContent): Promise<void> {
    if (headOf() > 0) throw new RepositoryError('STORE_NOT_EMPTY', 'The store holds content already.');
    const records: StoredEntry[] = [];
    for await (const batch of content.records) records.push(...batch);
    const entries = new Map<number, string>();
    for await (const { sequence, entry } of content.journal) entries.set(sequence, entry);
    for (const { key, value, version } of records) put(key, { sequence: version, value });
    for (const [name, position] of content.cursors) cursors.set(name, position);
    for (let sequence = 1; sequence <= content.sequence; sequence++) journal.push(entries.get(sequence) ?? '');
    journalStart = content.journalStart;
  }
}

/** Position of the first key that is not before `wanted`, of ordered keys. */
function firstAtOrAfter(keys: readonly string[], wanted: string, from = 0): number {
  let low = from;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keys[middle] ?? '', wanted) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
