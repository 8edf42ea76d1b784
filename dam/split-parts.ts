/** Splits a large download into archives that never overshoot the size of a part (D6). Pure. */
import { emptyZip, extendZip, zipSize } from './zip/layout.js';
import type { ZipExtent } from './zip/layout.js';

export interface SplittableFile {
  readonly nameBytes: number;
  /** Most bytes of content in the archive. */
  readonly size: number;
  /** Most bytes it adds to the manifest. */
  readonly manifestBytes: number;
}

export interface SplitOptions {
  readonly partBytes: number;
  readonly manifestNameBytes: number;
  /** Most bytes of a manifest that names no file. */
  readonly manifestOverhead: number;
}

/**
 * Cuts the files into consecutive runs, each of which fits a part with all headers and its manifest.
 * @returns the number of files of each part, at least one part; or the index of a file too large for any part
 */
export function splitParts(files: readonly SplittableFile[], options: SplitOptions): number[] | { tooLarge: number } {
  const counts: number[] = [];
  let extent = emptyZip;
  let manifestBytes = options.manifestOverhead;
  let count = 0;
  const fits = (candidate: ZipExtent, manifest: number) =>
    zipSize(extendZip(candidate, options.manifestNameBytes, manifest)) <= options.partBytes;
  for (const [index, file] of files.entries()) {
    let next = extendZip(extent, file.nameBytes, file.size);
    if (!fits(next, manifestBytes + file.manifestBytes) && count > 0) {
      counts.push(count);
      count = 0;
      manifestBytes = options.manifestOverhead;
      next = extendZip(emptyZip, file.nameBytes, file.size);
    }
    manifestBytes += file.manifestBytes;
    if (!fits(next, manifestBytes)) return { tooLarge: index };
    extent = next;
    count += 1;
  }
  counts.push(count);
  return counts;
}
