import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Repository, Session } from '../../repository/api.js';
import { addEntries } from '../../repository/query/index-entries.js';
import type { IndexEntries } from '../../repository/query/index-entries.js';
import { IndexStateCache } from '../../repository/query/index-state.js';
import { openRepository } from '../../repository/repository.js';
import { storedSubtree } from '../../repository/session-view.js';
import type { NodeStore } from '../../repository/store/contract.js';
import { NodeTypeCache } from '../../repository/node-types/registry-cache.js';
import { createLevelNodeStore } from '../../repository/store/level/level-node-store.js';
import { pathsOf, sessionOf, temporaryFolder } from '../repository/world.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';
import { addNodes, defineIndex, randomNodes } from './random-content.js';

/** What the store holds of the indexes in force, and what the nodes say it should hold. */
async function entriesAndExpected(store: NodeStore): Promise<{ stored: IndexEntries; expected: IndexEntries }> {
  const snapshot = await store.snapshot();
  try {
    const { indexes } = await new IndexStateCache().inForce(snapshot);
    const types = (await new NodeTypeCache().stateOf(snapshot)).registry;
    const stored: IndexEntries = new Map();
    for await (const batch of snapshot.range({ gte: 'x\u0001', lt: 'y' })) {
      for (const { key, value } of batch) stored.set(key, value);
    }
    const expected: IndexEntries = new Map();
    for await (const { path, record } of storedSubtree(snapshot, '/')) {
      for (const index of indexes) addEntries(expected, index, path, record, types);
    }
    return {
      stored,
      expected: new Map([...expected].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))),
    };
  } finally {
    await snapshot.close();
  }
}

async function expectTrueEntries(store: NodeStore): Promise<void> {
  const { stored, expected } = await entriesAndExpected(store);
  expect([...stored]).toEqual([...expected]);
}

async function open(store: NodeStore = createMemoryNodeStore()): Promise<{ store: NodeStore; repository: Repository }> {
  const repository = await openRepository({ nodes: store, blobs: createMemoryBlobStore() });
  return { store, repository };
}

async function defineAll(repository: Repository): Promise<void> {
  const session = await repository.login('admin');
  await defineIndex(session, 'p', 'property', ['p', 'q', 'title']);
  await defineIndex(session, 'allText', 'fulltext');
  await session.save();
  await session.close();
}

const place = fc.constantFrom('/content/a', '/content/b', '/content/a/b', '/content/a/jcr:content', '/content/b/a-x');
const step = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), nodes: randomNodes }),
  fc.record({ kind: fc.constant('set' as const), path: place, value: fc.constantFrom('lake', 'sea', 5, null) }),
  fc.record({ kind: fc.constant('remove' as const), path: place }),
  fc.record({ kind: fc.constant('move' as const), path: place, to: place }),
  fc.record({ kind: fc.constant('save' as const) }),
);

async function act(session: Session, action: typeof step extends fc.Arbitrary<infer T> ? T : never): Promise<void> {
  switch (action.kind) {
    case 'add':
      return addNodes(session, action.nodes);
    case 'save':
      await session.save();
      return;
    case 'set':
      if (await session.findNode(action.path)) await session.setProperties(action.path, { p: action.value });
      return;
    case 'remove':
      if (await session.findNode(action.path)) await session.remove(action.path);
      return;
    case 'move': {
      const { path, to } = action;
      const parent = to.slice(0, to.lastIndexOf('/'));
      const [node, target, above] = await session.findNodes([path, to, parent]);
      if (node && !target && above && !`${to}/`.startsWith(`${path}/`)) await session.move(path, to);
    }
  }
}

