/** Compressed archives: their size is known only once written, so they are written to a blob. */
import { once } from 'node:events';
import { Readable } from 'node:stream';
import type { PackedEntry } from '../../workflows/contract/plan.js';
import type { OpenBlob } from './write.js';

/**
 * Streams a DEFLATE archive of the entries in the given order. The same entries give the same bytes with the same zlib:
 * times and modes are fixed, nothing of the machine goes in. `onBytes` is told the content bytes read so far.
 */
export async function* deflateZip(
  entries: readonly PackedEntry[],
  open: OpenBlob,
  { signal, onBytes }: { signal?: AbortSignal; onBytes?: (done: number) => void } = {},
): AsyncGenerator<Uint8Array> {
  // Loaded only for those who want compressed archives: it takes as long as the rest of a command.
  const { ZipArchive } = await import('archiver');
  const archive = new ZipArchive({ zlib: { level: 6 } });
  const ended = new AbortController();
  let done = 0;
  async function* counted(entry: PackedEntry): AsyncGenerator<Uint8Array> {
    for await (const chunk of open(entry.blob)) {
      signal?.throwIfAborted();
      yield chunk;
      done += chunk.length;
      onBytes?.(done);
    }
  }
  async function feed(): Promise<void> {
    // One at a time: appended together, every source would be open at once.
    for (const entry of entries) {
      signal?.throwIfAborted();
      const written = once(archive, 'entry', { signal: ended.signal });
      const source = Readable.from(counted(entry), { objectMode: false });
      source.once('error', (error) => archive.destroy(error));
      archive.append(source, { name: entry.name, date: new Date(entry.modified), mode: 0o644 });
      await written;
    }
    await archive.finalize();
  }
  const feeding = feed().catch((error: unknown) => {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  try {
    for await (const chunk of archive) yield chunk as Uint8Array;
  } finally {
    // Also when the reader stops early: nobody waits for an entry that is never written.
    ended.abort();
    archive.destroy();
    await feeding;
  }
}

/**
 * Most bytes an entry of `size` bytes takes in such an archive beyond what a stored one does: zlib's own bound for
 * content that does not compress (`deflateBound`), and the data descriptor (24 bytes with ZIP64).
 */
export function deflatedSizeBound(size: number): number {
  return size + Math.floor(size / 2 ** 12) + Math.floor(size / 2 ** 14) + Math.floor(size / 2 ** 25) + 13 + 24;
}
