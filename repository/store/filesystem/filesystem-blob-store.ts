/**
 * Blobs as files: `<folder>/<first 2 of hash>/<next 2>/<hash>`. A blob is written to `<folder>/tmp`, synced, then renamed
 * to its place, so that a name that exists always has all its bytes.
 */
import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, unlink, utimes } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { blobMissing, blobTooShort, isSha256 } from '../blob-address.js';
import { chunkBytes, newMemory } from '../chunk-memory.js';
import type { BlobInfo, BlobStore, ByteRange, ChunkMemory, ListedBlob } from '../contract.js';
import { asWriteError, writeHashed } from '../write-hashed.js';

/**
 * @param options.folder is created when missing; several processes may share it
 * @param options.alone no other process writes into it now: what one that was killed left unfinished is removed
 */
export async function createFilesystemBlobStore(options: {
  readonly folder: string;
  readonly alone?: boolean;
}): Promise<BlobStore> {
  const folder = resolve(options.folder);
  const temporary = join(folder, 'tmp');
  if (options.alone) await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  return new FilesystemBlobStore(folder, temporary);
}

class FilesystemBlobStore implements BlobStore {
  constructor(
    private readonly folder: string,
    private readonly temporary: string,
  ) {}

  async write(source: AsyncIterable<Uint8Array>): Promise<BlobInfo> {
    const file = join(this.temporary, randomUUID());
    let info: BlobInfo;
    try {
      info = await this.#writeFile(file, source);
      const target = this.#pathOf(info.sha256);
      if (await isRenewed(target, info.size)) await unlink(file);
      else await this.#moveInto(file, target);
    } catch (error) {
      await rm(file, { force: true });
      throw asWriteError(error);
    }
    return info;
  }

  async #writeFile(file: string, source: AsyncIterable<Uint8Array>): Promise<BlobInfo> {
    const handle = await open(file, 'wx', 0o640);
    try {
      const info = await writeHashed(handle, source);
      await handle.sync();
      return info;
    } finally {
      await handle.close();
    }
  }

  async #moveInto(file: string, target: string): Promise<void> {
    const parent = dirname(target);
    const created = await mkdir(parent, { recursive: true });
    await rename(file, target);
    // A name is durable only once its folder is, and a new folder once the one above is.
    await syncFolder(parent);
    if (created !== undefined) for (const folder of [dirname(parent), this.folder]) await syncFolder(folder);
  }

  async *read(sha256: string, range?: ByteRange, memory: ChunkMemory = newMemory): AsyncIterable<Uint8Array> {
    const handle = await this.#open(sha256);
    try {
      let position = range?.start ?? 0;
      const end = range ? range.start + range.length : (await handle.stat()).size;
      while (position < end) {
        const buffer = memory(end - position);
        const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.byteLength, end - position), position);
        if (bytesRead === 0) throw blobTooShort(sha256, position, end);
        position += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  }

  async #open(sha256: string): Promise<FileHandle> {
    try {
      return await open(this.#pathOf(sha256), 'r');
    } catch (error) {
      throw isErrorCode(error, 'ENOENT') ? blobMissing(sha256) : error;
    }
  }

  async has(sha256: string): Promise<boolean> {
    return isSha256(sha256) && (await isFileOfSize(this.#pathOf(sha256), undefined));
  }

  async *list(): AsyncIterable<ListedBlob> {
    // Two levels of folders, each named after two digits of the hash.
    for (const first of await namesIn(this.folder)) {
      if (!/^[0-9a-f]{2}$/.test(first)) continue;
      for (const second of await namesIn(join(this.folder, first))) {
        for (const sha256 of await namesIn(join(this.folder, first, second))) {
          const found = isSha256(sha256) ? await statIfThere(this.#pathOf(sha256)) : undefined;
          if (found?.isFile()) yield { sha256, size: found.size, modified: found.mtime };
        }
      }
    }
  }

  async remove(sha256: string): Promise<void> {
    await rm(this.#pathOf(sha256), { force: true });
  }

  async localFile(sha256: string): Promise<string> {
    const file = this.#pathOf(sha256);
    if (!(await isFileOfSize(file, undefined))) throw blobMissing(sha256);
    return file;
  }

  stream(sha256: string, range?: ByteRange): Readable {
    return Readable.from(this.read(sha256, range), { objectMode: false, highWaterMark: chunkBytes });
  }

  async close(): Promise<void> {
    // Nothing stays open between calls.
  }

  #pathOf(sha256: string): string {
    // The hash may come from content, so it must not be able to leave the folder.
    if (!isSha256(sha256)) throw blobMissing(sha256);
    return blobFile(this.folder, sha256);
  }
}

/** Where a store in that folder has a blob, whether it is there or not. */
export function blobFile(folder: string, sha256: string): string {
  return join(folder, sha256.slice(0, 2), sha256.slice(2, 4), sha256);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @param size `undefined`: any */
async function isFileOfSize(file: string, size: number | undefined): Promise<boolean> {
  const found = await statIfThere(file);
  return found?.isFile() === true && (size === undefined || found.size === size);
}

/** Whether the file is there whole; then it counts as written now. */
async function isRenewed(file: string, size: number): Promise<boolean> {
  if (!(await isFileOfSize(file, size))) return false;
  const now = new Date();
  return (await unlessMissing(utimes(file, now, now).then(() => true))) ?? false;
}

async function statIfThere(file: string): Promise<Stats | undefined> {
  return unlessMissing(stat(file));
}

async function namesIn(folder: string): Promise<string[]> {
  return (await unlessMissing(readdir(folder))) ?? [];
}

async function unlessMissing<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (isErrorCode(error, 'ENOENT') || isErrorCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}

function isErrorCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
