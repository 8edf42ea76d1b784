/** Makes image renditions; implemented in rendering/ by killable child processes, since images are untrusted. */
import type { RenditionSpec } from '../workflows/contract/plan.js';

export interface RenderOrder {
  readonly spec: RenditionSpec;
  /** File the rendition is written to. */
  readonly target: string;
}

export interface RenderedImage {
  readonly target: string;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
}

export interface OverlayOrder {
  /** SVG document, drawn as wide as the picture and in its middle. Comes from a step, not from content: it is trusted. */
  readonly svg: string;
  /** File the picture with the drawing is written to: same size, same format. */
  readonly target: string;
}

export interface Renderer {
  /** Names and versions of what decides the bytes, e.g. `sharp 0.35.5, libvips 8.18.0`. */
  readonly version: string;
  /**
   * Makes all renditions of one source. The bytes of each depend on the source and its specification alone, not on what
   * else is made with it.
   * @throws SatchelError IMAGE_UNREADABLE, IMAGE_TOO_LARGE (pixels, memory or time bound), CANCELLED
   */
  render(sourceFile: string, orders: readonly RenderOrder[], signal?: AbortSignal): Promise<RenderedImage[]>;
  /**
   * Draws over a picture, for instance a watermark.
   * @throws SatchelError as `render`
   */
  overlay(sourceFile: string, order: OverlayOrder, signal?: AbortSignal): Promise<RenderedImage>;
  /** Width, height and format without decoding the pixels. @throws IMAGE_UNREADABLE */
  inspect(sourceFile: string, signal?: AbortSignal): Promise<{ width: number; height: number; format: string }>;
  close(): Promise<void>;
}
