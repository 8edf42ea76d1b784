/** From files to archives: parts, names and manifests, all decided before a byte is written. Pure. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { SatchelError } from '../workflows/contract/errors.js';
import type { PackedEntry, PlannedBlob } from '../workflows/contract/plan.js';
import { manifestName, safeSegment } from './entry-names.js';
import { formatBytes } from './limits.js';
import { manifestBytesOf, manifestOverhead, renderManifest } from './manifest.js';
import type { ManifestFacts, PackableFile } from './manifest.js';
import { splitParts } from './split-parts.js';
import { deflatedSizeBound } from './zip/deflate.js';
import { layoutZip } from './zip/layout.js';

export interface PackOptions extends Omit<ManifestFacts, 'part'> {
  readonly method: 'store' | 'deflate';
  readonly partBytes: number;
  /** Of the archive, without `.zip`. */
  readonly archiveName: string;
}

/** One archive before it exists. */
export interface ArchiveDraft {
  readonly file: string;
  /** The files, then the manifest. */
  readonly entries: readonly PackedEntry[];
  /** Text of the last entry. */
  readonly manifest: string;
  /** Bytes: exact for `store`, most for `deflate`. */
  readonly size: number;
}

/** @throws SatchelError LIMIT_EXCEEDED when one file is larger than a part */
export function draftArchives(files: readonly PackableFile[], options: PackOptions): ArchiveDraft[] {
  const { method, partBytes, archiveName } = options;
  const bound = (size: number) => (method === 'store' ? size : deflatedSizeBound(size));
  const counts = splitParts(
    files.map((file) => ({
      nameBytes: Buffer.byteLength(file.name),
      size: bound(file.blob.size),
      manifestBytes: bound(manifestBytesOf(file)),
    })),
    {
      partBytes,
      manifestNameBytes: Buffer.byteLength(manifestName),
      manifestOverhead: bound(manifestOverhead(options)),
    },
  );
  if ('tooLarge' in counts) throw tooLargeForPart(files[counts.tooLarge], partBytes);
  let start = 0;
  return counts.map((count, index) => {
    const members = files.slice(start, (start += count));
    const part = counts.length > 1 ? { number: index + 1, of: counts.length } : undefined;
    const manifest = renderManifest(members, { ...options, ...(part && { part }) });
    const entries = [
      ...members.map(({ name, blob, modified }) => ({ name, blob, modified })),
      { name: manifestName, blob: describeBytes(manifest), modified: latest(members) },
    ];
    const sized = entries.map((entry) => ({ ...entry, blob: { ...entry.blob, size: bound(entry.blob.size) } }));
    const suffix = part ? `-part-${part.number}-of-${part.of}` : '';
    return { file: `${safeSegment(archiveName)}${suffix}.zip`, entries, manifest, size: layoutZip(sized).size };
  });
}

function tooLargeForPart(file: PackableFile | undefined, partBytes: number): SatchelError {
  return new SatchelError(
    'LIMIT_EXCEEDED',
    `"${file?.name ?? ''}" (${file?.asset ?? ''}) has ${formatBytes(file?.blob.size ?? 0)}; an archive holds at most ${formatBytes(partBytes)} with its headers. Leave the file out, or raise partBytes.`,
    { details: { limit: 'partBytes', allowed: partBytes, actual: file?.blob.size ?? 0, asset: file?.asset ?? '' } },
  );
}

/** What the blob store will say of this text. */
function describeBytes(text: string): PlannedBlob {
  const bytes = Buffer.from(text);
  return { sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, crc32: crc32(bytes) };
}

/** The manifest is as new as the newest file: a fact of the content, not of the run. */
function latest(files: readonly PackableFile[]): string {
  return files.reduce((newest, { modified }) => (modified > newest ? modified : newest), '1980-01-01T00:00:00.000Z');
}
