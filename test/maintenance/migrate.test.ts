import { describe, expect, it } from 'vitest';
import { checkRepository } from '../../repository/maintenance/check-repository.js';
import { migrateRepository } from '../../repository/maintenance/migrate.js';
import type { RepositoryStores } from '../../repository/repository.js';
import type { NodeStore } from '../../repository/store/contract.js';
import { collect, sessionOf } from '../repository/world.js';
import { content, hooked, memoryStores, openOver, storeBackends } from './world.js';

async function createContent(stores: RepositoryStores): Promise<void> {
  const session = await sessionOf(await openOver(stores));
  for (let index = 0; index < 12; index++) {
    const data = await session.createBinary(content(index));
    await session.addNode(`/n${index}`, { properties: { data } });
    await session.save();
  }
  await stores.nodes.trimJournal(3);
  await stores.nodes.setCursor('index', 5);
}

const pairs = Object.entries(storeBackends).flatMap(([from, openFrom]) =>
  Object.entries(storeBackends).map(([to, openTo]) => [from, to, openFrom, openTo] as const),
);

describe.each(pairs)('from %s to %s', (_from, _to, openFrom, openTo) => {
  it('everything moves, with versions, journal, cursors and bytes', async () => {
    const [from, to] = [await openFrom(), await openTo()];
    await createContent(from);
    const head = await from.nodes.head();
    expect(await migrateRepository(from, to, { verify: true })).toMatchObject({
      sequence: head,
      commits: head - 3,
      cursors: 1,
      blobs: 12,
      copied: 12,
    });
    expect(await to.nodes.journalStart()).toBe(3);
    expect(await collect(to.nodes.journal(3))).toEqual(await collect(from.nodes.journal(3)));
    expect(await to.nodes.getCursor('index')).toBe(5);
    const repository = await openOver(to);
    const session = await sessionOf(repository);
    const before = await sessionOf(await openOver(from));
    expect((await session.getNode('/n3')).version).toBe((await before.getNode('/n3')).version);
    await session.addNode('/more');
    expect(await session.save()).toBe(head + 1);
    expect(await collect(checkRepository(to, { deep: true }))).toEqual([]);
  });

  it('goes on after it was interrupted', async () => {
    const [from, to] = [await openFrom(), await openTo()];
    await createContent(from);
    let blobs = 0;
    const stop = () => {
      if (++blobs > 5) throw new Error('the network is gone');
    };
    const broken = { nodes: to.nodes, blobs: hooked(to.blobs, { write: { before: stop } }) };
    await expect(migrateRepository(from, broken)).rejects.toThrow('network');
    expect(await to.nodes.head()).toBe(0);
    expect(await migrateRepository(from, to)).toMatchObject({ blobs: 12, copied: 7 });
  });
});

/** In memory: what arrives wrong is made wrong by the test, and found by comparing, on every store in the same way. */
describe('a migration', () => {
  it('refuses a target that holds content', async () => {
    const [from, to] = [memoryStores(), memoryStores()];
    await createContent(from);
    await createContent(to);
    await expect(migrateRepository(from, to)).rejects.toMatchObject({ code: 'STORE_NOT_EMPTY' });
  });

  it('says when something was saved meanwhile', async () => {
    const [from, to] = [memoryStores(), memoryStores()];
    await createContent(from);
    const session = await sessionOf(await openOver(from));
    await session.addNode('/late');
    const nodes = hooked(to.nodes, { restore: { after: () => session.save() } });
    await expect(migrateRepository(from, { nodes, blobs: to.blobs })).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  const faults: readonly [string, (store: NodeStore) => Promise<unknown>, string][] = [
    [
      'a record',
      (nodes) => nodes.commit({ preconditions: [], writes: [{ key: 'n/\0n3', value: '{}' }], entry: '' }),
      'the record "n/\\u0000n3"',
    ],
    [
      'a record too many',
      (nodes) => nodes.commit({ preconditions: [], writes: [{ key: 'z', value: '' }], entry: '' }),
      'the record "z"',
    ],
    ['a cursor', (nodes) => nodes.setCursor('index', 6), 'the cursor index'],
    ['the journal', (nodes) => nodes.trimJournal(7), 'the start of the journal'],
  ];
  it.each(faults)('finds that %s did not arrive as it was sent', async (_name, fault, what) => {
    const [from, to] = [memoryStores(), memoryStores()];
    await createContent(from);
    const nodes = hooked(to.nodes, { restore: { after: () => fault(to.nodes) } });
    await expect(migrateRepository(from, { nodes, blobs: to.blobs })).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining(what) as string,
    });
  });

  it('finds a blob that did not arrive', async () => {
    const [from, to] = [memoryStores(), memoryStores()];
    await createContent(from);
    const [blob] = await collect(from.blobs.list());
    const lose = () => to.blobs.remove(blob?.sha256 ?? '');
    const nodes = hooked(to.nodes, { restore: { after: lose } });
    await expect(migrateRepository(from, { nodes, blobs: to.blobs })).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining(blob?.sha256 ?? '') as string,
    });
  });
});
