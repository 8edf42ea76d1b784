/** A store for trying out is a store like any other, and leaves the one below it alone. */
import { join } from 'node:path';
import * as vitest from 'vitest';
import { describeBlobStore } from '../../repository/conformance/blob-store.js';
import { describeNodeStore } from '../../repository/conformance/node-store.js';
import { openRepository } from '../../repository/repository.js';
import { createFilesystemBlobStore } from '../../repository/store/filesystem/filesystem-blob-store.js';
import { createScratchBlobStore } from '../../repository/store/scratch/scratch-blob-store.js';
import { createScratchNodeStore } from '../../repository/store/scratch/scratch-node-store.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';
import { collect, namesOf, sessionOf, temporaryFolder } from './world.js';

const { describe, expect, it, onTestFinished } = vitest;

describeNodeStore(
  'scratch over an empty store',
  async () => createScratchNodeStore({ base: await createMemoryNodeStore().snapshot() }),
  vitest,
);
describeBlobStore(
  'scratch over an empty store',
  async () => createScratchBlobStore({ upper: createMemoryBlobStore(), lower: createMemoryBlobStore() }),
  vitest,
);

async function trial() {
  const nodes = createMemoryNodeStore();
  const blobs = await createFilesystemBlobStore({ folder: join(await temporaryFolder(), 'below') });
  const below = await openRepository({ nodes, blobs });
  onTestFinished(() => below.close());
  const upper = await createFilesystemBlobStore({ folder: join(await temporaryFolder(), 'upper') });
  const openTrial = async () =>
    openRepository({
      nodes: createScratchNodeStore({ base: await nodes.snapshot() }),
      blobs: createScratchBlobStore({ upper, lower: blobs }),
    });
  return { below, blobs, openTrial };
}

describe('a repository over a scratch store', () => {
  it('shows what lies below with what was tried, and leaves it as it was', async () => {
    const { below, blobs, openTrial } = await trial();
    const session = await sessionOf(below);
    for (const name of ['a', 'b', 'c', 'd']) await session.addNode(`/${name}`, { properties: { name } });
    const big = await session.createBinary(Buffer.alloc(100_000, 1));
    await session.setProperties('/a', { big });
    await session.save();
    const [head, held] = [await below.head(), await collect(blobs.list())];

    const tried = await openTrial();
    onTestFinished(() => tried.close());
    const trying = await sessionOf(tried);
    await trying.remove('/b');
    await trying.addNode('/bb', { properties: { data: await trying.createBinary(Buffer.alloc(100_000, 2)) } });
    await trying.setProperties('/c', { name: 'other' });
    await trying.move('/d', '/e');
    await trying.save();
    const fresh = await sessionOf(tried);
    const names = (await namesOf(fresh.children('/'))).filter((name) => name.length <= 2);
    expect(names.sort()).toEqual(['a', 'bb', 'c', 'e']);
    expect((await fresh.getNode('/c')).text('name')).toBe('other');
    const lower = (await fresh.getNode('/a')).binary('big');
    expect(lower && (await fresh.readBinary(lower)).length).toBe(100_000);
    const changes = await collect(tried.commitsAfter(head));
    expect(changes.flatMap((commit) => commit.changes.map(({ kind, path }) => `${kind} ${path}`)).sort()).toEqual([
      'nodeAdded /bb',
      'nodeMoved /e',
      'nodeRemoved /b',
      'propertiesChanged /c',
    ]);

    expect(await below.head()).toBe(head);
    expect(await collect(blobs.list())).toEqual(held);
    const after = await sessionOf(below);
    expect((await namesOf(after.children('/'))).filter((name) => name.length <= 2)).toEqual(['a', 'b', 'c', 'd']);
    // Two trials know nothing of one another.
    const other = await openTrial();
    onTestFinished(() => other.close());
    expect(await (await sessionOf(other)).findNode('/bb')).toBeUndefined();
  });

  it('takes no more than it is given room for', async () => {
    const nodes = createMemoryNodeStore();
    const below = await openRepository({ nodes, blobs: createMemoryBlobStore() });
    onTestFinished(() => below.close());
    const small = createScratchNodeStore({ base: await nodes.snapshot(), maxCharacters: 20_000 });
    const tried = await openRepository({ nodes: small, blobs: createMemoryBlobStore() });
    onTestFinished(() => tried.close());
    const session = await sessionOf(tried);
    await session.addNode('/large', { properties: { text: 'x'.repeat(30_000) } });
    await expect(session.save()).rejects.toMatchObject({ code: 'STORE_FULL' });
  });
});
