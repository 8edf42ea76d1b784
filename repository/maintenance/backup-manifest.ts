/** What makes a folder a backup: the manifest, which is written last and names everything else. */
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { damagedBackup } from './backup-file.js';
import type { GuardedFile } from './backup-file.js';

const format = 'satchel-backup/1';
const manifestName = 'manifest.json';

export interface BackupManifest {
  readonly format: typeof format;
  /** ISO 8601, UTC. */
  readonly created: string;
  /** The commit it shows. */
  readonly sequence: number;
  readonly journalStart: number;
  readonly records: GuardedFile;
  readonly journal: GuardedFile;
  readonly cursors: GuardedFile;
  /** What the records refer to; the folder may hold more, of earlier backups. */
  readonly blobs: { readonly count: number; readonly bytes: number };
}

export function blobFolderOf(folder: string): string {
  return join(folder, 'blobs');
}

export async function writeManifest(folder: string, content: Omit<BackupManifest, 'format'>): Promise<BackupManifest> {
  const manifest: BackupManifest = { format, ...content };
  const temporary = join(folder, `${manifestName}.new`);
  const file = await open(temporary, 'w', 0o640);
  try {
    await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, manifestName));
  return manifest;
}

/** @throws STORE_CORRUPT when there is none, which is how an interrupted first backup looks, or it does not parse */
export async function readManifest(folder: string): Promise<BackupManifest> {
  const manifest = await findManifest(folder);
  if (manifest) return manifest;
  throw damagedBackup(folder, 'it has no manifest.json, so no backup was ever finished there');
}

export async function findManifest(folder: string): Promise<BackupManifest | undefined> {
  const path = join(folder, manifestName);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  let manifest: Omit<BackupManifest, 'format'> & { readonly format?: unknown };
  try {
    manifest = JSON.parse(text) as typeof manifest;
  } catch (cause) {
    throw damagedBackup(path, 'it does not parse', cause);
  }
  if (manifest.format === format) return { ...manifest, format };
  throw damagedBackup(path, `it is of the format "${String(manifest.format)}"; this version reads "${format}"`);
}
