/** Where a result ended, as opaque text. It holds nothing but what its reader saw: the place of the last hit. */
import { invalidQuery } from './invalid-query.js';
import type { TextStatistics } from './full-text.js';
import type { ReadQuery } from './read-query.js';

export type Cursor =
  /** In the order of a scan: which plan, which of its scans, and the key of the last hit. */
  | { readonly plan: string; readonly scan: number; readonly key: string }
  /** In a sorted order: the last hit's sort keys, and what its score was made with. */
  | { readonly rank: Rank; readonly statistics?: TextStatistics };

export interface Rank {
  /** One for each part of the order; `null` where there is no value. */
  readonly keys: readonly (string | null)[];
  /** Decides between equals. */
  readonly place: string;
}

export function encodeCursor({ fingerprint }: ReadQuery, cursor: Cursor): string {
  return Buffer.from(JSON.stringify([fingerprint, cursor])).toString('base64url');
}

/** @throws INVALID_QUERY */
export function decodeCursor({ after, fingerprint, order }: ReadQuery): Cursor | undefined {
  if (after === undefined) return undefined;
  let decoded: unknown;
  try {
    decoded = JSON.parse(Buffer.from(after, 'base64url').toString());
  } catch {
    throw invalidQuery('has an "after" that is no cursor');
  }
  const [owner, cursor] = Array.isArray(decoded) ? (decoded as unknown[]) : [];
  if (!isCursor(cursor, order.length)) throw invalidQuery('has an "after" that is no cursor');
  if (owner !== fingerprint) throw invalidQuery('has the "after" of another query');
  return cursor;
}

function isCursor(value: unknown, orderLength: number): value is Cursor {
  if (typeof value !== 'object' || value === null) return false;
  const { plan, scan, key, rank, statistics } = value as Record<string, unknown>;
  if (rank === undefined) return typeof plan === 'string' && Number.isSafeInteger(scan) && typeof key === 'string';
  if (typeof rank !== 'object' || rank === null) return false;
  const { keys, place } = rank as Record<string, unknown>;
  if (!Array.isArray(keys) || keys.length !== orderLength || typeof place !== 'string') return false;
  if (!keys.every((part) => part === null || typeof part === 'string')) return false;
  if (statistics === undefined) return true;
  const { documents, length, frequency } = (statistics ?? {}) as Record<string, unknown>;
  const areNumbers = typeof documents === 'number' && typeof length === 'number' && length > 0;
  return areNumbers && typeof frequency === 'object' && frequency !== null;
}
