import { createHash } from 'node:crypto';
import { open as openFile, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deflateZip, deflatedSizeBound } from '../../dam/zip/deflate.js';
import { emptyZip, extendZip, layoutZip, localHeader, zipSize, zipTail } from '../../dam/zip/layout.js';
import { zipRange } from '../../dam/zip/write.js';
import type { PackedEntry } from '../../workflows/contract/plan.js';
import { collect, packedEntries } from './support/memory-files.js';
import type { MemoryFile } from './support/memory-files.js';
import { tempFolder } from './support/temp-folder.js';
import { has, readWithOthers } from './support/zip-tools.js';

const samples: MemoryFile[] = [
  { name: 'a.txt', bytes: Buffer.from('hello') },
  { name: 'empty.bin', bytes: new Uint8Array() },
  { name: 'ordner/größe – 日本語 🎒.txt', bytes: Buffer.from('x'.repeat(5000)) },
  { name: 'old.txt', bytes: Buffer.from('1969'), modified: '1969-07-20T20:17:40.000Z' },
  { name: 'late.txt', bytes: Buffer.from('2150'), modified: '2150-01-01T00:00:00.000Z' },
];

const described = (files: readonly MemoryFile[]) =>
  files.map(({ name, bytes }) => ({
    name,
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }));

const someFiles = fc.uniqueArray(
  fc.record({
    name: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }),
    bytes: fc.uint8Array({ maxLength: 3000 }),
    modified: fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  }),
  { selector: ({ name }) => name, maxLength: 12 },
);

describe('stored archives', () => {
  it('are accepted by unzip, Python and Java with every byte and name (D12)', async () => {
    const { entries, open } = packedEntries(samples);
    const file = join(await tempFolder(), 'stored.zip');
    await writeFile(file, await collect(zipRange(layoutZip(entries), open)));
    const found = await readWithOthers(file);
    for (const read of Object.values(found)) expect(read).toEqual(described(samples));
  });

  it('have the size that their layout says, counted ahead from names and sizes alone', async () => {
    await fc.assert(
      fc.asyncProperty(someFiles, async (files) => {
        const { entries, open } = packedEntries(files);
        const layout = layoutZip(entries);
        const ahead = files.reduce(
          (extent, { name, bytes }) => extendZip(extent, Buffer.byteLength(name), bytes.length),
          emptyZip,
        );
        expect(layout.size).toBe(zipSize(ahead));
        expect((await collect(zipRange(layout, open))).length).toBe(layout.size);
      }),
    );
  });

  it('give any range as the slice of the whole', async () => {
    await fc.assert(
      fc.asyncProperty(someFiles, fc.nat(), fc.nat(), async (files, a, b) => {
        const { entries, open } = packedEntries(files);
        const layout = layoutZip(entries);
        const whole = await collect(zipRange(layout, open));
        const start = a % (layout.size + 1);
        const length = b % (layout.size - start + 1);
        const part = await collect(zipRange(layout, open, { start, length }));
        expect(part.equals(whole.subarray(start, start + length))).toBe(true);
      }),
    );
  });

  it('refuse a range outside the archive', async () => {
    const { entries, open } = packedEntries(samples);
    const layout = layoutZip(entries);
    await expect(collect(zipRange(layout, open, { start: 1, length: layout.size }))).rejects.toThrow(RangeError);
  });

  it('fail rather than shift when a blob is shorter or longer than recorded', async () => {
    const { entries } = packedEntries([{ name: 'a', bytes: Buffer.from('12345') }]);
    const layout = layoutZip(entries);
    for (const wrong of ['1234', '123456']) {
      async function* open() {
        yield Buffer.from(wrong);
      }
      await expect(collect(zipRange(layout, open))).rejects.toThrow('"a" has other than the 5 bytes');
    }
  });

  it('have an ETag that follows names, order, times and contents', () => {
    const { entries } = packedEntries(samples);
    const [first, second, ...rest] = entries as [PackedEntry, PackedEntry, ...PackedEntry[]];
    const tags = [
      entries,
      [second, first, ...rest],
      [{ ...first, name: 'b.txt' }, second, ...rest],
      [{ ...first, modified: '2024-02-29T12:34:58.000Z' }, second, ...rest],
      [{ ...first, blob: { ...first.blob, sha256: second.blob.sha256 } }, second, ...rest],
    ].map((list) => layoutZip(list).etag);
    expect(new Set(tags).size).toBe(tags.length);
    expect(layoutZip(packedEntries(samples).entries).etag).toBe(tags[0]);
    for (const tag of tags) expect(tag).toMatch(/^"[0-9a-f]{64}"$/);
  });

  it('need ZIP64 from 65,535 entries on, and are read then too', async () => {
    const files = Array.from({ length: 65_535 }, (_, index) => ({ name: `f/${index}`, bytes: Buffer.of(index & 255) }));
    const { entries, open } = packedEntries(files);
    const layout = layoutZip(entries);
    const below = layoutZip(entries.slice(0, -1));
    expect(zipTail(layout).includes(Buffer.from('PK\u0006\u0006'))).toBe(true);
    expect(zipTail(below).includes(Buffer.from('PK\u0006\u0006'))).toBe(false);
    const file = join(await tempFolder(), 'many.zip');
    await writeFile(file, await collect(zipRange(layout, open)));
    for (const read of Object.values(await readWithOthers(file))) {
      expect(read.length).toBe(65_535);
      expect(read.at(-1)?.name).toBe('f/65534');
    }
  });

  it.skipIf(!has.python)('hold a file of 4 GiB and another one behind it', async () => {
    const size = 2 ** 32 + 5;
    const zeros = Buffer.alloc(2 ** 26);
    let crc = 0;
    for (let left = size; left > 0; left -= zeros.length) {
      crc = crc32(left < zeros.length ? zeros.subarray(0, left) : zeros, crc);
    }
    const modified = '2024-01-01T00:00:00.000Z';
    const large: PackedEntry = { name: 'large.bin', modified, blob: { sha256: '0'.repeat(64), size, crc32: crc } };
    const small: PackedEntry = {
      name: 'small.txt',
      modified,
      blob: { sha256: '1'.repeat(64), size: 2, crc32: crc32('ok') },
    };
    const layout = layoutZip([large, small]);
    const file = join(await tempFolder(), 'large.zip');
    // The zeros are a hole in a sparse file: only what the layout decides is written.
    const handle = await openFile(file, 'w');
    const secondOffset = layout.offsets[1] ?? 0;
    const smallHeader = localHeader(small);
    await handle.write(localHeader(large), 0, undefined, 0);
    await handle.write(Buffer.concat([smallHeader, Buffer.from('ok'), zipTail(layout)]), 0, undefined, secondOffset);
    await handle.close();
    expect(secondOffset).toBe(localHeader(large).length + size);
    const { stdout } = await promisify(execFile)('python3', [
      '-c',
      'import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nprint([(i.filename, i.file_size, i.header_offset) for i in z.infolist()], z.read("small.txt"), z.open("large.bin").read(3))',
      file,
    ]);
    expect(stdout.trim()).toBe(
      `[('large.bin', ${size}, 0), ('small.txt', 2, ${secondOffset})] b'ok' b'\\x00\\x00\\x00'`,
    );
  });
});

