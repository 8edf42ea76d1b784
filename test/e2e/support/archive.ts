/** Archives and packages as a reader outside Satchel's own ZIP code sees them. */
import { createHash } from 'node:crypto';
import { decodePlatformName } from '../../../repository/vault/platform-name.js';
import { openZip } from '../../../repository/vault/zip-reader.js';

export interface ArchiveEntry {
  readonly name: string;
  readonly bytes: Buffer;
}

/** `manifest.json`, as dam/manifest.ts writes it. */
export interface Manifest {
  readonly tenant: string;
  readonly files: readonly {
    readonly name: string;
    readonly asset: string;
    readonly rendition: string;
    readonly size: number;
    readonly sha256: string;
    readonly replacedBy?: readonly string[];
  }[];
  readonly skipped: readonly { readonly path: string; readonly rendition?: string; readonly code: string }[];
  readonly failed: readonly {
    readonly path: string;
    readonly rendition?: string;
    readonly code: string;
    readonly reason: string;
  }[];
}

export interface Archive {
  /** In the archive's order, the manifest last. */
  readonly entries: readonly ArchiveEntry[];
  readonly manifest: Manifest;
  /** Bytes of an entry. @throws Error when there is none of that name */
  readonly bytesOf: (name: string) => Buffer;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export async function readArchive(file: string): Promise<Archive> {
  const zip = await openZip(file);
  try {
    const entries: ArchiveEntry[] = [];
    for (const entry of zip.entries) entries.push({ name: entry.name, bytes: await collect(entry.open()) });
    const bytesOf = (name: string) => {
      const entry = entries.find((candidate) => candidate.name === name);
      if (!entry) throw new Error(`${file} has no entry ${name}`);
      return entry.bytes;
    };
    return { entries, manifest: JSON.parse(bytesOf('manifest.json').toString('utf8')) as Manifest, bytesOf };
  } finally {
    zip.close();
  }
}

/** All renditions in a content package, originals too: their bytes by repository path. */
export async function packageRenditions(file: string): Promise<Map<string, Buffer>> {
  const zip = await openZip(file);
  try {
    const renditions = new Map<string, Buffer>();
    for (const entry of zip.entries) {
      const path = /^jcr_root(\/.+)$/.exec(entry.name)?.[1];
      if (path === undefined || entry.isFolder || !/\/_jcr_content\/renditions\/[^/]+$/.test(path)) continue;
      const names = path.slice(1).split('/').map(decodePlatformName);
      renditions.set(`/${names.join('/')}`, await collect(entry.open()));
    }
    return renditions;
  } finally {
    zip.close();
  }
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}
