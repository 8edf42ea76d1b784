/** `manifest.json`, the last entry of every archive (D13): what is in it, what is not and why. */
import type { PlannedBlob, Skipped } from '../workflows/contract/plan.js';

/** A file on its way into an archive. */
export interface PackableFile {
  /** Path in the archive. */
  readonly name: string;
  readonly blob: PlannedBlob;
  /** ISO 8601, UTC. */
  readonly modified: string;
  readonly asset: string;
  readonly rendition: string;
  /** Steps that replaced its bytes, in order. */
  readonly replacedBy: readonly string[];
}

export interface ManifestFacts {
  readonly tenant: string;
  readonly skipped: readonly Skipped[];
  readonly failed: readonly Skipped[];
  readonly part?: { readonly number: number; readonly of: number };
}

function manifestFile({ name, asset, rendition, blob, replacedBy }: PackableFile) {
  return {
    name,
    asset,
    rendition,
    size: blob.size,
    sha256: blob.sha256,
    ...(replacedBy.length > 0 && { replacedBy }),
  };
}

/** The manifest's text. Holds nothing of the run (ids, clock), so the same files always give the same bytes. */
export function renderManifest(
  files: readonly PackableFile[],
  { tenant, skipped, failed, part }: ManifestFacts,
): string {
  const manifest = { format: 1, tenant, ...(part && { part }), files: files.map(manifestFile), skipped, failed };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

/** Most bytes that one file adds to a manifest. */
export function manifestBytesOf(file: PackableFile): number {
  const text = JSON.stringify(manifestFile(file), undefined, 2);
  const lines = text.split('\n').length;
  // Two levels of indentation, and a comma and line break.
  return Buffer.byteLength(text) + 4 * lines + 2;
}

/** Most bytes of a manifest without files, whatever its part's number. */
export function manifestOverhead(facts: ManifestFacts): number {
  const widest = { number: 1_000_000, of: 1_000_000 };
  // An empty list is written without the line break and indentation that a filled one has.
  return Buffer.byteLength(renderManifest([], { ...facts, part: widest })) + 4;
}
