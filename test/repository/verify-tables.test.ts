/** C8: every table of a LevelDB is compared with its checksums, without opening it. */
import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { Level } from 'level';
import { describe, expect, it } from 'vitest';
import { maskedCrc32c } from '../../repository/store/level/crc32c.js';
import { liveTables } from '../../repository/store/level/live-tables.js';
import { verifyTables } from '../../repository/store/level/verify-tables.js';
import { temporaryFolder } from './world.js';

interface Compactable {
  compactRange(start: string, end: string): Promise<void>;
}

/** Closed, with one table or more. */
async function database(entries: Iterable<readonly [string, string]>, options: object = {}): Promise<string> {
  const folder = await temporaryFolder();
  const db = new Level<string, string>(folder, options);
  await db.open();
  for (const [key, value] of entries) await db.put(key, value);
  await (db as unknown as Compactable).compactRange('', '~');
  await db.close();
  return folder;
}

function* someEntries(): Generator<[string, string]> {
  for (let index = 0; index < 3000; index++)
    yield [`key ${index}`, `value ${(index * 7919) % 3001} `.repeat(1 + (index % 20))];
}

const tableOf = async (folder: string) => join(folder, (await liveTables(folder))[0]?.file ?? 'none');

describe('the checksum', () => {
  it('is that of RFC 3720, masked as LevelDB masks it', () => {
    // The examples of RFC 3720, B.4, unmasked: 32 bytes of zeros, ones, and counting.
    const unmasked = (bytes: Uint8Array) => {
      const rotated = (maskedCrc32c(bytes) - 0xa282ead8) >>> 0;
      return ((rotated << 15) | (rotated >>> 17)) >>> 0;
    };
    expect(unmasked(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(unmasked(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(unmasked(Uint8Array.from({ length: 32 }, (_, index) => index))).toBe(0x46dd794e);
  });
});

describe('the tables of a database', () => {
  it.each([
    ['small', {}],
    ['not compressed', { compression: false }],
    ['in many files', { maxFileSize: 1024 * 1024, writeBufferSize: 64 * 1024 }],
    ['in large blocks', { blockSize: 256 * 1024 }],
  ])('fit where nothing is damaged: %s', async (_what, options) => {
    const sound = await database(someEntries(), options);
    expect((await liveTables(sound)).length).toBeGreaterThan(0);
    await expect(verifyTables(sound)).resolves.toBeUndefined();
  });

  it('of an empty or missing database fit', async () => {
    await expect(verifyTables(await database([]))).resolves.toBeUndefined();
    await expect(verifyTables(join(await temporaryFolder(), 'nothing'))).resolves.toBeUndefined();
  });

  it('are those that it needs, with their sizes, after many were made and went', async () => {
    const grown = await temporaryFolder();
    for (let round = 0; round < 5; round++) {
      const db = new Level<string, string>(grown, { writeBufferSize: 64 * 1024 });
      await db.open();
      for (const [key, value] of someEntries()) await db.put(`${key} ${round % 2}`, value);
      if (round === 3) await (db as unknown as Compactable).compactRange('', '~');
      await db.close();
    }
    const live = await liveTables(grown);
    for (const { file, size } of live) expect((await stat(join(grown, file))).size).toBe(size);
    // A database that closes amid a compaction leaves tables behind that are none of it: all is there without them.
    const names = new Set(live.map(({ file }) => file));
    for (const file of await readdir(grown)) if (file.endsWith('.ldb') && !names.has(file)) await rm(join(grown, file));
    const db = new Level<string, string>(grown);
    await db.open();
    const wanted = new Map(
      [...someEntries()].flatMap(([key, value]) => [[`${key} 0`, value] as const, [`${key} 1`, value] as const]),
    );
    expect(new Map(await db.iterator().all())).toEqual(
      new Map([...wanted].sort(([one], [other]) => (one < other ? -1 : 1))),
    );
    await db.close();
  });

  it('are found damaged wherever a byte is another one', async () => {
    const folder = await database(someEntries());
    const file = await tableOf(folder);
    const sound = await readFile(file);
    // The end names blocks and is padded; what nobody reads of it may be anything.
    await fc.assert(
      fc.asyncProperty(fc.nat(sound.length - 41), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const bytes = Buffer.from(sound);
        bytes[at] = (bytes[at] ?? 0) ^ change;
        await writeFile(file, bytes);
        await expect(verifyTables(folder)).rejects.toMatchObject({
          code: 'STORE_CORRUPT',
          message: expect.stringContaining(`${file} is damaged`) as string,
        });
      }),
      { numRuns: 300 },
    );
    await writeFile(file, sound);
    await expect(verifyTables(folder)).resolves.toBeUndefined();
  });

  it('are found damaged where they are cut', async () => {
    const folder = await database(someEntries());
    const file = await tableOf(folder);
    for (const size of [(await stat(file)).size - 1, 1000, 47, 0]) {
      await truncate(file, size);
      await expect(verifyTables(folder)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    }
    // That one is missing is for LevelDB to say, which names it.
    await rm(file);
    await expect(verifyTables(folder)).resolves.toBeUndefined();
  });

  it('that a crash left half written are none of them', async () => {
    const folder = await database(someEntries());
    await writeFile(join(folder, '999999.ldb'), 'half of a table');
    await expect(verifyTables(folder)).resolves.toBeUndefined();
  });

  it('cannot be told from a manifest that is damaged', async () => {
    const folder = await database(someEntries());
    const manifest = join(folder, (await readdir(folder)).find((name) => name.startsWith('MANIFEST')) ?? '');
    const bytes = await readFile(manifest);
    bytes[10] = (bytes[10] ?? 0) ^ 1;
    await writeFile(manifest, bytes);
    await expect(verifyTables(folder)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });
});
