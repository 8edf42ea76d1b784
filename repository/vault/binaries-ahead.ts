/**
 * Stores the binaries of a package somewhat ahead of where they are needed. Each waits for the disk several times before it
 * is durable; a few of them wait together.
 */
import type { BinaryValue } from '../value.js';
import type { ContentFile } from './content-tree.js';

/** As many as Node has threads for files, by default. */
const mostAtOnce = 4;

export class BinariesAhead {
  readonly #files: AsyncIterator<ContentFile>;
  readonly #store: (file: ContentFile) => Promise<BinaryValue>;
  readonly #started = new Map<ContentFile, Promise<BinaryValue>>();

  /** @param files in the order in which they will be taken */
  constructor(files: AsyncIterable<ContentFile>, store: (file: ContentFile) => Promise<BinaryValue>) {
    this.#files = files[Symbol.asyncIterator]();
    this.#store = store;
  }

  /** The stored binary of a file, whether it was started ahead or not. One after another. */
  async take(file: ContentFile): Promise<BinaryValue> {
    while (this.#started.size < mostAtOnce) {
      const next = await this.#files.next();
      if (next.done === true) break;
      const storing = this.#store(next.value);
      // Whoever takes it hears of a failure.
      storing.catch(() => undefined);
      this.#started.set(next.value, storing);
    }
    try {
      return await (this.#started.get(file) ?? this.#store(file));
    } finally {
      this.#started.delete(file);
    }
  }

  /** Resolves when nothing is being stored any more. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#started.values());
  }
}
