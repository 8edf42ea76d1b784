import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createRenderer } from '../../dam/rendering/create-renderer.js';
import type { RendererOptions } from '../../dam/rendering/create-renderer.js';
import type { Renderer } from '../../dam/renderer.js';
import { staticRenditions } from '../../dam/rendition-names.js';
import { estimateRenditionBytes } from '../../dam/size-estimate.js';
import type { ImageFormat, RenditionSpec } from '../../workflows/contract/plan.js';
import { compileChild, renderChildFile } from './support/render-child.js';
import { sample } from './support/samples.js';
import { tempFolder } from './support/temp-folder.js';

let shared: Renderer;
beforeAll(async () => {
  shared = createRenderer({ childFile: await renderChildFile(), concurrency: 1 });
});
afterAll(() => shared.close());

/** One of this test's own. */
async function useRenderer(options: Partial<RendererOptions> = {}): Promise<Renderer> {
  const renderer = createRenderer({ childFile: await renderChildFile(), concurrency: 1, ...options });
  onTestFinished(() => renderer.close());
  return renderer;
}

async function useCrashingRenderer(options: Partial<RendererOptions> = {}): Promise<Renderer> {
  const source = fileURLToPath(new URL('support/crashing-child.ts', import.meta.url));
  return useRenderer({ childFile: await compileChild(source, 'crashing-child'), ...options });
}

/** A picture with an edge and a gradient, of the given size. */
async function picture(folder: string, width: number, height: number, name = 'picture.png'): Promise<string> {
  const pixels = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      pixels.set([(255 * x) / width, (255 * y) / height, x > width / 2 ? 200 : 20], (y * width + x) * 3);
    }
  }
  const file = join(folder, name);
  await sharp(pixels, { raw: { width, height, channels: 3 } }).toFile(file);
  return file;
}

const spec = (width: number, height: number, format: ImageFormat = 'png', quality = 82): RenditionSpec => ({
  width,
  height,
  format,
  quality,
});
const formats: ImageFormat[] = ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'];

