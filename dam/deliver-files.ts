/** Puts archives into a folder of this machine: complete or not at all, and never over a file of somebody else. */
import { link, mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { alternatingMemory } from '../repository/store/chunk-memory.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { OpenArchive } from './open-archive.js';

export interface DeliverOptions {
  readonly folder: string;
  /** Wanted file name; safe already. */
  readonly file: string;
  readonly archive: OpenArchive;
  /** Marks the unfinished file, so that a repeat overwrites its own and nobody else's. */
  readonly key: string;
  readonly signal?: AbortSignal;
  /** Told the bytes written so far. */
  readonly onBytes?: (done: number) => void;
}

/**
 * Writes the archive beside its final name, syncs it and gives it the name; a file that is there already with the very
 * same bytes counts as delivered, another one is left alone and the archive becomes `name (2).zip`.
 * @returns the name it got
 * @throws SatchelError OUT_FOLDER when the folder is none, OUT_FOLDER_FULL when it is full or not writable
 */
export async function deliverFile(options: DeliverOptions): Promise<string> {
  const { folder, file, archive, key, signal } = options;
  try {
    await mkdir(folder, { recursive: true });
    const temporary = join(folder, `.${key}.part`);
    for (let number = 1; ; number += 1) {
      const name = number === 1 ? file : file.replace(/(\.zip)?$/u, (extension) => ` (${number})${extension}`);
      const target = join(folder, name);
      const existing = await stat(target).catch(ignoreMissing);
      if (existing) {
        if (existing.isFile() && existing.size === archive.size && (await sameBytes(target, archive, signal))) {
          await rm(temporary, { force: true });
          return name;
        }
        continue;
      }
      await writeSynced(temporary, options);
      if (!(await claimName(temporary, target))) continue;
      await syncFolder(folder);
      return name;
    }
  } catch (error) {
    throw folderError(folder, error) ?? error;
  }
}

function errno(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function ignoreMissing(error: unknown): undefined {
  if (errno(error) !== 'ENOENT') throw error;
}

/** The SatchelError for what a file system says, or `undefined` for other errors. */
export function folderError(folder: string, error: unknown): SatchelError | undefined {
  const reasons: Readonly<Record<string, string>> = {
    ENOSPC: 'is full',
    EDQUOT: 'is full: the quota is used up',
    EFBIG: 'cannot hold a file of this size',
    EROFS: 'is read-only',
    EACCES: 'may not be written to',
    EPERM: 'may not be written to',
  };
  const code = errno(error) ?? '';
  if (Object.hasOwn(reasons, code)) {
    const message = `The output folder "${folder}" ${reasons[code] ?? ''} (${code}). Make room or choose another one, then run the download again.`;
    return new SatchelError('OUT_FOLDER_FULL', message, { details: { folder, errno: code }, cause: error });
  }
  if (!['ENOTDIR', 'EEXIST', 'ENOENT', 'ELOOP', 'ENAMETOOLONG'].includes(code)) return undefined;
  const message = `"${folder}" is no folder that can be written to (${code}). Choose another one.`;
  return new SatchelError('OUT_FOLDER', message, { details: { folder, errno: code }, cause: error });
}

/** Bytes after which what was written so far goes to the disk: a copy is not followed by a long wait, and progress is true. */
const syncBytes = 32 * 2 ** 20;

async function writeSynced(path: string, { archive, signal, onBytes }: DeliverOptions): Promise<void> {
  const file = await open(path, 'w');
  const writeAll = async (chunk: Uint8Array, end: number) => {
    for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at)).bytesWritten;
    onBytes?.(end);
  };
  // A chunk is written while the next is read, and both while earlier ones are synced.
  let writing = Promise.resolve();
  let syncing = Promise.resolve();
  try {
    let done = 0;
    let unsynced = 0;
    for await (const chunk of archive.read(undefined, alternatingMemory())) {
      await writing;
      signal?.throwIfAborted();
      if (unsynced >= syncBytes) {
        await syncing;
        syncing = awaitedLater(file.datasync());
        unsynced = 0;
      }
      done += chunk.length;
      unsynced += chunk.length;
      writing = awaitedLater(writeAll(chunk, done));
    }
    await writing;
    await syncing;
    await file.sync();
  } catch (error) {
    await Promise.allSettled([writing, syncing]);
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/** The same promise; should it fail before somebody waits for it, that does not end the process. */
function awaitedLater(work: Promise<void>): Promise<void> {
  work.catch(() => undefined);
  return work;
}

/** Gives the file its name unless the name is taken: a hard link, which unlike a rename never replaces. */
async function claimName(temporary: string, target: string): Promise<boolean> {
  try {
    await link(temporary, target);
    await rm(temporary);
    return true;
  } catch (error) {
    if (errno(error) === 'EEXIST') return false;
    // FAT and some network folders know no links: an empty file claims the name first.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(errno(error) ?? '')) throw error;
  }
  try {
    await writeFile(target, '', { flag: 'wx' });
  } catch (error) {
    if (errno(error) === 'EEXIST') return false;
    throw error;
  }
  await rename(temporary, target);
  return true;
}

async function sameBytes(path: string, archive: OpenArchive, signal: AbortSignal | undefined): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    for await (const chunk of archive.read(undefined, alternatingMemory())) {
      signal?.throwIfAborted();
      const theirs = Buffer.allocUnsafe(chunk.length);
      let filled = 0;
      while (filled < theirs.length) {
        const { bytesRead } = await file.read(theirs, filled);
        if (bytesRead === 0) return false;
        filled += bytesRead;
      }
      if (!theirs.equals(chunk)) return false;
    }
    return true;
  } finally {
    await file.close();
  }
}

/** Makes the new name survive a power cut; folders cannot be opened on Windows, where it is not needed. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
