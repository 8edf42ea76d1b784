/**
 * One collector at a time. A second one could finish or drop the marks of the first, and the first would then remove bytes that
 * were written again in between. The lease is a record with an end, so that a collector that was killed holds up the
 * next one for minutes only.
 */
import { randomUUID } from 'node:crypto';
import { RepositoryError } from '../errors.js';
import { collectorLeaseKey } from '../keys.js';
import { encodeCommitEntry } from '../observation.js';
import { StoreConflict } from '../store/contract.js';
import type { NodeStore, Write } from '../store/contract.js';

const leaseMilliseconds = 5 * 60_000;

/** Who the journal says collected. */
export const collectorId = 'blob-collector';

export class CollectorLease {
  readonly #holder = randomUUID();
  #version = 0;
  #until = 0;

  private constructor(
    private readonly store: NodeStore,
    private readonly now: () => Date,
  ) {}

  /** @throws CONFLICT while another collector has it */
  static async take(store: NodeStore, now: () => Date): Promise<CollectorLease> {
    const lease = new CollectorLease(store, now);
    const snapshot = await store.snapshot();
    try {
      const [held] = await snapshot.getMany([collectorLeaseKey]);
      const until = held && untilOf(held.value);
      if (until !== undefined && until > now().getTime()) throw taken(new Date(until));
      lease.#version = held?.version ?? 0;
    } finally {
      await snapshot.close();
    }
    await lease.#write();
    return lease;
  }

  /** Call before bytes go, and now and then: renews the lease when half of it is over. @throws CONFLICT when it was lost */
  async keep(): Promise<void> {
    const left = this.#until - this.now().getTime();
    // Somebody else may have it by now.
    if (left <= 0) throw taken(undefined);
    if (left < leaseMilliseconds / 2) await this.#write();
  }

  async release(): Promise<void> {
    try {
      await this.#commit({ key: collectorLeaseKey, remove: true });
    } catch (error) {
      // Another collector took over; it is theirs.
      if (!(error instanceof StoreConflict)) throw error;
    }
  }

  async #write(): Promise<void> {
    const until = this.now().getTime() + leaseMilliseconds;
    const value = JSON.stringify({ holder: this.#holder, until: new Date(until).toISOString() });
    try {
      this.#version = await this.#commit({ key: collectorLeaseKey, value });
    } catch (error) {
      throw error instanceof StoreConflict ? taken(undefined) : error;
    }
    this.#until = until;
  }

  async #commit(write: Write): Promise<number> {
    return this.store.commit({
      preconditions: [{ kind: 'version', key: collectorLeaseKey, version: this.#version }],
      writes: [write],
      entry: encodeCommitEntry(collectorId, this.now(), []),
    });
  }
}

/** A lease that does not parse is nobody's. */
function untilOf(value: string): number | undefined {
  try {
    const { until } = JSON.parse(value) as { readonly until: string };
    const time = Date.parse(until);
    return Number.isNaN(time) ? undefined : time;
  } catch {
    return undefined;
  }
}

function taken(until: Date | undefined): RepositoryError {
  const when = until ? `; should it have been killed, try again after ${until.toISOString()}` : '';
  return new RepositoryError('CONFLICT', `Blobs are being collected by another process${when}.`);
}
