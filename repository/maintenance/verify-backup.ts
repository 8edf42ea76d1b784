/** Reads a backup through, without restoring it. */
import { RepositoryError } from '../errors.js';
import { pathOfNodeKey } from '../keys.js';
import { decodeRecord } from '../record.js';
import { createFilesystemBlobStore } from '../store/filesystem/filesystem-blob-store.js';
import type { StoredEntry } from '../store/contract.js';
import { damagedBackup, readLines } from './backup-file.js';
import type { GuardedFile } from './backup-file.js';
import { blobFolderOf, readManifest } from './backup-manifest.js';
import { BlobCheck } from './check-blobs.js';
import { finding } from './finding.js';
import type { Finding } from './finding.js';

/**
 * Files against the manifest, then every record, and every blob a record refers to.
 * @param options.deep reads the blobs too, and compares their hashes
 * @throws STORE_CORRUPT when the backup as a whole cannot be restored; what is wrong with single blobs are findings
 */
export async function* verifyBackup(
  folder: string,
  options: { readonly deep?: boolean } = {},
): AsyncGenerator<Finding> {
  const manifest = await readManifest(folder);
  for (const file of [manifest.journal, manifest.cursors]) await readThrough(folder, file);
  const blobs = await createFilesystemBlobStore({ folder: blobFolderOf(folder) });
  const check = await BlobCheck.create(blobs, options.deep ?? false);
  for await (const line of readLines(folder, manifest.records)) {
    const entry = toEntry(folder, line);
    if (entry.key.startsWith('n')) yield* checkNode(entry, check);
    else if (entry.key.startsWith('v')) yield* check.checkVersion(entry);
  }
}

async function readThrough(folder: string, file: GuardedFile): Promise<void> {
  const lines = readLines(folder, file);
  while (!(await lines.next()).done);
}

async function* checkNode(entry: StoredEntry, check: BlobCheck): AsyncGenerator<Finding> {
  const path = pathOfNodeKey(entry.key);
  try {
    yield* check.checkNode(path, decodeRecord(path, entry.value));
  } catch (error) {
    // The repository was damaged before it was backed up.
    if (!(error instanceof RepositoryError && error.code === 'STORE_CORRUPT')) throw error;
    yield finding('RECORD_UNREADABLE', path);
  }
}

/** @throws STORE_CORRUPT */
export function toEntry(folder: string, [key, version, value]: readonly unknown[]): StoredEntry {
  if (typeof key === 'string' && typeof version === 'number' && typeof value === 'string')
    return { key, version, value };
  throw damagedBackup(folder, 'a line of its records is no record');
}
