/** What parent and child of the renderer say to each other, over the IPC channel of `fork`. */
import type { OverlayOrder, RenderOrder, RenderedImage } from '../renderer.js';

/** Bounds the child keeps itself; the parent keeps the time. */
export interface RenderBounds {
  readonly maxPixels: number;
  readonly memoryBytes: number;
}

export type RenderJob =
  | { readonly kind: 'inspect'; readonly source: string }
  | { readonly kind: 'render'; readonly source: string; readonly orders: readonly RenderOrder[] }
  | { readonly kind: 'overlay'; readonly source: string; readonly order: OverlayOrder };

export interface InspectedImage {
  readonly width: number;
  readonly height: number;
  readonly format: string;
}

export type RenderReply =
  | { readonly kind: 'ready' }
  /** `rss` in bytes, after the job. */
  | { readonly kind: 'done'; readonly result: InspectedImage | RenderedImage[]; readonly rss: number }
  | { readonly kind: 'refused'; readonly code: 'IMAGE_UNREADABLE' | 'IMAGE_TOO_LARGE'; readonly message: string };

/** Exit code of a child that grew beyond its memory bound. */
export const outOfMemoryExit = 77;
