import { createHash } from 'node:crypto';

/** A whole number from `least` to `most`, the same for the same seed and purpose. */
export function chance(seed: number, purpose: string, least: number, most: number): number {
  const fraction = createHash('sha256').update(`${seed}/${purpose}`).digest().readUInt32BE() / 2 ** 32;
  return least + Math.floor(fraction * (most - least + 1));
}
