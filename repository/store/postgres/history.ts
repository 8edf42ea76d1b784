/**
 * Old versions of records, and when they may go. Every process keeps a lease that says which sequence it still reads; rows
 * that ended before all of them, and a while ago, are removed. `purged` is raised first, in a transaction of its own, so a
 * read that could miss a row sees it and says SNAPSHOT_EXPIRED.
 */
import type { Database } from './database.js';

/** Milliseconds between heartbeats; after `leaseSeconds` without one a process no longer counts. */
const heartbeatInterval = 10_000;
const leaseSeconds = 60;
/** Rows that ended within this time stay whatever the leases say: snapshots younger than a heartbeat may need them. */
const minimumAge = 60_000;
const rowsPerPurge = 2_000;

export class HistoryKeeper {
  /** Live snapshots by sequence. */
  readonly #inUse = new Map<number, number>();
  /** Heads this process saw, with the time, oldest first. */
  readonly #heads: { readonly sequence: number; readonly time: number }[] = [];
  readonly #timer: NodeJS.Timeout;
  #working: Promise<void> | undefined;

  constructor(
    private readonly database: Database,
    private readonly process: string,
    private readonly head: () => Promise<number>,
  ) {
    this.#timer = setInterval(() => {
      // A server that is away keeps its rows; the next heartbeat comes.
      this.#working ??= this.#beat()
        .catch(() => undefined)
        .finally(() => (this.#working = undefined));
    }, heartbeatInterval).unref();
  }

  hold(sequence: number): void {
    this.#inUse.set(sequence, (this.#inUse.get(sequence) ?? 0) + 1);
  }

  letGo(sequence: number): void {
    const count = (this.#inUse.get(sequence) ?? 0) - 1;
    if (count > 0) this.#inUse.set(sequence, count);
    else this.#inUse.delete(sequence);
  }

  async #beat(): Promise<void> {
    const sequence = await this.head();
    const now = performance.now();
    this.#heads.push({ sequence, time: now });
    await renewLease(this.database, this.process, this.#inUse.size > 0 ? Math.min(...this.#inUse.keys()) : undefined);
    let old: number | undefined;
    while (this.#heads[0] && this.#heads[0].time <= now - minimumAge) old = this.#heads.shift()?.sequence;
    if (old !== undefined) await purgeHistory(this.database, old);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#working;
    await this.database
      .query({ name: 'end-lease', text: `DELETE FROM ${this.database.schema}.lease WHERE process = $1` }, [
        this.process,
      ])
      // One that stays ends by itself.
      .catch(() => undefined);
  }
}

/** @param oldest the oldest sequence the process reads; `undefined`: none */
export async function renewLease(database: Database, process: string, oldest: number | undefined): Promise<void> {
  await database.query(
    {
      name: 'renew-lease',
      text: `INSERT INTO ${database.schema}.lease VALUES ($1, $2, now())
             ON CONFLICT (process) DO UPDATE SET oldest = excluded.oldest, heartbeat = excluded.heartbeat`,
    },
    [process, oldest ?? null],
  );
}

/** Removes versions that ended at or before `upTo` and that no lease needs. Several processes may do so at once. */
export async function purgeHistory(database: Database, upTo: number): Promise<void> {
  const { schema } = database;
  const [row] = await database.query(
    {
      name: 'raise-purged',
      text: `UPDATE ${schema}.head SET purged = greatest(purged, least($1, sequence, (SELECT min(oldest) FROM ${schema}.lease
               WHERE heartbeat > now() - interval '${leaseSeconds} seconds')))
             RETURNING purged`,
    },
    [upTo],
  );
  const purge = {
    name: 'purge',
    text: `DELETE FROM ${schema}.record WHERE (key, valid_from) IN (
             SELECT key, valid_from FROM ${schema}.record WHERE valid_to <= $1 LIMIT ${rowsPerPurge})
           RETURNING valid_from`,
  };
  for (;;) if ((await database.query(purge, [row?.[0]])).length < rowsPerPurge) return;
}
