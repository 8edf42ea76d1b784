/** The two store contracts in memory: for tests of what lies above them, and as a second reading of the contract. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { assertKeysFit, RepositoryError, StoreConflict } from 'satchel/stores';
import type {
  BlobInfo,
  BlobStore,
  ByteRange,
  Commit,
  KeyRange,
  NodeStore,
  Precondition,
  RangeOptions,
  StoredEntry,
  StoredRecord,
  StoreSnapshot,
} from 'satchel/stores';

/** Every version of every record is kept; a snapshot is a sequence. */
export function createMemoryNodeStore(): NodeStore {
  const history = new Map<string, { readonly sequence: number; readonly value: string | undefined }[]>();
  const journal: string[] = [];
  let journalStart = 0;
  const cursors = new Map<string, number>();
  const listeners = new Set<() => void>();

  const at = (key: string, sequence: number): StoredRecord | undefined => {
    const entry = history.get(key)?.findLast((version) => version.sequence <= sequence);
    return entry?.value === undefined ? undefined : { value: entry.value, version: entry.sequence };
  };
  const keysIn = (range: KeyRange): string[] =>
    [...history.keys()].filter((key) => byBytes(key, range.gte) >= 0 && byBytes(key, range.lt) < 0).sort(byBytes);
  const holds = (precondition: Precondition): boolean => {
    switch (precondition.kind) {
      case 'version':
        return (at(precondition.key, journal.length)?.version ?? 0) === precondition.version;
      case 'exists':
        return at(precondition.key, journal.length) !== undefined;
      case 'unchanged':
        return keysIn(precondition.range).every(
          (key) => (history.get(key)?.at(-1)?.sequence ?? 0) <= precondition.since,
        );
    }
  };

  return {
    async snapshot(): Promise<StoreSnapshot> {
      const sequence = journal.length;
      return {
        sequence,
        getMany: async (keys) => keys.map((key) => at(key, sequence)),
        async *range(range: KeyRange, { reverse = false, limit = Infinity }: RangeOptions = {}) {
          const keys = keysIn(range);
          const entries = (reverse ? keys.reverse() : keys).flatMap((key) => {
            const record = at(key, sequence);
            return record ? [{ key, ...record }] : [];
          });
          for (let start = 0; start < Math.min(entries.length, limit); start += 3) {
            yield entries.slice(start, Math.min(start + 3, limit));
          }
        },
        close: async () => undefined,
      };
    },
    async commit(commit: Commit): Promise<number> {
      assertKeysFit(commit);
      const { preconditions, writes, entry } = commit;
      const failed = preconditions.filter((precondition) => !holds(precondition));
      if (failed.length > 0) throw new StoreConflict(failed);
      const sequence = journal.push(entry);
      for (const write of writes) {
        const versions = history.get(write.key) ?? [];
        versions.push({ sequence, value: 'remove' in write ? undefined : write.value });
        history.set(write.key, versions);
      }
      for (const listener of listeners) listener();
      return sequence;
    },
    head: async () => journal.length,
    async *journal(after) {
      const head = journal.length;
      if (after < journalStart)
        throw new RepositoryError('JOURNAL_TRIMMED', `The journal starts after ${journalStart}.`);
      for (let sequence = after + 1; sequence <= head; sequence++)
        yield { sequence, entry: journal[sequence - 1] ?? '' };
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
    journalStart: async () => journalStart,
    async trimJournal(upTo) {
      journalStart = Math.max(journalStart, Math.min(upTo, journal.length));
      journal.fill('', 0, journalStart);
    },
    async restore(content) {
      if (journal.length > 0) throw new RepositoryError('STORE_NOT_EMPTY', 'The store holds content already.');
      const records: StoredEntry[] = [];
      for await (const batch of content.records) records.push(...batch);
      const entries: string[] = [];
      for await (const { sequence, entry } of content.journal) entries[sequence - 1] = entry;
      for (const { key, value, version } of records) history.set(key, [{ sequence: version, value }]);
      for (const [name, position] of content.cursors) cursors.set(name, position);
      for (let index = 0; index < content.sequence; index++) journal.push(entries[index] ?? '');
      journalStart = content.journalStart;
    },
    close: async () => undefined,
  };
}

export function createMemoryBlobStore(): BlobStore {
  const blobs = new Map<string, Buffer>();
  const modified = new Map<string, Date>();
  const bytesOf = (sha256: string, range?: ByteRange): Buffer => {
    const bytes = blobs.get(sha256);
    const end = range ? range.start + range.length : (bytes?.length ?? 0);
    if (!bytes || end > bytes.length) throw new RepositoryError('BLOB_MISSING', `The blob ${sha256} is missing.`);
    return bytes.subarray(range?.start ?? 0, end);
  };
  async function* read(sha256: string, range?: ByteRange): AsyncGenerator<Uint8Array> {
    const bytes = bytesOf(sha256, range);
    if (bytes.length > 0) yield bytes;
  }
  return {
    async write(source): Promise<BlobInfo> {
      const chunks: Buffer[] = [];
      for await (const chunk of source) chunks.push(Buffer.from(chunk));
      const bytes = Buffer.concat(chunks);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      blobs.set(sha256, bytes);
      modified.set(sha256, new Date());
      return { sha256, size: bytes.length, crc32: crc32(bytes) };
    },
    read,
    has: async (sha256) => blobs.has(sha256),
    async *list() {
      for (const [sha256, bytes] of blobs) {
        yield { sha256, size: bytes.length, modified: modified.get(sha256) ?? new Date(0) };
      }
    },
    async remove(sha256) {
      blobs.delete(sha256);
    },
    stream: (sha256, range) => Readable.from(read(sha256, range), { objectMode: false }),
    close: async () => undefined,
  };
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
