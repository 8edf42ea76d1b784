/** Compressed archives: their size is known only once written, so they are written to a blob. */
import { deflateEntries, type ZipEntryContent } from '../../repository/vault/deflate-entries.js';
import type { PackedEntry } from '../../workflows/contract/plan.js';
import type { OpenBlob } from './write.js';

/**
 * Streams a DEFLATE archive of the entries in the given order. The same entries give the same bytes with the same zlib.
 * @param onBytes is told the content bytes read so far
 */
export async function* deflateZip(
  entries: readonly PackedEntry[],
  open: OpenBlob,
  { signal, onBytes }: { signal?: AbortSignal; onBytes?: (done: number) => void } = {},
): AsyncGenerator<Uint8Array> {
  let done = 0;
  async function* counted({ blob }: PackedEntry): AsyncGenerator<Uint8Array> {
    for await (const chunk of open(blob)) {
      signal?.throwIfAborted();
      yield chunk;
      done += chunk.length;
      onBytes?.(done);
    }
  }
  function* contents(): Generator<ZipEntryContent> {
    for (const entry of entries) {
      signal?.throwIfAborted();
      yield { name: entry.name, modified: new Date(entry.modified), content: counted(entry) };
    }
  }
  yield* deflateEntries(contents());
}

/**
 * Most bytes an entry of `size` bytes takes in such an archive beyond what a stored one does: zlib's own bound for
 * content that does not compress (`deflateBound`), and the data descriptor (24 bytes with ZIP64).
 */
export function deflatedSizeBound(size: number): number {
  return size + Math.floor(size / 2 ** 12) + Math.floor(size / 2 ** 14) + Math.floor(size / 2 ** 25) + 13 + 24;
}
