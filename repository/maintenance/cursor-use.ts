/**
 * Since when each cursor stands where it is. The store keeps no times of cursors, so whoever trims the journal regularly notes
 * what it sees, in a record that all processes share.
 */
import { cursorUseKey } from '../keys.js';
import { encodeCommitEntry } from '../observation.js';
import { StoreConflict } from '../store/contract.js';
import type { NodeStore, StoredRecord } from '../store/contract.js';

/** Who the journal says noted it. */
const trimmerId = 'journal-trimmer';
const maxAttempts = 3;

interface CursorUse {
  readonly position: number;
  /** When it was first seen there; ISO 8601, UTC. */
  readonly since: string;
}
type CursorUses = Readonly<Record<string, CursorUse>>;

/**
 * When each cursor was first seen where it stands, by name; now for one that moved or is new.
 * @param options.write keeps what is seen for the next time
 */
export async function cursorUses(
  nodes: NodeStore,
  { now, write }: { readonly now: Date; readonly write: boolean },
): Promise<ReadonlyMap<string, Date>> {
  for (let attempt = 1; ; attempt++) {
    const record = await readRecord(nodes);
    const known = record ? parseUses(record.value) : {};
    const seen: [string, CursorUse][] = [];
    for (const [name, position] of [...(await nodes.cursors())].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const before = Object.hasOwn(known, name) ? known[name] : undefined;
      seen.push([name, before?.position === position ? before : { position, since: now.toISOString() }]);
    }
    const value = JSON.stringify(Object.fromEntries(seen));
    try {
      if (write && value !== (record?.value ?? '{}')) {
        await nodes.commit({
          preconditions: [{ kind: 'version', key: cursorUseKey, version: record?.version ?? 0 }],
          writes: [{ key: cursorUseKey, value }],
          entry: encodeCommitEntry(trimmerId, now, []),
        });
      }
      return new Map(seen.map(([name, { since }]) => [name, new Date(since)]));
    } catch (error) {
      // Another process trims at the same time; what it noted is as good.
      if (!(error instanceof StoreConflict) || attempt === maxAttempts) throw error;
    }
  }
}

async function readRecord(nodes: NodeStore): Promise<StoredRecord | undefined> {
  const snapshot = await nodes.snapshot();
  try {
    return (await snapshot.getMany([cursorUseKey]))[0];
  } finally {
    await snapshot.close();
  }
}

/** What does not parse is forgotten: the cursors are then taken as used now. */
function parseUses(text: string): CursorUses {
  try {
    const uses = JSON.parse(text) as CursorUses;
    const valid = Object.entries(uses).filter(([, use]) => !Number.isNaN(Date.parse(use.since)));
    return Object.fromEntries(valid);
  } catch {
    return {};
  }
}