describe('the renderer', () => {
  it.each(formats)('fits %s inside the box, keeps proportions, and gives the same bytes each time', async (format) => {
    const folder = await tempFolder();
    const source = await picture(folder, 400, 300);
    const renderer = await useRenderer();
    const order = { spec: spec(100, 100, format), target: join(folder, 'a') };
    const [image] = await renderer.render(source, [order]);
    expect(image).toMatchObject({ target: order.target, width: 100, height: 75 });
    const bytes = await readFile(order.target);
    expect(bytes.length).toBe(image?.bytes);
    const { format: written, space, exif, icc } = await sharp(bytes).metadata();
    expect([written, space, exif, icc]).toEqual([format === 'avif' ? 'heif' : format, 'srgb', undefined, undefined]);
    await renderer.close();
    const again = await useRenderer();
    // Among others, and in another process: the bytes follow from source and specification alone.
    const others = [
      { spec: spec(50, 50), target: join(folder, 'b') },
      { ...order, target: join(folder, 'c') },
    ];
    await again.render(source, others);
    expect((await readFile(join(folder, 'c'))).equals(bytes)).toBe(true);
  });

  it('never enlarges', async () => {
    const folder = await tempFolder();
    const source = await picture(folder, 40, 30);
    const [image] = await shared.render(source, [{ spec: spec(2048, 2048, 'jpeg'), target: join(folder, 'a') }]);
    expect(image).toMatchObject({ width: 40, height: 30 });
  });

  it('makes the whole static set', async () => {
    const folder = await tempFolder();
    const source = await picture(folder, 3000, 1500);
    const orders = staticRenditions.map(({ name, spec: wanted }) => ({ spec: wanted, target: join(folder, name) }));
    const images = await shared.render(source, orders);
    expect(images.map(({ width, height }) => [width, height])).toEqual([
      [48, 24],
      [140, 70],
      [319, 160],
      [1280, 640],
      [2048, 1024],
    ]);
  });

  it('gives a transparent picture a white ground where the format has no transparency', async () => {
    const folder = await tempFolder();
    const source = join(folder, 'clear.png');
    await sharp({ create: { width: 8, height: 8, channels: 4, background: '#00000000' } }).toFile(source);
    await shared.render(source, [{ spec: spec(8, 8, 'jpeg', 100), target: join(folder, 'a') }]);
    expect([...(await sharp(join(folder, 'a')).raw().toBuffer()).subarray(0, 3)]).toEqual([255, 255, 255]);
  });

  it('refuses more pixels than it may decode, by their number, without decoding them (R8)', async () => {
    const folder = await tempFolder();
    const source = await picture(folder, 101, 100);
    const renderer = await useRenderer({ maxPixels: 10_000 });
    const refused = renderer.render(source, [{ spec: spec(8, 8), target: join(folder, 'a') }]);
    await expect(refused).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: expect.stringContaining('101 x 100') as string,
    });
    const fitting = await picture(folder, 100, 100, 'fitting.png');
    await expect(renderer.inspect(fitting)).resolves.toEqual({ width: 100, height: 100, format: 'png' });
  });

  it.each([
    ['a text', Buffer.from('not an image')],
    ['an empty file', Buffer.alloc(0)],
    [
      'an SVG',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'),
    ],
    ['a PDF', Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>')],
  ])('refuses %s, and goes on with the next image', async (_, bytes) => {
    const folder = await tempFolder();
    const source = join(folder, 'source');
    await writeFile(source, bytes);
    const refused = shared.render(source, [{ spec: spec(8, 8), target: join(folder, 'a') }]);
    await expect(refused).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    await expect(shared.inspect(await picture(folder, 9, 9))).resolves.toMatchObject({ width: 9 });
  });

  it('refuses a picture that is cut off', async () => {
    const folder = await tempFolder();
    for (const name of ['whole.jpg', 'whole.png']) {
      const whole = await readFile(await picture(folder, 300, 300, name));
      const source = join(folder, `cut-${name}`);
      await writeFile(source, whole.subarray(0, whole.length / 2));
      const refused = shared.render(source, [{ spec: spec(100, 100), target: join(folder, 'a') }]);
      await expect(refused).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    }
  });

  it('stays below its estimate even for noise, with transparency and without', async () => {
    const folder = await tempFolder();
    const size = 256;
    // A fixed generator: the same noise in each run.
    let state = 1;
    const noise = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
    const fine = Buffer.from(Array.from({ length: size * size * 4 }, noise));
    const binary = Buffer.from(fine.map((value) => (value < 128 ? 0 : 255)));
    for (const [name, pixels] of [
      ['fine', fine],
      ['binary', binary],
    ] as const) {
      const source = join(folder, `${name}.png`);
      await sharp(pixels, { raw: { width: size, height: size, channels: 4 } }).toFile(source);
      for (const quality of [60, 82, 85, 90, 95, 100]) {
        const orders = formats.map((format) => ({
          spec: spec(size, size, format, quality),
          target: join(folder, format),
        }));
        for (const [index, image] of (await shared.render(source, orders)).entries()) {
          const wanted = orders[index]?.spec ?? spec(0, 0);
          expect(image.bytes, `${name} ${wanted.format} ${quality}`).toBeLessThan(
            estimateRenditionBytes(wanted, undefined),
          );
        }
      }
    }
  });

  it('ends the child when the work is cancelled, and works on with another', async () => {
    const renderer = await useCrashingRenderer();
    const cancel = new AbortController();
    const hanging = renderer.inspect('hang', cancel.signal);
    const next = renderer.inspect('fine');
    cancel.abort();
    await expect(hanging).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(next).resolves.toMatchObject({ height: 1 });
  });

  it.each([
    ['crash', 'IMAGE_UNREADABLE', 'SIGSEGV'],
    ['grow', 'IMAGE_TOO_LARGE', 'memory'],
    ['hang', 'IMAGE_TOO_LARGE', 'within 0.2 seconds'],
  ])('survives a child that does %s: only that job fails', async (source, code, text) => {
    const renderer = await useCrashingRenderer({ timeoutMs: 200 });
    const before = await renderer.inspect('fine');
    const results = await Promise.allSettled([renderer.inspect(source), renderer.inspect('fine')]);
    expect(results[0]).toMatchObject({
      status: 'rejected',
      reason: { code, message: expect.stringContaining(text) as string },
    });
    expect(results[1]).toMatchObject({ status: 'fulfilled' });
    const after = await renderer.inspect('fine');
    // The stand-in answers its process id: the broken one was replaced, the new one kept.
    expect(after.width).not.toBe(before.width);
    expect((await renderer.inspect('fine')).width).toBe(after.width);
  });

  it('goes by limits that changed from the next image on: a child with other bounds is replaced', async () => {
    const limits = { maxPixels: 1000, concurrency: 1 };
    const renderer = await useCrashingRenderer({ limits: () => limits });
    const processes = async () => {
      const pair = await Promise.all([renderer.inspect('fine'), renderer.inspect('fine')]);
      return pair.map(({ width }) => width);
    };
    const [first, second] = await processes();
    expect(second).toBe(first);
    limits.maxPixels = 2000;
    const [third] = await processes();
    expect(third).not.toBe(first);
    limits.concurrency = 2;
    expect(new Set(await processes()).size).toBe(2);
  });

  it('says so when the child does not start', async () => {
    const renderer = await useRenderer({ childFile: '/nowhere/render-child.js' });
    await expect(renderer.inspect('x')).rejects.toMatchObject({
      code: 'STEP_FAILED',
      message: expect.stringContaining('/nowhere') as string,
    });
  });

  it('keeps its own memory bound', async () => {
    const folder = await tempFolder();
    const renderer = await useRenderer({ memoryBytes: 20 * 2 ** 20 });
    const source = await picture(folder, 2000, 2000);
    const refused = renderer.render(source, [{ spec: spec(1999, 1999, 'avif'), target: join(folder, 'a') }]);
    await expect(refused).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: expect.stringContaining('memory') as string,
    });
  });

  it('names what decides the bytes', async () => {
    expect((await useRenderer()).version).toMatch(/^sharp \d+\.\d+\.\d+, libvips \d+\.\d+\.\d+$/);
  });
});

