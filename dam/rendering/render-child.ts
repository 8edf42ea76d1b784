/**
 * Program of a render process: decodes untrusted images, one job at a time, and has nothing that a broken decoder could
 * reach: no repository, no secrets in its environment. The parent may kill it at any moment.
 */
import sharp from 'sharp';
import type { Sharp } from 'sharp';
import type { OverlayOrder, RenderOrder, RenderedImage } from '../renderer.js';
import type { ImageFormat, RenditionSpec } from '../../workflows/contract/plan.js';
import { outOfMemoryExit } from './protocol.js';
import type { InspectedImage, RenderBounds, RenderJob, RenderReply } from './protocol.js';

const bounds = JSON.parse(process.argv[2] ?? '{}') as RenderBounds;

sharp.cache(false);
sharp.concurrency(1);
// Everything libvips could load (SVG, PDF, ImageMagick …) is shut off but what `isRenderable` lists.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    'VipsForeignLoadJpegFile',
    'VipsForeignLoadPngFile',
    'VipsForeignLoadWebpFile',
    'VipsForeignLoadTiffFile',
    'VipsForeignLoadHeifFile',
    'VipsForeignLoadNsgifFile',
    // Drawings of steps come as text; an image that is SVG would be a file, and stays refused.
    'VipsForeignLoadSvgBuffer',
  ],
});

// Pixels are worked on in other threads, so this one is free to look at the memory meanwhile.
setInterval(() => {
  if (process.memoryUsage.rss() > bounds.memoryBytes) process.exit(outOfMemoryExit);
}, 20).unref();

function open(source: string): Sharp {
  return sharp(source, {
    // Truncated and damaged files fail; mere warnings (odd metadata of a camera) do not.
    failOn: 'error',
    limitInputPixels: bounds.maxPixels,
    sequentialRead: true,
  });
}

class Refusal extends Error {
  constructor(
    readonly code: 'IMAGE_UNREADABLE' | 'IMAGE_TOO_LARGE',
    message: string,
  ) {
    super(message);
  }
}

/** libvips tells its errors in text only. */
function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const text = error instanceof Error ? error.message : String(error);
  const line = text.split('\n', 1)[0]?.slice(0, 300) ?? '';
  return /pixel limit|too large|too big/iu.test(text)
    ? new Refusal('IMAGE_TOO_LARGE', `The image is too large: ${line}.`)
    : new Refusal('IMAGE_UNREADABLE', `The image cannot be read: ${line}.`);
}

async function inspect(source: string): Promise<InspectedImage> {
  // The bound is checked below with its numbers, so reading the header must not trip over it.
  const { width, height, format, autoOrient } = await sharp(source, { limitInputPixels: false }).metadata();
  if (width * height > bounds.maxPixels) {
    throw new Refusal(
      'IMAGE_TOO_LARGE',
      `The image has ${width} x ${height} pixels; at most ${bounds.maxPixels} in all are rendered.`,
    );
  }
  return { width: autoOrient.width, height: autoOrient.height, format };
}

/**
 * One pipeline per rendition, straight from the file: libvips decodes no more than the size needs, and the bytes depend
 * on source and specification alone, not on what else is made at the same time.
 */
async function render(source: string, { spec, target }: RenderOrder): Promise<RenderedImage> {
  const resized = open(source)
    .autoOrient()
    .resize({ width: spec.width, height: spec.height, fit: 'inside', withoutEnlargement: true })
    .toColourspace('srgb');
  const { width, height, size } = await encode(resized, spec).toFile(target);
  return { target, width, height, bytes: size };
}

/** The size and format stay; lossy formats are encoded anew, so at a quality that loses little. */
async function overlay(source: string, { svg, target }: OverlayOrder, picture: InspectedImage): Promise<RenderedImage> {
  const { width, height } = picture;
  const drawing = sharp(Buffer.from(svg)).resize({ width, height, fit: 'inside' }).ensureAlpha().raw();
  const { data, info } = await drawing.toBuffer({ resolveWithObject: true });
  const raw = { width: info.width, height: info.height, channels: info.channels };
  const composed = open(source)
    .autoOrient()
    .toColourspace('srgb')
    .composite([{ input: data, raw, gravity: 'centre' }]);
  const { size } = await encode(composed, { width, height, format: formatOf(picture), quality: 90 }).toFile(target);
  return { target, width, height, bytes: size };
}

function formatOf({ format }: InspectedImage): ImageFormat {
  if (format === 'heif') return 'avif';
  const known = (['jpeg', 'png', 'webp', 'gif', 'tiff'] as const).find((name) => name === format);
  if (known) return known;
  throw new Refusal('IMAGE_UNREADABLE', `Nothing can be drawn over an image of format ${format}.`);
}

/** Without metadata (sharp's default) and with fixed settings: the same image always gives the same bytes. */
function encode(image: Sharp, { format, quality }: RenditionSpec): Sharp {
  switch (format) {
    case 'jpeg':
      return image.flatten({ background: '#ffffff' }).jpeg({ quality });
    case 'png':
      return image.png({ compressionLevel: 6 });
    case 'webp':
      return image.webp({ quality, effort: 3 });
    case 'avif':
      return image.avif({ quality, effort: 2 });
    case 'gif':
      return image.gif({ effort: 5 });
    case 'tiff':
      return image.tiff({ compression: 'deflate' });
  }
}

async function work(job: RenderJob): Promise<InspectedImage | RenderedImage[]> {
  const inspected = await inspect(job.source);
  if (job.kind === 'inspect') return inspected;
  if (job.kind === 'overlay') return [await overlay(job.source, job.order, inspected)];
  const images: RenderedImage[] = [];
  for (const order of job.orders) images.push(await render(job.source, order));
  return images;
}

function reply(message: RenderReply): void {
  process.send?.(message);
}

process.on('message', (job: RenderJob) => {
  work(job).then(
    (result) => reply({ kind: 'done', result, rss: process.memoryUsage.rss() }),
    (error: unknown) => {
      const { code, message } = refusalOf(error);
      reply({ kind: 'refused', code, message });
    },
  );
});
// A child outlives no parent, however that one ended.
process.on('disconnect', () => process.exit(0));
reply({ kind: 'ready' });
