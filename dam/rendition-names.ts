/** Names of renditions and patterns over them: the grammar of AEM, `cq5dam.<purpose>.<width>.<height>.<extension>`. */
import picomatch from 'picomatch';
import type { RenditionSpec } from '../workflows/contract/plan.js';

export const originalName = 'original';

export interface StaticRendition {
  readonly name: string;
  readonly spec: RenditionSpec;
}

const rendition = (
  purpose: 'thumbnail' | 'web' | 'zoom',
  width: number,
  height: number,
  format: 'png' | 'jpeg',
): StaticRendition => ({
  name: `cq5dam.${purpose}.${width}.${height}.${format}`,
  spec: { width, height, format, quality: 90 },
});

/** What every image has, made when it is new or first asked for. */
export const staticRenditions: readonly StaticRendition[] = [
  rendition('thumbnail', 48, 48, 'png'),
  rendition('thumbnail', 140, 100, 'png'),
  rendition('thumbnail', 319, 319, 'png'),
  rendition('web', 1280, 1280, 'jpeg'),
  rendition('zoom', 2048, 2048, 'jpeg'),
];

/** `800x600.webp` */
export function dynamicRenditionName({ width, height, format }: RenditionSpec): string {
  return `${width}x${height}.${format}`;
}

/**
 * A matcher for one pattern (`cq5dam.web.*`, `*.jpeg`, `{a,b}*`). Renditions named `cqdam.*` hold extracted metadata and
 * text, not pictures: only a pattern that itself starts with `cqdam.` means them (D10). The original is no rendition here.
 */
export function renditionMatcher(pattern: string): (name: string) => boolean {
  const matches = nameMatcher(pattern);
  const wantsMetadata = pattern.startsWith('cqdam.');
  return (name) => name !== originalName && (wantsMetadata || !name.startsWith('cqdam.')) && matches(name);
}

/** A matcher over names of whatever kind. */
export function nameMatcher(pattern: string): (name: string) => boolean {
  return picomatch(pattern, { dot: true, nonegate: true });
}
