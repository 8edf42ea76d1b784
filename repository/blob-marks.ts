/** What the collector of blobs notes about one of them, and every save that refers to it reads (docs/decisions/0010). */
import { RepositoryError } from './errors.js';
import type { StoredEntry } from './store/contract.js';

/**
 * `{"state": "unreferenced", "since": ISO 8601}`: nothing referred to the blob then. `deleting`: its bytes are going, and
 * no save may refer to them until the mark is gone.
 */
export interface BlobMark {
  readonly state: 'unreferenced' | 'deleting';
  /** When it was first seen unreferenced. */
  readonly since: Date;
}

export function encodeBlobMark({ state, since }: BlobMark): string {
  return JSON.stringify({ state, since: since.toISOString() });
}

/** @throws STORE_CORRUPT */
export function decodeBlobMark({ key, value }: Pick<StoredEntry, 'key' | 'value'>): BlobMark {
  const parsed = parseMark(value);
  if (parsed) return parsed;
  throw new RepositoryError(
    'STORE_CORRUPT',
    `The collector's mark of the blob ${key.slice(1)} does not parse; run "repository check --repair", which removes it.`,
  );
}

function parseMark(value: string): BlobMark | undefined {
  try {
    const { state, since } = JSON.parse(value) as { readonly state: unknown; readonly since: unknown };
    const time = new Date(String(since));
    if ((state !== 'unreferenced' && state !== 'deleting') || Number.isNaN(time.getTime())) return undefined;
    return { state, since: time };
  } catch {
    return undefined;
  }
}
