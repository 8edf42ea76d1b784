/** How large a rendition can become before it is made. */
import type { ImageFormat, RenditionSpec } from '../workflows/contract/plan.js';

/**
 * Most bytes a pixel takes up to each quality: measured on white and on binary noise, with alpha where the format has it,
 * which is the worst these encoders meet, and rounded up. Photographs take a third of it.
 */
const bytesPerPixel: Readonly<Record<ImageFormat, readonly { readonly quality: number; readonly bytes: number }[]>> = {
  jpeg: [
    { quality: 85, bytes: 0.9 },
    { quality: 95, bytes: 1.2 },
    { quality: 100, bytes: 1.7 },
  ],
  avif: [
    { quality: 85, bytes: 2.5 },
    { quality: 95, bytes: 3.5 },
    { quality: 100, bytes: 5.5 },
  ],
  webp: [{ quality: 100, bytes: 2.3 }],
  png: [{ quality: 100, bytes: 4.1 }],
  tiff: [{ quality: 100, bytes: 4.1 }],
  gif: [{ quality: 100, bytes: 1.4 }],
};
const headerBytes = 4096;

/**
 * Upper estimate in bytes of an image of this specification; it fits inside `width` x `height` and is never enlarged.
 * @param sourcePixels pixels of the source, where known
 */
export function estimateRenditionBytes(spec: RenditionSpec, sourcePixels: number | undefined): number {
  const pixels = Math.min(spec.width * spec.height, sourcePixels ?? Infinity);
  const { bytes } = bytesPerPixel[spec.format].find(({ quality }) => spec.quality <= quality) ?? { bytes: 6 };
  return headerBytes + Math.ceil(pixels * bytes);
}
