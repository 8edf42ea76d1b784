/** From a backup to a repository. */
import { RepositoryError } from '../errors.js';
import type { RepositoryStores } from '../repository.js';
import type { JournalEntry, StoredEntry } from '../store/contract.js';
import { createFilesystemBlobStore } from '../store/filesystem/filesystem-blob-store.js';
import { damagedBackup, readLines } from './backup-file.js';
import type { GuardedFile } from './backup-file.js';
import { blobFolderOf, readManifest } from './backup-manifest.js';
import { batchesOf } from '../batches.js';
import { copyBlobs } from './copy-blobs.js';
import type { Finding } from './finding.js';
import { HashPrefixSet } from './hash-prefix-set.js';
import { addReadableReferences } from './referenced-blobs.js';
import { toEntry, verifyBackup } from './verify-backup.js';

export interface RestoreOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RestoreProgress) => void;
}

export interface RestoreProgress {
  readonly phase: 'verifying' | 'blobs' | 'records';
  readonly done: number;
  readonly total: number;
}

export interface RestoreReport {
  /** The commit that was the newest when the backup was made. */
  readonly sequence: number;
  /** When that was; ISO 8601, UTC. */
  readonly created: string;
  readonly records: number;
  readonly commits: number;
  readonly blobs: number;
  readonly bytes: number;
  /** What the backup does not hold; the first hundred of them. */
  readonly findings: readonly Finding[];
}

const batchSize = 256;
const maxFindings = 100;

/**
 * Verifies the backup, then writes the blobs, each checked against its hash, then all records at once: when this fails or is killed
 * there are no nodes.
 * @param stores empty ones
 * @throws STORE_NOT_EMPTY, STORE_CORRUPT
 */
export async function restoreRepository(
  folder: string,
  { nodes, blobs }: RepositoryStores,
  options: RestoreOptions = {},
): Promise<RestoreReport> {
  const manifest = await readManifest(folder);
  if ((await nodes.head()) > 0) {
    throw new RepositoryError('STORE_NOT_EMPTY', 'The repository holds content already; restore into an empty one.');
  }
  const moved = (phase: RestoreProgress['phase'], done: number, total: number) => {
    options.signal?.throwIfAborted();
    options.onProgress?.({ phase, done, total });
  };
  const findings: Finding[] = [];
  moved('verifying', 0, 1);
  for await (const found of verifyBackup(folder)) if (findings.length < maxFindings) findings.push(found);

  const source = await createFilesystemBlobStore({ folder: blobFolderOf(folder) });
  const needed = new HashPrefixSet();
  for await (const line of readLines(folder, manifest.records)) {
    await addReadableReferences(toEntry(folder, line), source, needed);
  }
  const copied = await copyBlobs(source, blobs, {
    wanted: (sha256) => needed.has(sha256),
    onBatch: (done) => moved('blobs', done, manifest.blobs.count),
  });

  let done = 0;
  async function* records(): AsyncGenerator<readonly StoredEntry[]> {
    for await (const lines of batchesOf(readLines(folder, manifest.records), batchSize)) {
      yield lines.map((line) => toEntry(folder, line));
      done += lines.length;
      moved('records', done, manifest.records.lines);
    }
  }
  await nodes.restore({
    sequence: manifest.sequence,
    journalStart: manifest.journalStart,
    records: records(),
    journal: journalOf(folder, manifest.journal),
    cursors: await cursorsOf(folder, manifest.cursors),
  });
  return {
    sequence: manifest.sequence,
    created: manifest.created,
    records: manifest.records.lines,
    commits: manifest.journal.lines,
    blobs: copied.blobs,
    bytes: copied.bytes,
    findings,
  };
}

async function* journalOf(folder: string, file: GuardedFile): AsyncGenerator<JournalEntry> {
  for await (const [sequence, entry] of readLines(folder, file)) {
    if (typeof sequence !== 'number' || typeof entry !== 'string') {
      throw damagedBackup(folder, 'a line of its journal is no commit');
    }
    yield { sequence, entry };
  }
}

async function cursorsOf(folder: string, file: GuardedFile): Promise<ReadonlyMap<string, number>> {
  const cursors = new Map<string, number>();
  for await (const [name, position] of readLines(folder, file)) cursors.set(String(name), Number(position));
  return cursors;
}
