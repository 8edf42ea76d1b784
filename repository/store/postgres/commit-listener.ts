/** Wakes followers after commits of any process: by NOTIFY, and by a slow look at the head should a message be missed. */
import type pg from 'pg';
import pgModule from 'pg';
import { commitChannel } from './commit-group.js';
import type { Database } from './database.js';

/** Milliseconds between looks at the head, and before a lost connection is made anew. */
const pollInterval = 5_000;
const reconnectDelay = 500;

export class CommitListener {
  readonly #listeners = new Set<() => void>();
  #client: pg.Client | undefined;
  #connecting: Promise<void> | undefined;
  #timers: NodeJS.Timeout[] = [];
  #seen = 0;
  #closed = false;

  /** @param process messages of this process are left out: its own commits call `raise` */
  constructor(
    private readonly database: Database,
    private readonly process: string,
    private readonly head: () => Promise<number>,
  ) {}

  add(listener: () => void): () => void {
    // A wrapper, so that one function registered twice is two registrations.
    const registered = () => listener();
    this.#listeners.add(registered);
    if (this.#timers.length === 0 && !this.#closed) {
      this.#timers.push(setInterval(() => void this.#poll(), pollInterval).unref());
    }
    this.#connect();
    return () => this.#listeners.delete(registered);
  }

  raise(): void {
    // In a turn of its own: a listener that throws must not stop the commits after it.
    for (const listener of this.#listeners) queueMicrotask(listener);
  }

  #connect(): void {
    if (this.#client !== undefined || this.#connecting !== undefined || this.#closed) return;
    this.#connecting = this.#listen().finally(() => (this.#connecting = undefined));
  }

  async #listen(): Promise<void> {
    const client = this.database.newClient();
    const lost = () => {
      if (this.#client === client) this.#client = undefined;
      client.removeAllListeners('notification');
      if (!this.#closed) setTimeout(() => this.#connect(), reconnectDelay).unref();
    };
    client.once('end', lost);
    // The end follows; it makes the next connection.
    client.on('error', () => undefined);
    client.on('notification', ({ payload }) => {
      if (payload !== this.process) this.raise();
    });
    try {
      await client.connect();
      await client.query(`LISTEN ${pgModule.escapeIdentifier(commitChannel(this.database.schemaName))}`);
    } catch {
      await client.end().catch(() => undefined);
      return;
    }
    if (this.#closed) {
      await client.end();
      return;
    }
    this.#client = client;
    // What was committed while nobody listened.
    this.raise();
  }

  async #poll(): Promise<void> {
    // A server that is away is somebody else's error: the next look finds it back.
    const head = await this.head().catch(() => this.#seen);
    if (head !== this.#seen) this.raise();
    this.#seen = head;
    this.#connect();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    for (const timer of this.#timers) clearInterval(timer);
    await this.#connecting;
    await this.#client?.end().catch(() => undefined);
  }
}