describe('index entries', () => {
  it('are those of the nodes after any saves, moves and removals', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
        const { store, repository } = await open();
        try {
          await defineAll(repository);
          await repository.indexer.catchUp();
          const session = await repository.login('admin');
          for (const action of steps) await act(session, action);
          await session.save();
          await session.close();
          await expectTrueEntries(store);
        } finally {
          await repository.close();
        }
      }),
      { numRuns: 40 },
    );
  }, 120_000);

  it('are those of the nodes when two sessions save into one node and one of them has to merge', async () => {
    const { store, repository } = await open();
    onTestFinished(() => repository.close());
    const first = await sessionOf(repository);
    await first.addNode('/a', { properties: { 'jcr:created': '1', 'dc:format': 'x' } });
    await first.save();
    const second = await sessionOf(repository);
    await first.setProperties('/a', { 'dc:format': 'y' });
    await second.setProperties('/a', { 'jcr:created': '2' });
    await first.save();
    await second.save();
    await expectTrueEntries(store);
  });

  it('are built beside saves, each of which wins', async () => {
    const { store, repository } = await open();
    onTestFinished(() => repository.close());
    const session = await sessionOf(repository);
    await session.addNode('/content');
    for (let count = 0; count < 900; count++) {
      await session.addNode(`/content/n${count}`, { properties: { p: 'old', title: 'old' } });
    }
    await session.save();
    await defineAll(repository);
    await session.refresh();
    let steps = 0;
    for (let working = true; working; steps++) {
      // Before, within and behind where the build has come to.
      const building = repository.indexer.step();
      const number = (steps * 37) % 900;
      await session.setProperties(`/content/n${number}`, { p: 'new', title: `new ${steps}` });
      if (steps === 2) await session.remove('/content/n500');
      if (steps === 3) await session.move('/content/n899', '/content/m');
      await session.save();
      working = await building;
    }
    expect(steps).toBeGreaterThan(4);
    await expectTrueEntries(store);
  });

  it('is not used by queries before it is ready', async () => {
    const { repository } = await open();
    onTestFinished(() => repository.close());
    const session = await sessionOf(repository);
    await session.addNode('/content', { properties: { p: 'x' } });
    await session.save();
    await defineAll(repository);
    const search = async () => {
      await session.refresh();
      const result = await session.query({ where: { property: 'p', op: '=', value: 'x' } });
      return { found: await pathsOf(result.nodes()), indexes: result.plan.indexes };
    };
    expect(await search()).toEqual({ found: ['/content'], indexes: [] });
    await repository.indexer.catchUp();
    expect(await search()).toEqual({ found: ['/content'], indexes: ['/oak:index/p'] });
    await repository.indexer.rebuild('p');
    expect(await search()).toEqual({ found: ['/content'], indexes: [] });
    await repository.indexer.catchUp();
    expect(await search()).toEqual({ found: ['/content'], indexes: ['/oak:index/p'] });
  });

  it('go on being built after a restart, from where the build had come to', async () => {
    const folder = await temporaryFolder();
    const blobs = createMemoryBlobStore();
    const reopen = async () => {
      const store = await createLevelNodeStore({ folder, sync: false });
      return { store, repository: await openRepository({ nodes: store, blobs }) };
    };
    const before = await reopen();
    const session = await before.repository.login('admin');
    await session.addNode('/content');
    for (let count = 0; count < 700; count++) await session.addNode(`/content/n${count}`, { properties: { p: count } });
    await session.save();
    await defineAll(before.repository);
    await before.repository.indexer.step();
    await before.repository.indexer.step();
    const { nodes: reached = 0, phase } =
      (await before.repository.indexer.list()).find(({ name }) => name === 'p') ?? {};
    expect({ reached: reached > 0, phase }).toEqual({ reached: true, phase: 'building' });
    await before.repository.close();

    const after = await reopen();
    onTestFinished(() => after.repository.close());
    expect((await after.repository.indexer.list()).find(({ name }) => name === 'p')).toMatchObject({ nodes: reached });
    await after.repository.indexer.catchUp();
    expect((await after.repository.indexer.list()).find(({ name }) => name === 'p')).toMatchObject({ phase: 'ready' });
    await expectTrueEntries(after.store);
  });

  it('of a changed or removed definition are cleared', async () => {
    const { store, repository } = await open();
    onTestFinished(() => repository.close());
    const session = await sessionOf(repository);
    for (let count = 0; count < 450; count++) await session.addNode(`/n${count}`, { properties: { p: count, q: 1 } });
    await session.save();
    await defineAll(repository);
    await repository.indexer.catchUp();
    await session.refresh();
    await session.setProperties('/oak:index/p', { propertyNames: ['q'] });
    await session.remove('/oak:index/allText');
    await session.save();
    await session.setProperties('/n3', { q: 2 });
    await session.save();
    await repository.indexer.catchUp();
    await expectTrueEntries(store);
    expect((await repository.indexer.list()).map(({ name }) => name)).not.toContain('allText');
  });

  it('lists a definition that cannot be kept with the reason', async () => {
    const { repository } = await open();
    onTestFinished(() => repository.close());
    const session = await sessionOf(repository);
    await session.addNode('/oak:index/foreign', { properties: { type: 'lucene' } });
    await session.addNode('/oak:index/empty', { properties: { type: 'property' } });
    await session.save();
    const list = await repository.indexer.list();
    expect(list.find(({ name }) => name === 'foreign')).toEqual({
      name: 'foreign',
      phase: 'ignored',
      problem: 'is of the type "lucene", which is not kept',
    });
    expect(list.find(({ name }) => name === 'empty')).toMatchObject({ problem: 'names no properties' });
    await expect(repository.indexer.rebuild('foreign')).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' });
  });
});
