/** Compressed ZIP archives as a stream: in memory are one chunk and the list of entries. */
import { once } from 'node:events';
import { Readable } from 'node:stream';

export interface ZipEntryContent {
  readonly name: string;
  readonly modified: Date;
  /** A buffer for what is small: its size stands before its bytes, where that of a stream follows them. */
  readonly content: Buffer | AsyncIterable<Uint8Array>;
}

/**
 * A DEFLATE archive of the entries in the given order. The same entries give the same bytes with the same zlib: modes are fixed,
 * nothing of the machine goes in. The next entry is asked for when the last one is written, so that one source is open at a time.
 */
export async function* deflateEntries(
  entries: AsyncIterable<ZipEntryContent> | Iterable<ZipEntryContent>,
): AsyncGenerator<Uint8Array> {
  // Loaded only for those who want compressed archives: it takes as long as the rest of a command.
  const { ZipArchive } = await import('archiver');
  const archive = new ZipArchive({ zlib: { level: 6 } });
  const ended = new AbortController();
  async function feed(): Promise<void> {
    for await (const { name, modified, content } of entries) {
      const written = once(archive, 'entry', { signal: ended.signal });
      const source = Buffer.isBuffer(content) ? content : Readable.from(content, { objectMode: false });
      if (!Buffer.isBuffer(source)) source.once('error', (error) => archive.destroy(error));
      archive.append(source, { name, date: modified, mode: 0o644 });
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
