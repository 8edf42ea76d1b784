/** Files of a backup: a JSON array a line, gzip, guarded by length and SHA-256 in the manifest. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import { RepositoryError } from '../errors.js';

export interface GuardedFile {
  readonly name: string;
  /** Of the file as it is, compressed. */
  readonly bytes: number;
  readonly sha256: string;
  readonly lines: number;
}

/** Joined until they are worth a call of the compressor. */
const textLength = 128 * 1024;

/** Written and synced when it resolves. */
export async function writeLines(
  folder: string,
  name: string,
  lines: AsyncIterable<readonly unknown[]> | Iterable<readonly unknown[]>,
): Promise<GuardedFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  let count = 0;
  async function* text(): AsyncGenerator<string> {
    let joined = '';
    for await (const line of lines) {
      count++;
      joined += `${JSON.stringify(line)}\n`;
      if (joined.length < textLength) continue;
      yield joined;
      joined = '';
    }
    yield joined;
  }
  // Speed before size: most of a backup is blobs.
  const compressed = createGzip({ level: 1 });
  // The error comes out of the loop below.
  pipeline(Readable.from(text()), compressed, () => undefined);
  const file = await open(join(folder, name), 'wx', 0o640);
  try {
    for await (const chunk of compressed as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.byteLength;
      await file.appendFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { name, bytes, sha256: hash.digest('hex'), lines: count };
}

/**
 * The lines again. They are given out before the whole file was seen, so what is made of them counts only once this ended.
 * @throws STORE_CORRUPT when the file is missing, or is not, to the byte, the one that was written
 */
export async function* readLines(folder: string, guarded: GuardedFile): AsyncGenerator<readonly unknown[]> {
  const path = join(folder, guarded.name);
  const hash = createHash('sha256');
  let bytes = 0;
  let count = 0;
  async function* file(): AsyncGenerator<Buffer> {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.byteLength;
      yield chunk;
    }
  }
  const text = createGunzip().setEncoding('utf8');
  pipeline(Readable.from(file()), text, () => undefined);
  try {
    let rest = '';
    for await (const chunk of text as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      count += lines.length;
      for (const line of lines) yield JSON.parse(line) as readonly unknown[];
    }
    if (rest !== '') throw new Error('its last line is cut');
  } catch (cause) {
    if (cause instanceof RepositoryError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw damagedBackup(path, reason, cause);
  }
  if (bytes !== guarded.bytes || count !== guarded.lines || hash.digest('hex') !== guarded.sha256) {
    throw damagedBackup(path, 'its length or SHA-256 is not the one in the manifest');
  }
}

export function damagedBackup(path: string, reason: string, cause?: unknown): RepositoryError {
  return new RepositoryError('STORE_CORRUPT', `The backup cannot be used: ${path}: ${reason}. Use another backup.`, {
    file: path,
    ...(cause !== undefined && { cause }),
  });
}
