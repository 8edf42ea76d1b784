/** Content for tests of blob stores, and what came of it. */
import { createHash } from 'node:crypto';
import { collect } from './collect.js';

export async function* chunked(content: string | Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(content);
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

export async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await collect(source));
}

export function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
