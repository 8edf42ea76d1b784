import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Asset } from '../../dam/asset.js';
import type { DownloadLimits } from '../../dam/limits.js';
import { strictestLimits } from '../../dam/limits.js';
import { archiveName, planDownload } from '../../dam/plan-download.js';
import { estimateRenditionBytes } from '../../dam/size-estimate.js';
import { staticRenditions } from '../../dam/rendition-names.js';
import { parseDownloadRequest } from '../../workflows/contract/download-request.js';
import type { DownloadRequestInput } from '../../workflows/contract/download-request.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import type { AppliedLimit } from '../../workflows/contract/plan.js';

const blob = (size: number) => ({ sha256: 'cd'.repeat(32), size, crc32: 7 });
const rendition = (name: string) => ({ name, mimeType: 'image/jpeg', blob: blob(10) });

function asset(
  name: string,
  options: Partial<Asset> & { readonly size?: number; readonly has?: string[] } = {},
): Asset {
  const { size = 1000, has = [], ...rest } = options;
  const mimeType = rest.mimeType ?? 'image/jpeg';
  return {
    path: `/content/dam/a/${name}`,
    name,
    title: name,
    mimeType,
    modified: '2024-05-06T07:08:09.000Z',
    original: { name: 'original', mimeType, blob: blob(size) },
    renditions: has.map(rendition),
    pixels: undefined,
    notDownloadable: undefined,
    ...rest,
  };
}

const limit = (value: number, layer = '/libs'): AppliedLimit => ({ value, tenant: 'aurora', layer });
const limits: DownloadLimits = { assets: limit(500), bytes: limit(2 ** 30), partBytes: limit(100 * 2 ** 30) };

function plan(assets: Asset[], request: Partial<DownloadRequestInput> = {}, custom: Partial<DownloadLimits> = {}) {
  return planDownload({
    request: parseDownloadRequest({ paths: ['/content/dam/a'], ...request }),
    assets,
    tenant: 'aurora',
    tenants: ['aurora'],
    limits: { ...limits, ...custom },
    renderer: 'sharp 0, libvips 0',
  });
}