describe.skipIf(!sample('images/Landscape_1.jpg'))('the renderer on pictures from the world', () => {
  const image = (name: string) => sample(`images/${name}`) ?? '';

  it.each([
    ['Landscape_3.jpg', 600, 450],
    ['Landscape_6.jpg', 600, 450],
    ['Landscape_8.jpg', 600, 450],
    ['Portrait_5.jpg', 450, 600],
    ['Portrait_6.jpg', 450, 600],
  ])('turns %s upright', async (name, width, height) => {
    const inspected = await shared.inspect(image(name));
    expect([inspected.width, inspected.height]).toEqual([width, height]);
    const target = join(await tempFolder(), 'a');
    const [turned] = await shared.render(image(name), [{ spec: spec(60, 60, 'jpeg'), target }]);
    expect([turned?.width, turned?.height]).toEqual(width > height ? [60, 45] : [45, 60]);
  });

  it.each([
    '16-bit-grey-alpha.png',
    '4.webp',
    'Channel_digital_image_CMYK_color.jpg',
    'Channel_digital_image_CMYK_color_no_profile.jpg',
    'G31D_MULTI.TIF',
    'alpha-layer-1-fill.png',
    'blackbug.png',
    'cielab-dagams.tiff',
    'flowers.jpeg',
    'gain-map.jpg',
    'gamma_dalai_lama_gray.jpg',
    'pitm.avif',
    'rotating-squares.gif',
    'uncompressed_tiff.tiff',
  ])('makes an sRGB picture of %s in every format', async (name) => {
    const folder = await tempFolder();
    const orders = formats.map((format) => ({ spec: spec(64, 64, format), target: join(folder, format) }));
    await shared.render(image(name), orders);
    for (const format of formats) {
      const { space, depth, width, height } = await sharp(join(folder, format)).metadata();
      expect([format, space, depth]).toEqual([format, 'srgb', 'uchar']);
      expect(Math.max(width, height)).toBe(64);
    }
  });

  it.each([
    ['truncated.jpg', 'IMAGE_UNREADABLE'],
    ['corrupt-header.jpg', 'IMAGE_UNREADABLE'],
    ['struct-image-04-t.svg', 'IMAGE_UNREADABLE'],
    ['65536-uint32-limit.png', 'IMAGE_TOO_LARGE'],
  ])('refuses %s with %s', async (name, code) => {
    const target = join(await tempFolder(), 'a');
    await expect(shared.render(image(name), [{ spec: spec(64, 64), target }])).rejects.toMatchObject({ code });
  });

  it('renders an image the same way next to others as alone', async () => {
    const folder = await tempFolder();
    const renderer = await useRenderer({ concurrency: 2 });
    const hash = async (file: string) =>
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex');
    const order = (target: string) => ({ spec: spec(320, 240, 'webp'), target: join(folder, target) });
    await renderer.render(image('Landscape_1.jpg'), [order('alone')]);
    await Promise.all([
      renderer.render(image('Landscape_1.jpg'), [order('one')]),
      renderer.render(image('flowers.jpeg'), [order('other')]),
    ]);
    expect(await hash(join(folder, 'one'))).toBe(await hash(join(folder, 'alone')));
  });
});
