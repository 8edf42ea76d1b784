import { expect, it } from 'vitest';
import type { Change, ChangeFilter, CommitEvent } from '../../repository/api.js';
import { createChangeFilter } from '../../repository/change-filter.js';
import { openRepository } from '../../repository/repository.js';
import type { NodeStore } from '../../repository/store/contract.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';
import { backends, openFor, sessionOf } from './world.js';

const added = (path: string, primaryType = 'nt:unstructured'): Change => ({ kind: 'nodeAdded', path, primaryType });
const moved = (from: string, path: string): Change => ({ kind: 'nodeMoved', from, path, primaryType: 'sling:Folder' });

it.each<[string, ChangeFilter, Change, boolean]>([
  ['nothing asked', {}, added('/a'), true],
  ['the path', { paths: ['/a'] }, added('/a'), true],
  ['below the path', { paths: ['/a'] }, added('/a/b/c'), true],
  ['a sibling with the same start', { paths: ['/a'] }, added('/ab'), false],
  ['above the path', { paths: ['/a/b'] }, added('/a'), false],
  ['one of several', { paths: ['/a', '/b'] }, added('/b/c'), true],
  ['everything', { paths: ['/'] }, added('/a'), true],
  ['one name', { paths: ['/a/*'] }, added('/a/b'), true],
  ['one name is not two', { paths: ['/a/*'] }, added('/a/b/c'), false],
  ['the end of a name', { paths: ['/a/*.jpg'] }, added('/a/b.jpg'), true],
  ['a dot is a dot', { paths: ['/a/*.jpg'] }, added('/a/bxjpg'), false],
  ['many names', { paths: ['/a/**/jcr:content'] }, added('/a/b/c/jcr:content'), true],
  ['many names with another end', { paths: ['/a/**/jcr:content'] }, added('/a/b/c'), false],
  ['a question mark is one', { paths: ['/a/*?'] }, added('/a/b'), false],
  ['the type', { types: ['dam:Asset'] }, added('/a', 'dam:Asset'), true],
  ['another type', { types: ['dam:Asset'] }, added('/a'), false],
  ['the kind', { kinds: ['nodeAdded'] }, added('/a'), true],
  ['another kind', { kinds: ['nodeRemoved'] }, added('/a'), false],
  ['a move out', { paths: ['/a'] }, moved('/a/b', '/c'), true],
  ['a move in', { paths: ['/a'] }, moved('/c', '/a/b'), true],
  ['a move of what is above', { paths: ['/a/b/*.jpg'] }, moved('/a', '/c'), true],
  ['a move elsewhere', { paths: ['/a/b'] }, moved('/a/c', '/d'), false],
  ['a move, whatever the type', { types: ['dam:Asset'] }, moved('/a', '/b'), true],
])('%s', (_name, filter, change, matches) => {
  const event = { sequence: 1, userId: 'admin', time: '', changes: [added('/other', 'other'), change] };
  const seen = createChangeFilter(filter)(event)?.changes ?? [];
  expect(seen.includes(change)).toBe(matches);
});

async function first(events: AsyncIterable<CommitEvent>): Promise<CommitEvent | undefined> {
  for await (const event of events) return event;
  return undefined;
}

it.each(Object.entries(backends))(
  'followers on %s see what matches, and move on over the rest',
  async (_name, open) => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    const start = await repository.head();
    for (const path of ['/x', '/y', '/a', '/z']) {
      await session.addNode(path);
      if (path === '/a') await session.addNode('/b');
      await session.save();
    }
    const signal = new AbortController().signal;
    const options = { cursor: 'filtered', from: start, signal, filter: { paths: ['/a'] } };
    const event = await first(repository.follow(options));
    expect(event).toMatchObject({ sequence: start + 3, changes: [{ path: '/a' }] });
    expect(event?.changes).toHaveLength(1);
  },
);

it('the position of a filtered follower is written in steps, and is the head when there is nothing more', async () => {
  const nodes = createMemoryNodeStore();
  const written: number[] = [];
  let onWritten: (position: number) => void = () => undefined;
  const counting: NodeStore = {
    ...nodes,
    setCursor: async (name, position) => {
      await nodes.setCursor(name, position);
      written.push(position);
      onWritten(position);
    },
  };
  const repository = await openFor(() => openRepository({ nodes: counting, blobs: createMemoryBlobStore() }));
  const start = await repository.head();
  for (let index = 0; index < 600; index++) {
    await nodes.commit({ preconditions: [], writes: [], entry: '{"u":"x","t":"2024-01-01T00:00:00.000Z","c":[]}' });
  }
  const stop = new AbortController();
  const reachedHead = new Promise<void>((resolve) => {
    onWritten = (position) => {
      if (position === start + 600) resolve();
    };
  });
  const options = { cursor: 'filtered', from: start, signal: stop.signal, filter: { kinds: ['nodeAdded' as const] } };
  const following = first(repository.follow(options));
  await reachedHead;
  stop.abort();
  expect(await following).toBeUndefined();
  expect(written).toEqual([start, start + 256, start + 512, start + 600]);
});

it('followers learn that commits they need are gone', async () => {
  const stores = { nodes: createMemoryNodeStore(), blobs: createMemoryBlobStore() };
  const repository = await openFor(() => openRepository(stores));
  await stores.nodes.setCursor('late', 1);
  await stores.nodes.trimJournal(await repository.head());
  const signal = new AbortController().signal;
  await expect(first(repository.follow({ cursor: 'late', signal }))).rejects.toMatchObject({ code: 'JOURNAL_TRIMMED' });
  expect(await repository.cursors()).toEqual(new Map([['late', 1]]));
  await repository.removeCursor('late');
  expect(await repository.cursors()).toEqual(new Map());
});