function refusal(work: () => unknown): SatchelError {
  try {
    work();
  } catch (error) {
    if (error instanceof SatchelError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

const allStatic = staticRenditions.map(({ name }) => name);

describe('planDownload', () => {
  it('takes existing renditions and makes those of the static set that are missing (D2)', () => {
    const { entries, skipped, totals } = plan([asset('x.jpg', { has: ['cq5dam.web.1280.1280.jpeg', 'custom.png'] })], {
      originals: false,
      renditions: ['cq5dam.*', '*.png'],
    });
    expect(entries.map(({ rendition, content }) => [rendition, content.kind])).toEqual([
      ['cq5dam.thumbnail.140.100.png', 'render'],
      ['cq5dam.thumbnail.319.319.png', 'render'],
      ['cq5dam.thumbnail.48.48.png', 'render'],
      ['cq5dam.web.1280.1280.jpeg', 'blob'],
      ['cq5dam.zoom.2048.2048.jpeg', 'render'],
      ['custom.png', 'blob'],
    ]);
    expect(skipped).toEqual([]);
    expect(totals).toMatchObject({ assets: 1, files: 6, toRender: 4, estimated: true });
  });

  it('never counts metadata renditions among all renditions, unless they are named (D10)', () => {
    const has = [...allStatic, 'cqdam.metadata.xml', 'cqdam.text.txt'];
    const names = (pattern: string) =>
      plan([asset('x.jpg', { has })], { originals: false, renditions: [pattern] }).entries.map(
        ({ rendition }) => rendition,
      );
    expect(names('*')).toEqual([...allStatic].sort());
    expect(names('cqdam.*')).toEqual(['cqdam.metadata.xml', 'cqdam.text.txt']);
    expect(refusal(() => names('*.xml')).code).toBe('NOTHING_SELECTED');
  });

  it('refuses a pattern that no asset has, and says what there is', () => {
    const error = refusal(() =>
      plan([asset('x.jpg'), asset('y.pdf', { mimeType: 'application/pdf' })], { renditions: ['web*'] }),
    );
    expect(error.code).toBe('NOTHING_SELECTED');
    expect(error.message).toContain('"web*"');
    expect(error.message).toContain('cq5dam.web.1280.1280.jpeg');
  });

  it('lists the assets that lack what others have', () => {
    const { entries, skipped } = plan([asset('x.jpg', { has: ['print.jpeg'] }), asset('y.jpg')], {
      originals: false,
      renditions: ['print.*'],
    });
    expect(entries.map(({ asset: path }) => path)).toEqual(['/content/dam/a/x.jpg']);
    expect(skipped).toMatchObject([{ path: '/content/dam/a/y.jpg', rendition: 'print.*', code: 'NO_SUCH_RENDITION' }]);
  });

  it('makes no picture of what is none', () => {
    const pdf = asset('y.pdf', { mimeType: 'application/pdf' });
    const { skipped } = plan([pdf, asset('z.svg', { mimeType: 'image/svg+xml' }), asset('x.jpg')], {
      renditions: ['cq5dam.web.*'],
      dynamic: [{ width: 8, height: 8, format: 'webp' }],
    });
    expect(skipped.map(({ path, rendition, code }) => [path.slice(-5), rendition, code])).toEqual([
      ['y.pdf', 'cq5dam.web.*', 'NOT_AN_IMAGE'],
      ['y.pdf', '8x8.webp', 'NOT_AN_IMAGE'],
      ['z.svg', 'cq5dam.web.*', 'NOT_AN_IMAGE'],
      ['z.svg', '8x8.webp', 'NOT_AN_IMAGE'],
    ]);
  });

  it('leaves sets out with their reason, and refuses a selection of only such (D7)', () => {
    const set = asset('spin', { notDownloadable: 'A spin set refers to other assets.', original: undefined });
    expect(plan([set, asset('x.jpg')]).skipped).toEqual([
      { path: '/content/dam/a/spin', code: 'NOT_DOWNLOADABLE', reason: 'A spin set refers to other assets.' },
    ]);
    const error = refusal(() => plan([set]));
    expect(error.code).toBe('NOTHING_SELECTED');
    expect(error.message).toContain('A spin set');
    expect(refusal(() => plan([])).message).toBe('There is no asset in "/content/dam/a".');
  });

  it('allows the limit of assets itself and no more, sets not counted (D5)', () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => asset(`${index}.jpg`));
    const set = asset('set', { notDownloadable: 'A set.' });
    expect(plan([...many(500), set]).totals.assets).toBe(500);
    const error = refusal(() => plan(many(501)));
    expect(error.code).toBe('LIMIT_EXCEEDED');
    expect(error.message).toMatch(/^501 assets; at most 500 in one download \(limit of tenant "aurora" from \/libs\)/);
  });

  it('allows the limit of bytes itself, headers and manifest counted, and not one byte more (D5)', () => {
    const { bytes } = plan([asset('x.jpg'), asset('y.jpg')]).totals;
    expect(plan([asset('x.jpg'), asset('y.jpg')], {}, { bytes: limit(bytes) }).totals).toMatchObject({
      bytes,
      estimated: false,
    });
    const error = refusal(() => plan([asset('x.jpg'), asset('y.jpg', { size: 1001 })], {}, { bytes: limit(bytes) }));
    expect(error.code).toBe('LIMIT_EXCEEDED');
    expect(error.message).toContain(`${bytes + 1} bytes`);
    expect(error.message).toContain(`at most ${bytes} bytes`);
  });

  it('is the same plan whatever order the assets come in', () => {
    const assets = ['b/x.jpg', 'a/x.jpg', 'a/X.jpg', 'c.pdf', 'd.jpg'].map((name) => asset(name));
    const reference = plan(assets, { renditions: ['cq5dam.web.*'] });
    fc.assert(
      fc.property(fc.shuffledSubarray(assets, { minLength: assets.length }), (shuffled) => {
        expect(plan(shuffled, { renditions: ['cq5dam.web.*'] })).toEqual(reference);
      }),
    );
    expect(reference.entries.map(({ index }) => index)).toEqual([...reference.entries.keys()]);
  });

  it('estimates by the pixels of the source where they are fewer than those asked for', () => {
    const estimateOf = (pixels: number | undefined) => {
      const { entries } = plan([asset('x.jpg', { pixels })], {
        originals: false,
        dynamic: [{ width: 100, height: 100 }],
      });
      return entries[0]?.content.kind === 'render' ? entries[0].content.estimate : undefined;
    };
    const spec = { width: 100, height: 100, format: 'jpeg', quality: 82 } as const;
    expect(estimateOf(undefined)).toBe(estimateRenditionBytes(spec, 10_000));
    expect(estimateOf(400)).toBe(estimateRenditionBytes(spec, 400));
    expect(estimateRenditionBytes(spec, 400)).toBeLessThan(estimateRenditionBytes(spec, 10_000));
  });

  it('makes one file of a size that is asked for twice', () => {
    const size = { width: 8, height: 8, format: 'png' } as const;
    const { entries } = plan([asset('x.jpg')], { originals: false, dynamic: [size, size, { ...size, quality: 50 }] });
    expect(entries.map(({ name }) => name)).toEqual(['x.8x8.png', 'x.8x8 (2).png']);
  });
});

describe('strictestLimits', () => {
  it('takes the lowest of each, with its origin', () => {
    const other: DownloadLimits = { ...limits, assets: limit(10, '/conf/aurora'), bytes: limit(2 ** 40) };
    expect(strictestLimits(limits, other)).toEqual({ ...limits, assets: limit(10, '/conf/aurora') });
  });
});

describe('archiveName', () => {
  it.each([
    [{ paths: ['/content/dam/a/lookbook'] }, 'lookbook'],
    [{ paths: ['/content/dam/a/x.jpg'] }, 'x'],
    [{ paths: ['/content/dam/a/x.jpg', '/content/dam/a/y.jpg'] }, 'a'],
    [{ paths: ['/content/dam/a', '/content/dam/a/b'] }, 'a'],
    [{ paths: ['/x', '/y'] }, 'download'],
    [{ paths: ['/x'], name: 'Mine' }, 'Mine'],
  ])('of %j is %s', (request, name) => {
    expect(archiveName(request)).toBe(name);
  });
});
