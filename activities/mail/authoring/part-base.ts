/** What a customised part was made from. */
import { createHash } from 'node:crypto';

/** What lay below the tenant's layer when a part was customised. */
export interface PartBase {
  readonly text: string;
  /** SHA-256 of the text. */
  readonly sha256: string;
  readonly layer: string;
  readonly source: string;
}

export function baseOf(
  part: { readonly text: string; readonly layer: string; readonly source: string } | undefined,
): PartBase | null {
  if (!part) return null;
  const { text, layer, source } = part;
  return { text, sha256: createHash('sha256').update(text).digest('hex'), layer, source };
}
