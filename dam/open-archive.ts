/** The bytes of a packed archive, however it is kept. */
import type { BlobStore, ByteRange } from '../repository/store/contract.js';
import type { ArchivePart } from '../workflows/contract/plan.js';
import { layoutZip } from './zip/layout.js';
import { openFrom, zipRange } from './zip/write.js';

export interface OpenArchive {
  /** Bytes. */
  readonly size: number;
  /** Strong, with its quotes. */
  readonly etag: string;
  /** All of it, or a range. @throws RangeError when the range does not lie in it */
  read(range?: ByteRange): AsyncIterable<Uint8Array>;
}

/** Opens an archive for any number of reads; nothing is read yet. */
export function openArchive(blobs: BlobStore, part: ArchivePart): OpenArchive {
  const { blob, entries } = part;
  const open = openFrom(blobs);
  if (blob) return { size: blob.size, etag: `"${blob.sha256}"`, read: (range) => open(blob, range) };
  const layout = layoutZip(entries);
  return { size: layout.size, etag: layout.etag, read: (range) => zipRange(layout, open, range) };
}
