import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { BinaryValue } from '../value.js';

/** What a binary would be if it were stored. */
export async function hashBinary(source: AsyncIterable<Uint8Array>): Promise<BinaryValue> {
  const hash = createHash('sha256');
  let [size, checksum] = [0, 0];
  for await (const chunk of source) {
    hash.update(chunk);
    checksum = crc32(chunk, checksum);
    size += chunk.byteLength;
  }
  return { sha256: hash.digest('hex'), size, crc32: checksum };
}
