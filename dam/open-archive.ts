/** The bytes of a packed archive, however it is kept. */
import type { BlobStore, ByteRange, ChunkMemory } from '../repository/store/contract.js';
import type { ArchivePart } from '../workflows/contract/plan.js';
import { layoutZip } from './zip/layout.js';
import { openFrom, zipRange } from './zip/write.js';

export interface OpenArchive {
  /** Bytes. */
  readonly size: number;
  /** Strong, with its quotes. */
  readonly etag: string;
  /** All of it, or a range. @throws RangeError when the range does not lie in it */
  read(range?: ByteRange, memory?: ChunkMemory): AsyncIterable<Uint8Array>;
}

/** Opens an archive for any number of reads; nothing is read yet. */
export function openArchive(blobs: BlobStore, part: ArchivePart): OpenArchive {
  const { blob, entries } = part;
  if (blob) {
    const { size, sha256 } = blob;
    return { size, etag: `"${sha256}"`, read: (range, memory) => openFrom(blobs, memory)(blob, range) };
  }
  const layout = layoutZip(entries);
  const { size, etag } = layout;
  return { size, etag, read: (range, memory) => zipRange(layout, openFrom(blobs, memory), range) };
}
