/**
 * A backup of a repository that is in use, as a folder:
 *
 *     manifest.json                 written last; names and guards the files below
 *     records-<id>.jsonl.gz         [key, version, value] a line, of one snapshot
 *     journal-<id>.jsonl.gz         [sequence, entry]
 *     cursors-<id>.jsonl.gz         [name, position]
 *     blobs/<2 of hash>/<2>/<hash>  as in the filesystem store
 *
 * A second backup into the same folder writes new records and only the blobs that are not there; until its manifest is
 * in place the earlier backup stays whole.
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RepositoryStores } from '../repository.js';
import type { BlobStore, NodeStore, StoreSnapshot } from '../store/contract.js';
import { blobFile, createFilesystemBlobStore } from '../store/filesystem/filesystem-blob-store.js';
import { writeLines } from './backup-file.js';
import { blobFolderOf, findManifest, writeManifest } from './backup-manifest.js';
import { copyBlobs } from './copy-blobs.js';
import type { CopyReport } from './copy-blobs.js';
import { HashPrefixSet } from './hash-prefix-set.js';
import { addReadableReferences } from './referenced-blobs.js';

export interface BackupOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: BackupProgress) => void;
}

export interface BackupProgress {
  readonly records: number;
  /** Looked at so far. */
  readonly blobs: number;
}

/** With the blobs the records refer to, and those of them the folder did not hold yet. */
export interface BackupReport extends CopyReport {
  readonly sequence: number;
  readonly records: number;
  readonly commits: number;
}

/**
 * What is damaged in the repository is backed up as it is: `verifyBackup` names it.
 * @param folder is created when missing; one backup at a time
 * @throws STORE_CORRUPT when the bytes of a blob are not what they should be
 */
export async function backupRepository(
  { nodes, blobs }: RepositoryStores,
  folder: string,
  options: BackupOptions = {},
): Promise<BackupReport> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const previous = await findManifest(folder);
  const id = randomUUID();
  const snapshot = await nodes.snapshot();
  try {
    const referenced = new HashPrefixSet();
    const progress = { records: 0, blobs: 0 };
    const moved = () => {
      options.signal?.throwIfAborted();
      options.onProgress?.(progress);
    };
    async function* recordLines(): AsyncGenerator<readonly unknown[]> {
      for await (const batch of snapshot.range({ gte: '', lt: '\u{10ffff}' })) {
        for (const entry of batch) {
          await addReadableReferences(entry, blobs, referenced);
          yield [entry.key, entry.version, entry.value];
        }
        progress.records += batch.length;
        moved();
      }
    }
    const journalStart = await nodes.journalStart();
    const journal = await writeLines(folder, `journal-${id}.jsonl.gz`, journalLines(nodes, journalStart, snapshot));
    const cursors = await writeLines(folder, `cursors-${id}.jsonl.gz`, await cursorLines(nodes, snapshot));
    const records = await writeLines(folder, `records-${id}.jsonl.gz`, recordLines());
    const blobFolder = blobFolderOf(folder);
    const target = await createFilesystemBlobStore({ folder: blobFolder, alone: true });
    const copied = await copyBlobs(blobs, target, {
      wanted: (sha256) => referenced.has(sha256),
      link: async (sha256) => isLinked(blobs, sha256, blobFile(blobFolder, sha256)),
      onBatch: (looked) => {
        progress.blobs = looked;
        moved();
      },
    });
    const { sequence } = snapshot;
    await writeManifest(folder, {
      created: new Date().toISOString(),
      sequence,
      journalStart: Math.min(journalStart, sequence),
      records,
      journal,
      cursors,
      blobs: { count: copied.blobs, bytes: copied.bytes },
    });
    await removeOthers(folder, id);
    return { sequence, records: records.lines, commits: journal.lines, ...copied };
  } catch (error) {
    // What a killed backup leaves is removed by the next one.
    await removeOthers(folder, previous && idOf(previous.records.name));
    throw error;
  } finally {
    await snapshot.close();
  }
}

async function* journalLines(
  nodes: NodeStore,
  after: number,
  { sequence: last }: StoreSnapshot,
): AsyncGenerator<readonly unknown[]> {
  for await (const { sequence, entry } of nodes.journal(after)) {
    if (sequence > last) return;
    yield [sequence, entry];
  }
}

/** An observer may have gone on since the snapshot; after a restore it sees again what the snapshot does not hold. */
async function cursorLines(nodes: NodeStore, { sequence }: StoreSnapshot): Promise<(readonly unknown[])[]> {
  return [...(await nodes.cursors())].map(([name, position]) => [name, Math.min(position, sequence)]);
}

/** A blob is never written to again, so a second name of its file is as good as a copy, where the disk is the same one. */
async function isLinked(source: BlobStore, sha256: string, file: string): Promise<boolean> {
  if (!source.localFile) return false;
  await mkdir(dirname(file), { recursive: true });
  try {
    await link(await source.localFile(sha256), file);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') return true;
    if (code === 'EXDEV' || code === 'EPERM' || code === 'ENOTSUP' || code === 'EMLINK') return false;
    throw error;
  }
}

const dataFile = /^(?:records|journal|cursors)-([0-9a-f-]{36})\.jsonl\.gz$/;

function idOf(name: string): string | undefined {
  return dataFile.exec(name)?.[1];
}

/** Removes the files of other backups than `kept`. */
async function removeOthers(folder: string, kept: string | undefined): Promise<void> {
  for (const name of await readdir(folder)) {
    const id = idOf(name);
    if (id !== undefined && id !== kept) await rm(join(folder, name), { force: true });
  }
}
