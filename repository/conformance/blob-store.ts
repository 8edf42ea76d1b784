/** What every blob store must do; a backend's test file calls this with a way to open an empty store. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import type { BlobStore } from '../store/contract.js';
import { bytesOf, chunked, sha256Of } from './bytes.js';
import { collect } from './collect.js';
import type { TestFunctions } from './test-functions.js';

/**
 * Declares the tests of a blob store (store/contract.ts).
 *
 * @param name shown in the titles of the tests
 * @param open an empty store, another one at every call; the suite closes it
 */
export function describeBlobStore(
  name: string,
  open: () => Promise<BlobStore>,
  { describe, it, expect, onTestFinished }: TestFunctions,
): void {
  const opened = async (): Promise<BlobStore> => {
    const store = await open();
    onTestFinished(() => store.close());
    return store;
  };

  describe(`blob store: ${name}`, () => {
    it('knows size, SHA-256 and CRC-32 of what was written', async () => {
      const store = await opened();
      // The check value of CRC-32 (ISO 3309) and the SHA-256 of "123456789" are published.
      expect(await store.write(chunked('123456789', 4))).toEqual({
        sha256: '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225',
        size: 9,
        crc32: 0xcbf43926,
      });
      expect(await store.write(chunked('', 1))).toEqual({
        sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
        size: 0,
        crc32: 0,
      });
    });

    it('gives back the bytes, whole or a range, whatever the chunks they came in', async () => {
      const store = await opened();
      await fc.assert(
        fc.asyncProperty(
          fc.uint8Array({ maxLength: 5000 }),
          fc.integer({ min: 1, max: 700 }),
          fc.nat(5000),
          fc.nat(5000),
          async (bytes, chunkSize, a, b) => {
            const { sha256 } = await store.write(chunked(bytes, chunkSize));
            expect(sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
            expect(await bytesOf(store.read(sha256))).toEqual(Buffer.from(bytes));
            const start = Math.min(a, b, bytes.length);
            const end = Math.min(Math.max(a, b), bytes.length);
            const range = { start, length: end - start };
            expect(await bytesOf(store.read(sha256, range))).toEqual(Buffer.from(bytes.subarray(start, end)));
            expect(await bytesOf(store.stream(sha256, range))).toEqual(Buffer.from(bytes.subarray(start, end)));
          },
        ),
        { numRuns: 40 },
      );
    });

    it('passes on content larger than any buffer of its own', async () => {
      const store = await opened();
      const bytes = Buffer.alloc(3 * 1024 * 1024 + 17, 'satchel');
      const { sha256, size } = await store.write(chunked(bytes, 100_000));
      expect(size).toBe(bytes.length);
      expect((await bytesOf(store.stream(sha256))).equals(bytes)).toBe(true);
    });

    it('may read into memory it is given, and then into the same again', async () => {
      const store = await opened();
      const bytes = Buffer.from(Array.from({ length: 10_000 }, (_, index) => (index * 7) % 251));
      const { sha256 } = await store.write(chunked(bytes, 1000));
      const memory = new Uint8Array(300);
      const expectedLeft: number[] = [];
      const read: Buffer[] = [];
      const range = { start: 17, length: 5000 };
      const chunks = store.read(sha256, range, (left) => {
        expectedLeft.push(left);
        return memory;
      });
      // Copied before the next one is asked for.
      for await (const chunk of chunks) read.push(Buffer.from(chunk));
      expect(Buffer.concat(read)).toEqual(bytes.subarray(17, 5017));
      if (expectedLeft.length > 0) expect(expectedLeft).toEqual(Array.from({ length: 17 }, (_, n) => 5000 - n * 300));
    });

    it('answers for the same bytes written twice, also at the same time, as for one blob', async () => {
      const store = await opened();
      const infos = await Promise.all([1, 7, 100].map((size) => store.write(chunked('the same bytes', size))));
      expect(new Set(infos.map(({ sha256 }) => sha256)).size).toBe(1);
      const [first] = infos;
      expect((await bytesOf(store.read(first?.sha256 ?? ''))).toString()).toBe('the same bytes');
    });

    it('keeps nothing of a source that fails, and passes its error on', async () => {
      const store = await opened();
      const failure = new Error('the upload broke');
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('half');
        throw failure;
      }
      await expect(store.write(broken())).rejects.toBe(failure);
      expect(await store.has(sha256Of('half'))).toBe(false);
    });

    it.each(['0'.repeat(64), 'not-a-hash', '../../../../etc/passwd', ''])('has no blob %j', async (sha256) => {
      const store = await opened();
      expect(await store.has(sha256)).toBe(false);
      await expect(bytesOf(store.read(sha256))).rejects.toMatchObject({ code: 'BLOB_MISSING' });
      await expect(bytesOf(store.stream(sha256))).rejects.toMatchObject({ code: 'BLOB_MISSING' });
      if (store.localFile) await expect(store.localFile(sha256)).rejects.toMatchObject({ code: 'BLOB_MISSING' });
    });

    it('refuses a range beyond the end', async () => {
      const store = await opened();
      const { sha256 } = await store.write(chunked('short', 5));
      await expect(bytesOf(store.read(sha256, { start: 3, length: 3 }))).rejects.toMatchObject({
        code: 'BLOB_MISSING',
      });
    });

    it('lists every blob with its size, and none that was removed', async () => {
      const store = await opened();
      const written = await Promise.all(['one', 'second', 'the third'].map((text) => store.write(chunked(text, 4))));
      const sizes = async () => new Map((await collect(store.list())).map(({ sha256, size }) => [sha256, size]));
      expect(await sizes()).toEqual(new Map(written.map(({ sha256, size }) => [sha256, size])));
      await store.remove(sha256Of('second'));
      await store.remove(sha256Of('never written'));
      expect(await store.has(sha256Of('second'))).toBe(false);
      await expect(bytesOf(store.read(sha256Of('second')))).rejects.toMatchObject({ code: 'BLOB_MISSING' });
      expect([...(await sizes()).keys()].toSorted()).toEqual([sha256Of('one'), sha256Of('the third')].toSorted());
      expect((await bytesOf(store.read(sha256Of('one')))).toString()).toBe('one');
    });

    it('counts a blob that is written again as written now', async () => {
      const store = await opened();
      const modified = async () => (await collect(store.list()))[0]?.modified.getTime() ?? NaN;
      await store.write(chunked('again', 5));
      const first = await modified();
      // Until the store's clock, which may tick in whole seconds, has moved on.
      let second = first;
      while (second <= first) {
        await store.write(chunked('again', 5));
        second = await modified();
      }
      expect(await collect(store.list())).toHaveLength(1);
      expect(second).toBeGreaterThan(first);
    });

    it('names a local file with the bytes, where it has one', async () => {
      const store = await opened();
      const { sha256 } = await store.write(chunked('local bytes', 5));
      const file = await store.localFile?.(sha256);
      const bytes = file === undefined ? await bytesOf(store.read(sha256)) : await readFile(file);
      expect(bytes.toString()).toBe('local bytes');
    });
  });
}
