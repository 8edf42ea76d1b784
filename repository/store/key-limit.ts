/** How long a key may be: on every store the same, so that content can move between them. */
import { RepositoryError } from '../errors.js';
import { printable } from '../path.js';
import type { Commit } from './contract.js';

/**
 * Bytes of UTF-8, where U+0000 and U+0001 count twice. An entry of a PostgreSQL B-tree holds 2,704 bytes, headers included
 * (its documentation, "B-Tree Indexes"), and there these two characters take two. Every path fits (path.ts).
 */
export const maxKeyBytes = 2_680;

/** @throws RepositoryError KEY_TOO_LONG */
export function assertKeysFit({ writes }: Commit): void {
  for (const { key } of writes) {
    // No UTF-16 unit takes more than three bytes.
    if (key.length * 3 <= maxKeyBytes) continue;
    const bytes = keyBytes(key);
    if (bytes > maxKeyBytes) throw keyTooLong(`"${printable(key.slice(0, 300))}…" takes ${bytes} bytes`);
  }
}

export function keyTooLong(problem: string, cause?: unknown): RepositoryError {
  return new RepositoryError(
    'KEY_TOO_LONG',
    `A key of the store is too long: ${problem}, and at most ${maxKeyBytes} fit. Shorten the path, or the value an index holds of it.`,
    { cause },
  );
}

function keyBytes(key: string): number {
  // eslint-disable-next-line no-control-regex -- these two are what it is about
  return Buffer.byteLength(key) + (key.match(/[\0\u0001]/g)?.length ?? 0);
}
