/**
 * Lists of blobs that a node needs without having them as values of its own: a plan, an archive. The list is a property of
 * this name, a Binary with one SHA-256 a line or the hashes as strings; what it names is kept from being collected.
 */
import type { BlobStore } from './store/contract.js';
import type { BinaryValue, Value } from './value.js';

export const blobListProperty = 'satchel:blobs';

/**
 * The hashes a value of such a property names, streamed.
 * @throws BLOB_MISSING when the list itself is not in the blob store
 */
export async function* listedBlobs(value: Value, blobs: BlobStore): AsyncGenerator<string> {
  if (typeof value !== 'object') yield* hashesIn(String(value));
  else if (value.inline !== undefined) yield* hashesIn(Buffer.from(value.inline, 'base64').toString('latin1'));
  else yield* hashesInBlob(value, blobs);
}

export function* hashesIn(text: string): Generator<string> {
  for (const [sha256] of text.matchAll(/[0-9a-f]{64}/g)) yield sha256;
}

async function* hashesInBlob({ sha256 }: BinaryValue, blobs: BlobStore): AsyncGenerator<string> {
  // Long enough for a hash that the border between two chunks cuts.
  let rest = '';
  for await (const chunk of blobs.read(sha256)) {
    const text = rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
    let end = 0;
    for (const match of text.matchAll(/[0-9a-f]{64}/g)) {
      yield match[0];
      end = match.index + match[0].length;
    }
    rest = text.slice(Math.max(end, text.length - 63));
  }
}
