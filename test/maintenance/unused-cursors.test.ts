import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { openRepository } from '../../repository/repository.js';
import { retainJournal } from '../../repository/maintenance/retain-journal.js';
import { encodeCommitEntry } from '../../repository/observation.js';
import type { NodeStore } from '../../repository/store/contract.js';
import { createPostgresNodeStore } from '../../repository/store/postgres/postgres-node-store.js';
import { sessionOf } from '../repository/world.js';
import { createMemoryBlobStore } from '../support/memory-store.js';
import { postgresServer, stopPostgresServer } from '../support/postgres-server.js';
import { storeBackends } from './world.js';

afterAll(stopPostgresServer);

const postgres = async (schema = `unused_${randomUUID().replaceAll('-', '')}`): Promise<NodeStore> =>
  createPostgresNodeStore({ url: (await postgresServer()).url, schema, poolSize: 3 });

const backends: Readonly<Record<string, () => Promise<NodeStore>>> = {
  ...Object.fromEntries(Object.entries(storeBackends).map(([name, open]) => [name, async () => (await open()).nodes])),
  PostgreSQL: async () => postgres(),
};

/** Ten commits, one for each day from 1 March 2024 on. */
async function tenDays(open: () => Promise<NodeStore>): Promise<NodeStore> {
  const nodes = await open();
  onTestFinished(() => nodes.close());
  for (let day = 1; day <= 10; day++) {
    const time = new Date(Date.UTC(2024, 2, day));
    await nodes.commit({ preconditions: [], writes: [], entry: encodeCommitEntry('admin', time, []) });
  }
  return nodes;
}

/** What a run on that day of 2024 does. */
const trim = (nodes: NodeStore, day: string, options = {}) =>
  retainJournal(nodes, {
    keepDays: 7,
    keepCommits: 0,
    deadAfterDays: 30,
    now: () => new Date(`2024-${day}T00:00:00Z`),
    ...options,
  });

describe.each(Object.entries(backends))('cursors that nobody uses, on %s', (_name, open) => {
  it('hold the journal until they stood still for the days that are set', async () => {
    const nodes = await tenDays(open);
    await nodes.setCursor('dead', 2);
    await nodes.setCursor('used', 2);
    // The commits are old enough, but nobody knows yet how long the cursors have stood there.
    expect(await trim(nodes, '05-01')).toMatchObject({ dead: [], trimmedUpTo: 2 });
    await nodes.setCursor('used', 5);
    expect(await trim(nodes, '05-20')).toMatchObject({ dead: [], trimmed: 0 });
    const report = await trim(nodes, '06-02');
    expect(report).toMatchObject({ dead: [{ name: 'dead', unusedSince: '2024-05-01T00:00:00.000Z' }], heldBy: 'used' });
    expect(report.trimmedUpTo).toBe(5);
    // It stays, so that who comes back is told; and is said again.
    expect(await nodes.getCursor('dead')).toBe(2);
    expect((await trim(nodes, '06-03')).dead).toMatchObject([{ name: 'dead' }]);
  });

  it('are none while there is nothing new for them', async () => {
    const nodes = await tenDays(open);
    await nodes.setCursor('idle', 100);
    await trim(nodes, '05-01');
    expect(await trim(nodes, '09-01')).toMatchObject({ dead: [] });
  });

  it('are never dead with 0 days, and a dry run notes nothing', async () => {
    const nodes = await tenDays(open);
    await nodes.setCursor('slow', 2);
    const head = await nodes.head();
    await trim(nodes, '05-01', { dryRun: true });
    expect(await nodes.head()).toBe(head);
    for (const day of ['05-01', '09-01']) {
      expect(await trim(nodes, day, { deadAfterDays: 0 })).toMatchObject({ dead: [], trimmedUpTo: 2, heldBy: 'slow' });
    }
  });

  it('are told of the commits they lost when somebody follows again', async () => {
    const nodes = await tenDays(open);
    await nodes.setCursor('dead', 2);
    await trim(nodes, '05-01');
    await trim(nodes, '06-02');
    const reading = async () => {
      for await (const entry of nodes.journal((await nodes.getCursor('dead')) ?? 0)) return entry;
      return undefined;
    };
    await expect(reading()).rejects.toMatchObject({ code: 'JOURNAL_TRIMMED' });
  });
});

it('another process whose cache stood before the trim sees the newest nodes', async () => {
  const schema = `trim_${randomUUID().replaceAll('-', '')}`;
  const blobs = createMemoryBlobStore();
  const [nodes, others] = [await postgres(schema), await postgres(schema)];
  const one = await openRepository({ nodes, blobs });
  onTestFinished(() => one.close());
  const other = await openRepository({ nodes: others, blobs });
  onTestFinished(() => other.close());
  const session = await sessionOf(one);
  await session.addNode('/a', { properties: { n: 1 } });
  await session.save();
  const cached = await sessionOf(other);
  expect((await cached.getNode('/a')).number('n')).toBe(1);
  await session.setProperties('/a', { n: 2 });
  await session.save();
  const later = () => new Date(Date.now() + 365 * 86_400_000);
  expect(await retainJournal(nodes, { keepDays: 1, keepCommits: 0, deadAfterDays: 30, now: later })).toMatchObject({
    dead: [],
  });
  await cached.refresh();
  expect((await cached.getNode('/a')).number('n')).toBe(2);
});
