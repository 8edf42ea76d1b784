/** Bytes into a file, and on the way what is known of a blob. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { RepositoryError } from '../errors.js';
import type { BlobInfo } from './contract.js';

/** Appends everything to the file, which stays open; an error of the source passes through. */
export async function writeHashed(handle: FileHandle, source: AsyncIterable<Uint8Array>): Promise<BlobInfo> {
  const hash = createHash('sha256');
  let size = 0;
  let checksum = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    checksum = crc32(chunk, checksum);
    size += chunk.byteLength;
    await writeAll(handle, chunk);
  }
  return { sha256: hash.digest('hex'), size, crc32: checksum };
}

/** What an error of writing means; all but a full disk stay what they are. */
export function asWriteError(error: unknown): unknown {
  const full = error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
  if (!full) return error;
  return new RepositoryError('STORE_FULL', 'The disk of the blob store is full; free space and try again.', {
    cause: error,
  });
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  let offset = 0;
  while (offset < chunk.byteLength) {
    const { bytesWritten } = await handle.write(chunk, offset, chunk.byteLength - offset);
    offset += bytesWritten;
  }
}
