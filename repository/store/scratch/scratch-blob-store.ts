/** A blob store that reads from two: what is written goes to the upper one, and the lower one is never changed nor closed. */
import { Readable } from 'node:stream';
import type { BlobStore } from '../contract.js';

export function createScratchBlobStore({
  upper,
  lower,
}: {
  /** Closed with it. */
  readonly upper: BlobStore;
  readonly lower: BlobStore;
}): BlobStore {
  const holderOf = async (sha256: string) => ((await upper.has(sha256)) ? upper : lower);
  const read: BlobStore['read'] = async function* (sha256, range, memory) {
    yield* (await holderOf(sha256)).read(sha256, range, memory);
  };
  return {
    write: (source) => upper.write(source),
    read,
    has: async (sha256) => (await upper.has(sha256)) || (await lower.has(sha256)),
    async *list() {
      const shown = new Set<string>();
      for await (const blob of upper.list()) {
        shown.add(blob.sha256);
        yield blob;
      }
      for await (const blob of lower.list()) if (!shown.has(blob.sha256)) yield blob;
    },
    remove: (sha256) => upper.remove(sha256),
    stream: (sha256, range) => Readable.from(read(sha256, range), { objectMode: false }),
    ...(lower.localFile &&
      upper.localFile && {
        localFile: async (sha256: string) => {
          const holder = await holderOf(sha256);
          if (!holder.localFile) throw new TypeError('both stores have local files');
          return holder.localFile(sha256);
        },
      }),
    close: () => upper.close(),
  };
}