describe('compressed archives', () => {
  it('are accepted by unzip, Python and Java with every byte and name', async () => {
    const { entries, open } = packedEntries(samples);
    const file = join(await tempFolder(), 'deflated.zip');
    await writeFile(file, await collect(deflateZip(entries, open)));
    for (const read of Object.values(await readWithOthers(file))) expect(read).toEqual(described(samples));
  });

  it('are the same bytes each time, never larger than their bound', async () => {
    await fc.assert(
      fc.asyncProperty(someFiles, async (files) => {
        const named = files.map((file, index) => ({ ...file, name: `${index}.bin` }));
        const { entries, open } = packedEntries(named);
        const first = await collect(deflateZip(entries, open));
        expect(first.equals(await collect(deflateZip(entries, open)))).toBe(true);
        const bound = named.reduce(
          (extent, { name, bytes }) => extendZip(extent, name.length, deflatedSizeBound(bytes.length)),
          emptyZip,
        );
        expect(first.length).toBeLessThanOrEqual(zipSize(bound));
      }),
      { numRuns: 30 },
    );
  });

  it('tell how far they are, and stop when aborted', async () => {
    const { entries, open } = packedEntries(samples);
    const seen: number[] = [];
    await collect(deflateZip(entries, open, { onBytes: (done) => seen.push(done) }));
    expect(seen.at(-1)).toBe(samples.reduce((bytes, file) => bytes + file.bytes.length, 0));
    const aborted = AbortSignal.abort(new Error('enough'));
    await expect(collect(deflateZip(entries, open, { signal: aborted }))).rejects.toThrow('enough');
  });

  it('fail with the error of a source that breaks, and end when the reader stops early', async () => {
    const { entries, open } = packedEntries(samples);
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      throw new Error('disk gone');
    }
    await expect(collect(deflateZip(entries, broken))).rejects.toThrow('disk gone');
    for await (const chunk of deflateZip(entries, open)) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
  });
});
