/** What a PostgreSQL server and the network to it do on bad days, and what happens by the clock. */
import { execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { JournalEntry, NodeStore } from '../../repository/store/contract.js';
import { createPostgresNodeStore } from '../../repository/store/postgres/postgres-node-store.js';
import { postgresServer, stopPostgresServer } from '../support/postgres-server.js';
import { collect, temporaryFolder } from './world.js';

afterAll(stopPostgresServer);

interface World {
  readonly schema: string;
  readonly open: () => Promise<NodeStore>;
  /** Statements of somebody else. */
  readonly sql: (text: string, values?: readonly unknown[]) => Promise<Record<string, unknown>[]>;
}

async function openWorld(): Promise<World> {
  const schema = `f_${randomUUID().replaceAll('-', '')}`;
  const { url } = await postgresServer();
  const client = new pg.Client(url);
  await client.connect();
  onTestFinished(() => client.end());
  return {
    schema,
    open: () => opened(url, schema),
    sql: async (text, values = []) => (await client.query<Record<string, unknown>>(text, [...values])).rows,
  };
}

async function opened(url: string, schema?: string): Promise<NodeStore> {
  const store = await createPostgresNodeStore({ url, poolSize: 3, ...(schema !== undefined && { schema }) });
  onTestFinished(() => store.close());
  return store;
}

const write = (key: string, value = '') => ({ preconditions: [], writes: [{ key, value }], entry: key });

/** Timers that repeat run when the test says so; connections keep their real time. */
function holdClock(): void {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
}

/** Asks until there is an answer. The timeout of the test bounds it. */
async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The server process of the connection that listens, once there is one. @param not one that was there before */
function listenerOf({ schema, sql }: World, not = 0): Promise<number> {
  return eventually(async () => {
    const [row] = await sql(`SELECT pid FROM pg_stat_activity WHERE query = $1 AND state = 'idle' AND pid <> $2`, [
      `LISTEN "satchel_${schema}"`,
      not,
    ]);
    return row && Number(row['pid']);
  });
}

/** Reads the journal whenever it is told to, as observers do. */
class Reader {
  readonly entries: JournalEntry[] = [];
  #reading: Promise<void> = Promise.resolve();
  #heard: (() => void)[] = [];

  constructor(store: NodeStore) {
    store.onCommit(() => {
      this.#reading = this.#reading.then(async () => {
        for await (const entry of store.journal(this.entries.length)) this.entries.push(entry);
        for (const heard of this.#heard.splice(0)) heard();
      });
    });
  }

  async until(sequence: number): Promise<void> {
    while (this.entries.length < sequence) await new Promise<void>((resolve) => this.#heard.push(resolve));
  }
}

describe('an observer of commits of other processes', () => {
  it('misses none while its connection is lost, and hears of later ones on the next connection', async () => {
    // Nothing comes by the slow look: that is another test.
    holdClock();
    const world = await openWorld();
    const [writer, reading] = [await world.open(), await world.open()];
    const reader = new Reader(reading);
    const lost = await listenerOf(world);
    await writer.commit(write('before'));
    await reader.until(1);
    await world.sql('SELECT pg_terminate_backend($1)', [lost]);
    await writer.commit(write('meanwhile'));
    await reader.until(2);
    expect(await listenerOf(world, lost)).not.toBe(lost);
    await writer.commit(write('after'));
    await reader.until(3);
    expect(reader.entries.map(({ entry }) => entry)).toEqual(['before', 'meanwhile', 'after']);
  });

  it('finds by the slow look what no message told', async () => {
    holdClock();
    const world = await openWorld();
    const [writer, reading] = [await world.open(), await world.open()];
    let calls = 0;
    reading.onCommit(() => calls++);
    const reader = new Reader(reading);
    await listenerOf(world);
    await writer.commit(write('told'));
    // One for the new connection, one for the message: nothing else is on its way.
    await eventually(async () => (calls === 2 ? true : undefined));
    await reader.until(1);
    // As a commit does, without the message.
    await world.sql(`WITH head AS (UPDATE ${world.schema}.head SET sequence = 2)
      INSERT INTO ${world.schema}.journal (sequence, entry) VALUES (2, 'untold')`);
    vi.advanceTimersByTime(5_000);
    await reader.until(2);
    expect(reader.entries.map(({ entry }) => entry)).toEqual(['told', 'untold']);
  });
});

describe('old versions', () => {
  it('go by the clock, as soon as nobody reads them, and not before', async () => {
    holdClock();
    const { open, sql, schema } = await openWorld();
    const store = await open();
    await store.commit(write('a', 'old'));
    const snapshot = await store.snapshot();
    await store.commit(write('a', 'new'));
    const versions = async () => (await sql(`SELECT value FROM ${schema}.record ORDER BY valid_from`)).length;
    const purged = async () => Number((await sql(`SELECT purged FROM ${schema}.head`))[0]?.['purged']);
    const beat = () => vi.advanceTimersByTime(10_000);
    // The lease names what is read, so the first version stays however often the clock strikes.
    await eventually(async () => {
      beat();
      return (await purged()) === 1 ? true : undefined;
    });
    expect(await versions()).toBe(2);
    expect(await snapshot.getMany(['a'])).toEqual([{ value: 'old', version: 1 }]);

    await snapshot.close();
    await eventually(async () => {
      beat();
      return (await versions()) === 1 ? true : undefined;
    });
    expect(await purged()).toBe(2);
    await expect(snapshot.getMany(['a'])).rejects.toMatchObject({ code: 'SNAPSHOT_EXPIRED' });
    expect(await (await store.snapshot()).getMany(['a'])).toEqual([{ value: 'new', version: 2 }]);
  });
});

describe('a full disk of the server', () => {
  it('is STORE_FULL: nothing is saved, reads go on, and so do saves once there is room', async () => {
    const { open, sql, schema } = await openWorld();
    const store = await open();
    await store.commit(write('a', '1'));
    // The server's own code (appendix A: disk_full), from the place where rows are written.
    await sql(`CREATE FUNCTION ${schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$`);
    await sql(`CREATE TRIGGER full_disk BEFORE INSERT ON ${schema}.record EXECUTE FUNCTION ${schema}.refuse()`);
    await expect(Promise.all([store.commit(write('b')), store.commit(write('c'))])).rejects.toMatchObject({
      code: 'STORE_FULL',
    });
    expect(await store.head()).toBe(1);
    expect(await (await store.snapshot()).getMany(['a', 'b'])).toEqual([{ value: '1', version: 1 }, undefined]);
    await sql(`DROP TRIGGER full_disk ON ${schema}.record`);
    expect(await store.commit(write('b'))).toBe(2);
  });

  it('leaves nothing of a commit of many statements when the last of them is refused', async () => {
    const { open, sql, schema } = await openWorld();
    const store = await open();
    const keys = Array.from({ length: 12_001 }, (_, index) => `k${String(index).padStart(5, '0')}`);
    const all = (value: string) => ({ preconditions: [], writes: keys.map((key) => ({ key, value })), entry: value });
    await store.commit(all('first'));
    await sql(`CREATE FUNCTION ${schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$`);
    await sql(`CREATE TRIGGER full_disk BEFORE INSERT ON ${schema}.record FOR EACH ROW
      WHEN (NEW.key = '${keys.at(-1) ?? ''}') EXECUTE FUNCTION ${schema}.refuse()`);
    await expect(store.commit(all('second'))).rejects.toMatchObject({ code: 'STORE_FULL' });
    const counted = `SELECT value, count(*)::int FROM ${schema}.record GROUP BY value`;
    expect(await sql(counted)).toEqual([{ value: 'first', count: 12_001 }]);
    expect(await store.head()).toBe(1);
    await sql(`DROP TRIGGER full_disk ON ${schema}.record`);
    expect(await store.commit(all('second'))).toBe(2);
    const snapshot = await store.snapshot();
    const range = { gte: 'k', lt: 'l' };
    const found = (await collect(snapshot.range(range))).flat();
    expect(found.map(({ key }) => key)).toEqual(keys);
    expect(new Set(found.map(({ value, version }) => `${value} ${version}`))).toEqual(new Set(['second 2']));
  });

  it('is STORE_FULL when it is really full', async ({ skip }) => {
    const folder = await temporaryFolder();
    const mounted = mountSmallDisk(folder, '40m');
    if (!mounted) skip('only root can mount a small disk, where that is allowed at all');
    onTestFinished(() => {
      execFileSync('umount', [folder]);
    });
    const { sql } = await openWorld();
    const name = `d_${randomUUID().replaceAll('-', '')}`;
    await sql(`CREATE TABLESPACE ${name} LOCATION '${folder}'`);
    await sql(`CREATE DATABASE ${name} TABLESPACE ${name}`);
    onTestFinished(async () => {
      const { url } = await postgresServer();
      const client = new pg.Client(url);
      await client.connect();
      await client.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await client.query(`DROP TABLESPACE ${name}`);
      await client.end();
    });
    const { url } = await postgresServer();
    const store = await opened(url.replace(/\/postgres$/, `/${name}`));
    let saved = 0;
    // More than there is room for, in steps that leave some for what PostgreSQL writes beside them.
    const fill = async () => {
      while (saved < 80) {
        await store.commit(write(`k${saved}`, randomBytes(500_000).toString('base64')));
        saved++;
      }
    };
    await expect(fill()).rejects.toMatchObject({ code: 'STORE_FULL' });
    expect(saved).toBeGreaterThan(0);
    expect(await store.head()).toBe(saved);
    const last = await (await store.snapshot()).getMany([`k${saved - 1}`, `k${saved}`]);
    expect(last.map((record) => record?.version)).toEqual([saved, undefined]);
    execFileSync('mount', ['-o', 'remount,size=120m', folder]);
    expect(await store.commit(write('more', randomBytes(500_000).toString('base64')))).toBe(saved + 1);
  });
});

/** @returns whether it could */
function mountSmallDisk(folder: string, size: string): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    // The test's server runs as this user where root starts it.
    const options = `size=${size},mode=0700,uid=${execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }).trim()}`;
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'satchel-test', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
