import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { draftArchives } from '../../dam/pack-archives.js';
import type { PackableFile } from '../../dam/manifest.js';
import { layoutZip } from '../../dam/zip/layout.js';

const file = (name: string, size: number, replacedBy: string[] = []): PackableFile => ({
  name,
  blob: { sha256: 'ab'.repeat(32), size, crc32: 1 },
  modified: '2024-01-01T00:00:00.000Z',
  asset: `/content/dam/${name}`,
  rendition: 'original',
  replacedBy,
});
const options = {
  tenant: 'aurora',
  skipped: [],
  failed: [],
  method: 'store',
  partBytes: 2 ** 40,
  archiveName: 'x',
} as const;

describe('draftArchives', () => {
  it('ends every archive with a manifest that tells its files, what is missing and why (D13)', () => {
    const skipped = [{ path: '/content/dam/set', code: 'NOT_DOWNLOADABLE' as const, reason: 'An image set.' }];
    const failed = [
      { path: '/content/dam/bad.jpg', rendition: '8x8.png', code: 'IMAGE_UNREADABLE' as const, reason: 'cut' },
    ];
    const [draft] = draftArchives([file('a.jpg', 7, ['acme/watermark'])], { ...options, skipped, failed });
    expect(draft?.file).toBe('x.zip');
    expect(draft?.entries.map(({ name }) => name)).toEqual(['a.jpg', 'manifest.json']);
    expect(JSON.parse(draft?.manifest ?? '')).toEqual({
      format: 1,
      tenant: 'aurora',
      files: [
        {
          name: 'a.jpg',
          asset: '/content/dam/a.jpg',
          rendition: 'original',
          size: 7,
          sha256: 'ab'.repeat(32),
          replacedBy: ['acme/watermark'],
        },
      ],
      skipped,
      failed,
    });
  });

  it('splits so that no part overshoots, loses nothing and keeps the order (D6)', () => {
    const files = fc
      .array(fc.record({ size: fc.nat(20_000), length: fc.integer({ min: 1, max: 200 }) }), {
        minLength: 1,
        maxLength: 60,
      })
      .map((list) =>
        list.map(({ size, length }, index) => file(`${String(index).padStart(4, '0')}${'n'.repeat(length)}`, size)),
      );
    fc.assert(
      fc.property(files, fc.integer({ min: 22_000, max: 100_000 }), (list, partBytes) => {
        const drafts = draftArchives(list, { ...options, partBytes });
        for (const { size, entries } of drafts) {
          expect(size).toBeLessThanOrEqual(partBytes);
          expect(layoutZip(entries).size).toBe(size);
        }
        expect(drafts.flatMap(({ entries }) => entries.slice(0, -1).map(({ name }) => name))).toEqual(
          list.map(({ name }) => name),
        );
        const names = drafts.map((draft) => draft.file);
        expect(names).toEqual(
          drafts.length === 1 ? ['x.zip'] : drafts.map((_, index) => `x-part-${index + 1}-of-${drafts.length}.zip`),
        );
      }),
    );
  });

  it('fills parts: a part and the first file of the next one would not have fitted together', () => {
    const list = Array.from({ length: 20 }, (_, index) => file(`f${index}`, 10_000));
    const drafts = draftArchives(list, { ...options, partBytes: 50_000 });
    for (const { size } of drafts.slice(0, -1)) expect(size + 10_000 + 600).toBeGreaterThan(50_000);
  });

  it('refuses a file that no part can hold, with the numbers', () => {
    expect(() => draftArchives([file('small', 1), file('big.tif', 3000)], { ...options, partBytes: 3000 })).toThrow(
      /"big.tif" \(\/content\/dam\/big.tif\) has 3000 bytes \(2\.9 KiB\); an archive holds at most 3000 bytes/,
    );
  });
});
