/** Moves a repository from one pair of stores to another, and proves that everything arrived. */
import { createHash } from 'node:crypto';
import { RepositoryError } from '../errors.js';
import type { RepositoryStores } from '../repository.js';
import type { BlobStore, JournalEntry, NodeStore, StoredEntry, StoreSnapshot } from '../store/contract.js';
import { copyBlobs } from './copy-blobs.js';
import { HashPrefixMap } from './hash-prefix-set.js';

export interface MigrateOptions {
  /** Also reads every blob of the target and compares its hash. Counts, sizes and records are compared in any case. */
  readonly verify?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: MigrateProgress) => void;
}

export interface MigrateProgress {
  readonly phase: 'blobs' | 'records' | 'comparing';
  readonly done: number;
}

export interface MigrateReport {
  readonly sequence: number;
  readonly records: number;
  readonly commits: number;
  readonly cursors: number;
  readonly blobs: number;
  readonly bytes: number;
  /** Blobs the target did not have yet: a migration that was interrupted goes on. */
  readonly copied: number;
}

const everyKey = { gte: '', lt: '\u{10ffff}' };

/**
 * Blobs first, then all records at once, then the comparison. Nobody else may write to either repository meanwhile.
 * @param to nodes must be empty; blobs may be there already
 * @throws STORE_NOT_EMPTY; STORE_CORRUPT when what arrived is not what was sent; CONFLICT when something was saved meanwhile
 */
export async function migrateRepository(
  from: RepositoryStores,
  to: RepositoryStores,
  options: MigrateOptions = {},
): Promise<MigrateReport> {
  const moved = (phase: MigrateProgress['phase'], done: number) => {
    options.signal?.throwIfAborted();
    options.onProgress?.({ phase, done });
  };
  if ((await to.nodes.head()) > 0) {
    throw new RepositoryError('STORE_NOT_EMPTY', 'The target holds content already; migrate into an empty one.');
  }
  const snapshot = await from.nodes.snapshot();
  try {
    const copied = await copyBlobs(from.blobs, to.blobs, { onBatch: (looked) => moved('blobs', looked) });
    const counts = { records: 0, commits: 0 };
    async function* records(): AsyncGenerator<readonly StoredEntry[]> {
      for await (const batch of snapshot.range(everyKey)) {
        yield batch;
        counts.records += batch.length;
        moved('records', counts.records);
      }
    }
    const journalStart = await from.nodes.journalStart();
    async function* journal(): AsyncGenerator<JournalEntry> {
      for await (const entry of from.nodes.journal(journalStart)) {
        if (entry.sequence > snapshot.sequence) break;
        yield entry;
        counts.commits++;
      }
    }
    const cursors = await from.nodes.cursors();
    await to.nodes.restore({
      sequence: snapshot.sequence,
      journalStart,
      records: records(),
      journal: journal(),
      cursors,
    });
    await compareNodes(from.nodes, snapshot, to.nodes, (done) => moved('comparing', done));
    await compareBlobs(from.blobs, to.blobs, options.verify ?? false, (done) => moved('comparing', done));
    if ((await from.nodes.head()) !== snapshot.sequence) {
      throw new RepositoryError(
        'CONFLICT',
        'Something was saved while the repository was migrated, and the target does not have it. Empty the target, stop what writes, and migrate again.',
      );
    }
    const { blobs, bytes } = copied;
    return { sequence: snapshot.sequence, ...counts, cursors: cursors.size, blobs, bytes, copied: copied.copied };
  } finally {
    await snapshot.close();
  }
}

async function compareNodes(
  from: NodeStore,
  snapshot: StoreSnapshot,
  to: NodeStore,
  onRecords: (done: number) => void,
): Promise<void> {
  const target = await to.snapshot();
  try {
    let done = 0;
    const pairs = inStep(entriesOf(snapshot), entriesOf(target));
    for await (const [sent, arrived] of pairs) {
      if (sent?.key !== arrived?.key || sent?.value !== arrived?.value || sent?.version !== arrived?.version) {
        throw different(`the record ${JSON.stringify(sent?.key ?? arrived?.key)}`);
      }
      if (++done % 1000 === 0) onRecords(done);
    }
    if (target.sequence !== snapshot.sequence) throw different('the number of the newest commit');
  } finally {
    await target.close();
  }
  const start = await from.journalStart();
  if ((await to.journalStart()) !== start) throw different('the start of the journal');
  for await (const [sent, arrived] of inStep(from.journal(start), to.journal(start))) {
    // What was saved meanwhile is refused below.
    if (sent && sent.sequence > snapshot.sequence) break;
    if (sent?.sequence !== arrived?.sequence || sent?.entry !== arrived?.entry) {
      throw different(`commit ${sent?.sequence ?? arrived?.sequence}`);
    }
  }
  const [sent, arrived] = [await from.cursors(), await to.cursors()];
  for (const name of new Set([...sent.keys(), ...arrived.keys()])) {
    if (sent.get(name) !== arrived.get(name)) throw different(`the cursor ${name}`);
  }
}

async function compareBlobs(
  from: BlobStore,
  to: BlobStore,
  deep: boolean,
  onBlobs: (done: number) => void,
): Promise<void> {
  const sizes = new HashPrefixMap();
  for await (const { sha256, size } of to.list()) sizes.set(sha256, size);
  let done = 0;
  for await (const { sha256, size } of from.list()) {
    if (sizes.get(sha256) !== size) throw different(`the size of the blob ${sha256}`);
    if (deep && (await hashOf(to, sha256)) !== sha256) throw different(`the bytes of the blob ${sha256}`);
    if (++done % 100 === 0) onBlobs(done);
  }
}

async function hashOf(blobs: BlobStore, sha256: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of blobs.read(sha256)) hash.update(chunk);
  return hash.digest('hex');
}

async function* entriesOf(snapshot: StoreSnapshot): AsyncGenerator<StoredEntry> {
  for await (const batch of snapshot.range(everyKey)) yield* batch;
}

/** Two streams side by side, to the end of the longer one. */
async function* inStep<T>(a: AsyncIterable<T>, b: AsyncIterable<T>): AsyncGenerator<[T | undefined, T | undefined]> {
  const left = a[Symbol.asyncIterator]();
  const right = b[Symbol.asyncIterator]();
  try {
    for (;;) {
      const [one, other] = [await left.next(), await right.next()];
      if (one.done === true && other.done === true) return;
      yield [one.done === true ? undefined : one.value, other.done === true ? undefined : other.value];
    }
  } finally {
    await left.return?.();
    await right.return?.();
  }
}

function different(what: string): RepositoryError {
  return new RepositoryError(
    'STORE_CORRUPT',
    `What arrived is not what was sent: ${what} differs. Empty the target and migrate again.`,
  );
}
