/** Archive entries over bytes in memory. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { OpenBlob } from '../../../dam/zip/write.js';
import type { PackedEntry } from '../../../workflows/contract/plan.js';

export interface MemoryFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly modified?: string;
}

export function packedEntries(files: readonly MemoryFile[]): { entries: PackedEntry[]; open: OpenBlob } {
  const byHash = new Map<string, Uint8Array>();
  const entries = files.map(({ name, bytes, modified = '2024-02-29T12:34:56.000Z' }) => {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    byHash.set(sha256, bytes);
    return { name, modified, blob: { sha256, size: bytes.length, crc32: crc32(bytes) } };
  });
  async function* open(blob: { sha256: string }, range?: { start: number; length: number }) {
    const bytes = byHash.get(blob.sha256) ?? new Uint8Array();
    const wanted = range ? bytes.subarray(range.start, range.start + range.length) : bytes;
    // In pieces, as a store gives them.
    for (let at = 0; at < wanted.length; at += 1000) yield wanted.subarray(at, at + 1000);
  }
  return { entries, open };
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}
