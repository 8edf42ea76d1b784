import { expect, it } from 'vitest';
import { NodeCache } from '../../repository/node-cache.js';
import { openRepository } from '../../repository/repository.js';
import { SessionNode } from '../../repository/session-node.js';
import type { NodeStore } from '../../repository/store/contract.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';

it('waits for a commit that a snapshot holds and the journal does not show yet, and lets others work meanwhile', async () => {
  const store = createMemoryNodeStore();
  const repository = await openRepository({ nodes: store, blobs: createMemoryBlobStore() });
  const writer = await repository.login('admin');
  await writer.addNode('/a', { properties: { x: 1 } });
  await writer.save();
  // Another process: it has read up to here, and what comes later reaches its journal a few turns of the event loop late.
  const known = await store.head();
  let isLate = true;
  const late: NodeStore = {
    ...store,
    async *journal(after) {
      for await (const entry of store.journal(after)) if (!isLate || entry.sequence <= known) yield entry;
    },
  };
  const other = await openRepository({ nodes: late, blobs: createMemoryBlobStore() });
  const reader = await other.login('admin');
  expect((await reader.getNode('/a')).number('x')).toBe(1);
  await writer.setProperties('/a', { x: 2 });
  await writer.save();
  setTimeout(() => (isLate = false));
  await reader.refresh();
  expect((await reader.getNode('/a')).number('x')).toBe(2);
  for (const session of [writer, reader]) await session.close();
});

it('keeps within its bound, and rather what was used', () => {
  const cache = new NodeCache(createMemoryNodeStore(), 0, 100_000);
  const offer = (index: number) =>
    cache.offer(new SessionNode(`/n${index}`, 0, { identifier: String(index), properties: new Map() }), 100, 0);
  const known = (index: number) => cache.get(`/n${index}`, 0) !== undefined;
  for (let index = 0; index < 1000; index++) {
    offer(index);
    // Used again and again, so it outlasts all the others.
    expect(known(0)).toBe(true);
  }
  const kept = Array.from({ length: 1000 }, (_, index) => index).filter(known);
  // None weighs less than the 100 characters of its text.
  expect(kept.length).toBeLessThan(1000);
  expect(kept).toContain(999);
  expect(kept.slice(1).every((index, place) => place === 0 || index === (kept[place] ?? 0) + 1)).toBe(true);
});
