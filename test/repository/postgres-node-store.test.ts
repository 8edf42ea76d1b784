import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import * as vitest from 'vitest';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { describeNodeStore } from '../../repository/conformance/node-store.js';
import { Database } from '../../repository/store/postgres/database.js';
import { purgeHistory, renewLease } from '../../repository/store/postgres/history.js';
import { createPostgresNodeStore } from '../../repository/store/postgres/postgres-node-store.js';
import { postgresServer, startPostgres, stopPostgresServer } from '../support/postgres-server.js';
import { collect } from './world.js';

afterAll(stopPostgresServer);

const newSchema = () => `s_${randomUUID().replaceAll('-', '')}`;

async function openStore(schema = newSchema()) {
  return createPostgresNodeStore({ url: (await postgresServer()).url, schema, poolSize: 4 });
}

async function opened(schema?: string) {
  const store = await openStore(schema);
  onTestFinished(() => store.close());
  return store;
}

const write = (key: string, value: string) => ({ preconditions: [], writes: [{ key, value }], entry: key });

describeNodeStore('PostgreSQL', () => openStore(), vitest);

describe('the PostgreSQL node store', () => {
  it('is made once by processes that start at the same time, and seen alike by all of them', async () => {
    const schema = newSchema();
    const stores = await Promise.all([1, 2, 3, 4].map(() => opened(schema)));
    await Promise.all(stores.map((store, index) => store.commit(write(`k${index}`, ''))));
    for (const store of stores) {
      const journal = await collect(store.journal(0));
      expect(journal.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
      expect(journal).toEqual(await collect((stores[0] ?? store).journal(0)));
    }
  });

  it('wakes the followers of another process', async () => {
    const schema = newSchema();
    const [writer, reader] = [await opened(schema), await opened(schema)];
    const heard = new Promise<void>((resolve) => {
      reader.onCommit(() => void reader.head().then((head) => (head === 1 ? resolve() : undefined)));
    });
    await writer.commit(write('a', '1'));
    await heard;
    expect(await collect(reader.journal(0))).toEqual([{ sequence: 1, entry: 'a' }]);
  });

  it('answers SNAPSHOT_EXPIRED once rows of a snapshot may be gone, and keeps what a lease needs', async () => {
    const schema = newSchema();
    const store = await opened(schema);
    const database = new Database((await postgresServer()).url, schema, 1);
    onTestFinished(() => database.close());
    await store.commit(write('a', 'old'));
    const snapshot = await store.snapshot();
    await store.commit(write('a', 'new'));
    const reader = randomUUID();
    await renewLease(database, reader, 1);
    await purgeHistory(database, 2);
    expect((await snapshot.getMany(['a']))[0]?.value).toBe('old');
    await renewLease(database, reader, undefined);
    await purgeHistory(database, 2);
    await expect(snapshot.getMany(['a'])).rejects.toMatchObject({ code: 'SNAPSHOT_EXPIRED' });
    await expect(collect(snapshot.range({ gte: 'x', lt: 'y' }))).rejects.toMatchObject({ code: 'SNAPSHOT_EXPIRED' });
    const next = await store.snapshot();
    expect(await next.getMany(['a'])).toEqual([{ value: 'new', version: 2 }]);
    const range = { gte: 'x', lt: 'y' };
    const since = (sequence: number) =>
      store.commit({ preconditions: [{ kind: 'unchanged', range, since: sequence }], writes: [], entry: '' });
    await expect(since(1)).rejects.toMatchObject({ name: 'StoreConflict' });
    expect(await since(2)).toBe(3);
  });

  it('says KEY_TOO_LONG for content from elsewhere whose keys no index of the database holds, and stays empty', async () => {
    const store = await opened();
    const key = randomBytes(1_500).toString('hex');
    async function* records() {
      yield [{ key, value: '', version: 1 }];
    }
    async function* noEntries(): AsyncGenerator<never> {}
    const content = {
      sequence: 1,
      journalStart: 1,
      records: records(),
      journal: noEntries(),
      cursors: new Map<string, number>(),
    };
    await expect(store.restore(content)).rejects.toMatchObject({ code: 'KEY_TOO_LONG' });
    expect(await store.head()).toBe(0);
  });

  it('says STORE_UNAVAILABLE for a database that is not there', async () => {
    const url = (await postgresServer()).url.replace(/postgres$/, 'missing');
    await expect(createPostgresNodeStore({ url })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it.each([
    ['of something else', 'CREATE TABLE S.other (a int)', 'name another'],
    ['of a newer Satchel', 'CREATE TABLE S.satchel_schema AS SELECT 99 AS version', 'newer'],
    ['that lost a table', 'CREATE TABLE S.satchel_schema AS SELECT 1 AS version', 'restore'],
  ])('says STORE_CORRUPT and what to do for a schema %s', async (_what, statement, advice) => {
    const schema = newSchema();
    const { url } = await postgresServer();
    const client = new pg.Client(url);
    await client.connect();
    await client.query(`CREATE SCHEMA ${schema}; ${statement.replace('S.', `${schema}.`)}`);
    await client.end();
    await expect(createPostgresNodeStore({ url, schema })).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining(advice) as string,
    });
  });

  it('does every commit once or says that it failed while the server restarts in the middle', async () => {
    const server = await startPostgres();
    onTestFinished(() => server.stop());
    const store = await createPostgresNodeStore({ url: server.url, poolSize: 3 });
    onTestFinished(() => store.close());
    let stopped = false;
    let started = 0;
    const confirmed: string[] = [];
    const commitOn = async () => {
      while (!stopped) {
        const key = `k${started++}`;
        await store.commit(write(key, ''));
        confirmed.push(key);
      }
    };
    const committers = Promise.all([1, 2, 3, 4].map(commitOn));
    await store.commit(write('before', ''));
    await server.restart();
    await store.commit(write('after', ''));
    stopped = true;
    await committers;
    const entries = (await collect(store.journal(0))).map(({ entry }) => entry);
    expect(entries.toSorted()).toEqual([...confirmed, 'before', 'after'].toSorted());
  });
});
