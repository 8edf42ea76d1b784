/** Commits changes of the collector's marks, each only where the mark is still the one that was seen. */
import { encodeBlobMark } from '../blob-marks.js';
import type { BlobMark } from '../blob-marks.js';
import { blobEpochKey, blobMarkKey } from '../keys.js';
import { encodeCommitEntry } from '../observation.js';
import { StoreConflict } from '../store/contract.js';
import type { NodeStore, Precondition, Write } from '../store/contract.js';
import { collectorId } from './collector-lease.js';

export interface MarkChange {
  readonly sha256: string;
  /** Version of the mark that was seen; 0: there was none. */
  readonly seen: number;
  /** `undefined` removes it. */
  readonly mark: BlobMark | undefined;
}

/**
 * @param removal the marks go because the bytes are gone: saves that looked for the bytes before look again
 * @returns the hashes whose mark was changed; the others were changed by a save in the meantime
 */
export async function changeMarks(
  store: NodeStore,
  changes: readonly MarkChange[],
  now: Date,
  removal = false,
): Promise<ReadonlySet<string>> {
  let remaining = changes;
  while (remaining.length > 0) {
    const writes = remaining.map(({ sha256, mark }): Write => {
      const key = blobMarkKey(sha256);
      return mark ? { key, value: encodeBlobMark(mark) } : { key, remove: true };
    });
    if (removal) writes.push({ key: blobEpochKey, value: '' });
    const preconditions = remaining.map(({ sha256, seen }): Precondition => ({
      kind: 'version',
      key: blobMarkKey(sha256),
      version: seen,
    }));
    try {
      await store.commit({ preconditions, writes, entry: encodeCommitEntry(collectorId, now, []) });
      break;
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error;
      const failed = new Set(error.failed.map((precondition) => precondition.kind === 'version' && precondition.key));
      remaining = remaining.filter(({ sha256 }) => !failed.has(blobMarkKey(sha256)));
    }
  }
  return new Set(remaining.map(({ sha256 }) => sha256));
}
