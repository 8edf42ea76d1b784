import { expect, it } from 'vitest';
import { openRepository } from '../../repository/repository.js';
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
