/** Streams a laid-out archive, whole or any range of it: what a server needs for Range and resume. */
import type { BlobStore, ByteRange, ChunkMemory } from '../../repository/store/contract.js';
import type { PlannedBlob } from '../../workflows/contract/plan.js';
import { localHeader, zipTail } from './layout.js';
import type { ZipLayout } from './layout.js';

/** Opens a blob's bytes, or a range of them. */
export type OpenBlob = (blob: PlannedBlob, range?: ByteRange) => AsyncIterable<Uint8Array>;

/** Opens blobs of a store, and small ones from their inline bytes. */
export function openFrom(blobs: BlobStore, memory?: ChunkMemory): OpenBlob {
  return (blob, range) =>
    blob.inline === undefined ? blobs.read(blob.sha256, range, memory) : inlineBytes(blob.inline, range);
}

async function* inlineBytes(base64: string, range: ByteRange | undefined): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(base64, 'base64');
  yield range ? bytes.subarray(range.start, range.start + range.length) : bytes;
}

/**
 * The bytes `start` to `start + length` of the archive; all of it by default.
 * @throws RangeError when the range does not lie in the archive
 */
export async function* zipRange(
  layout: ZipLayout,
  open: OpenBlob,
  { start, length }: ByteRange = { start: 0, length: layout.size },
): AsyncGenerator<Uint8Array> {
  const end = start + length;
  if (start < 0 || length < 0 || end > layout.size) {
    throw new RangeError(`Bytes ${start} to ${end} are not in an archive of ${layout.size} bytes.`);
  }
  for (let index = entryAt(layout, start); index < layout.entries.length; index += 1) {
    const entry = layout.entries[index];
    const offset = layout.offsets[index];
    if (!entry || offset === undefined || offset >= end) break;
    const header = localHeader(entry);
    yield* nonEmpty(header.subarray(Math.max(0, start - offset), Math.max(0, end - offset)));
    const content = overlap(offset + header.length, entry.blob.size, start, end);
    if (content.length > 0) yield* exactly(open(entry.blob, content), content.length, entry.name);
  }
  if (end > layout.extent.contents) {
    const from = layout.extent.contents;
    yield* nonEmpty(zipTail(layout).subarray(Math.max(0, start - from), end - from));
  }
}

/** The last entry that starts at or before the position. */
function entryAt({ offsets }: ZipLayout, position: number): number {
  let low = 0;
  let high = offsets.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((offsets[middle] ?? 0) <= position) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** What of a stretch at `at` the bytes from `start` to `end` cover, relative to the stretch. */
function overlap(at: number, size: number, start: number, end: number): ByteRange {
  const first = Math.max(0, start - at);
  return { start: first, length: Math.max(0, Math.min(size, end - at) - first) };
}

function* nonEmpty(bytes: Uint8Array): Generator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

/** A blob that is not as long as its record would shift every byte behind it. */
async function* exactly(source: AsyncIterable<Uint8Array>, length: number, name: string): AsyncGenerator<Uint8Array> {
  let seen = 0;
  for await (const chunk of source) {
    seen += chunk.length;
    if (seen > length) break;
    yield chunk;
  }
  if (seen !== length) throw new Error(`"${name}" has other than the ${length} bytes recorded of it.`);
}
