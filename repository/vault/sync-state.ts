/** What a folder and the repository were when they last agreed: `.satchel-sync.json` in the folder. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RepositoryError } from '../errors.js';
import { isMissing } from './local-files.js';

export const stateFile = '.satchel-sync.json';

/** Hashes of a file on either side; absent where that side has no such file. The two differ where a file is laid out otherwise. */
export interface SyncedFile {
  readonly local?: string;
  readonly remote?: string;
}

export type SyncState = ReadonlyMap<string, SyncedFile>;

const maximumBytes = 256 * 1024 * 1024;

/** @returns an empty state where there is none yet @throws INVALID_CONTENT_FILE for a state of another path, or none at all */
export async function readSyncState(folder: string, path: string): Promise<SyncState> {
  const file = join(folder, stateFile);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (text === undefined) return new Map();
  const fail = (problem: string) =>
    new RepositoryError('INVALID_CONTENT_FILE', `${file}:1: ${problem}; remove it to compare anew.`, { file, line: 1 });
  if (text.length > maximumBytes) throw fail('it is too large');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw fail('it is no JSON');
  }
  if (!isState(parsed)) throw fail('it is not the state of a synchronised folder');
  if (parsed.path !== path) throw fail(`the folder belongs to ${parsed.path} and not to ${path}`);
  return new Map(Object.entries(parsed.files));
}

/** Replaces the file as a whole. */
export async function writeSyncState(folder: string, path: string, state: SyncState): Promise<void> {
  const files = Object.fromEntries([...state].sort(([a], [b]) => (a < b ? -1 : 1)));
  const file = join(folder, stateFile);
  await writeFile(`${file}.new`, `${JSON.stringify({ path, files }, undefined, 1)}\n`);
  await rename(`${file}.new`, file);
}

function isState(value: unknown): value is { path: string; files: Record<string, SyncedFile> } {
  if (typeof value !== 'object' || value === null || !('path' in value) || !('files' in value)) return false;
  const { path, files } = value;
  if (typeof path !== 'string' || typeof files !== 'object' || files === null) return false;
  return Object.values(files).every(
    (entry: unknown) =>
      typeof entry === 'object' &&
      entry !== null &&
      Object.entries(entry).every(([side, hash]) => ['local', 'remote'].includes(side) && typeof hash === 'string'),
  );
}
