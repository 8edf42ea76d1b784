/** Writes records that can be derived from the nodes anew; never touches content. */
import type { Change } from '../api.js';
import { policyEpochKey } from '../keys.js';
import { encodeCommitEntry } from '../observation.js';
import { StoreConflict } from '../store/contract.js';
import type { NodeStore, Precondition, Write } from '../store/contract.js';
import type { Finding } from './finding.js';

export interface Repair {
  readonly write: Write;
  /** Versions of everything that was looked at: what is derived from them holds only as long as they do. */
  readonly seen: readonly { readonly key: string; readonly version: number }[];
  readonly touchesPolicies?: true;
  /** Where the record of a node itself is written, so that caches let go of it. */
  readonly changed?: Change;
}

/** @returns the finding, as repaired when it was; what was changed in the meantime is left to the next check */
export async function repaired(
  store: NodeStore,
  found: Finding,
  { write, seen, touchesPolicies, changed }: Repair,
): Promise<Finding> {
  const writes = touchesPolicies ? [write, { key: policyEpochKey, value: '' }] : [write];
  const preconditions = seen.map(({ key, version }): Precondition => ({ kind: 'version', key, version }));
  try {
    await store.commit({
      preconditions,
      writes,
      entry: encodeCommitEntry('repository-check', new Date(), changed ? [changed] : []),
    });
    return { ...found, repaired: true };
  } catch (error) {
    if (error instanceof StoreConflict) return found;
    throw error;
  }
}
