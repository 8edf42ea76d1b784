/** A version of a large subtree: it is whole, and its nodes are read in batches. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openRepository } from '../../repository/repository.js';
import type { NodeStore, StoreSnapshot } from '../../repository/store/contract.js';
import { createFilesystemBlobStore } from '../../repository/store/filesystem/filesystem-blob-store.js';
import { createLevelNodeStore } from '../../repository/store/level/level-node-store.js';
import { collect, openFor, sessionOf, temporaryFolder } from './world.js';

const folders = 100;
const nodesPerFolder = 100;
const nodes = folders * (1 + nodesPerFolder);

/** The store, with a count of how often it is asked for records; ranges come in batches by themselves. */
function counted(store: NodeStore, onRead: () => void): NodeStore {
  const counting = (snapshot: StoreSnapshot): StoreSnapshot => ({
    sequence: snapshot.sequence,
    getMany: (keys) => {
      onRead();
      return snapshot.getMany(keys);
    },
    range: (range, options) => {
      onRead();
      return snapshot.range(range, options);
    },
    close: () => snapshot.close(),
  });
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'snapshot') return async () => counting(await target.snapshot());
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

it('of 10,000 nodes is made, compared and restored with far fewer reads than it has nodes', async () => {
  const folder = await temporaryFolder();
  let reads = 0;
  const store = counted(await createLevelNodeStore({ folder: join(folder, 'nodes') }), () => reads++);
  const blobs = await createFilesystemBlobStore({ folder: join(folder, 'blobs') });
  // Without a cache of nodes, which would answer instead of the store.
  const repository = await openFor(() => openRepository({ nodes: store, blobs }, { nodeCacheBytes: 0 }));
  const session = await sessionOf(repository);
  const readsOf = async (work: () => Promise<unknown>): Promise<number> => {
    const before = reads;
    await work();
    return reads - before;
  };
  await session.addNode('/tree', { mixins: ['mix:versionable'] });
  for (let outer = 0; outer < folders; outer++) {
    await session.addNode(`/tree/f${outer}`);
    for (let inner = 0; inner < nodesPerFolder; inner++) {
      await session.addNode(`/tree/f${outer}/n${inner}`, { properties: { number: outer * nodesPerFolder + inner } });
    }
  }
  await session.save();

  const used: Record<string, number> = {};
  used['check in'] = await readsOf(() => session.versions.checkIn('/tree'));
  const version = await session.versions.version('/tree', '1.0');
  expect(version.nodes).toBe(nodes + 1);
  await session.versions.checkOut('/tree');
  await session.setProperties('/tree/f7/n7', { number: -1 });
  await session.remove('/tree/f8');
  await session.addNode('/tree/new');
  await session.save();
  used['diff'] = await readsOf(async () => {
    const differences = await collect(session.versions.diff(version, 'current'));
    expect(differences.filter(({ kind }) => kind === 'propertiesChanged')).toMatchObject([{ relativePath: 'f7/n7' }]);
    expect(differences.filter(({ kind }) => kind === 'nodeAdded')).toMatchObject([{ relativePath: 'new' }]);
    expect(differences.some(({ kind, relativePath }) => kind === 'nodeRemoved' && relativePath === 'f8')).toBe(true);
  });
  used['restore'] = await readsOf(() => session.versions.restore('/tree', '1.0', { force: true }));
  const restored = new Map<string, unknown>();
  for await (const node of session.descendants('/tree')) restored.set(node.path, node.number('number'));
  expect(restored.size).toBe(nodes);
  expect(restored.get('/tree/f7/n7')).toBe(7 * nodesPerFolder + 7);
  expect(restored.get('/tree/f8/n99')).toBe(8 * nodesPerFolder + 99);
  for (const [work, count] of Object.entries(used)) expect(count, work).toBeLessThan(nodes / 20);
});
