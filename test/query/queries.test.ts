import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Repository, RepositoryNode } from '../../repository/api.js';
import type { Condition, Query, QueryOrder } from '../../repository/query/query.js';
import { openRepository } from '../../repository/repository.js';
import { collect, pathsOf } from '../repository/world.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';
import { addNodes, addReader, defineIndex, deniedPaths, randomNodes, randomQuery } from './random-content.js';
import type { RandomNode } from './random-content.js';
import { listingOf, plain, propertyOf, referenceHits } from './reference.js';
import type { Listing } from './reference.js';

/** In which order the hits came, judged by one property: no two neighbours the wrong way round, nodes without a value last. */
function isOrdered(listing: Listing, nodes: readonly RepositoryNode[], order: QueryOrder): boolean {
  if (!('property' in order)) return true;
  const keys = nodes.map((node) => {
    const found = propertyOf(listing, node, order.property);
    const values = (found?.values ?? []).flatMap((value) => plain(found?.type, value) ?? []);
    return values.length === 1 ? values[0] : values.length === 0 ? 'none' : undefined;
  });
  for (let index = 1; index < keys.length; index++) {
    const [left, right] = [keys[index - 1], keys[index]];
    if (left === 'none' && right !== 'none' && right !== undefined) return false;
    if (typeof left !== 'number' || typeof right !== 'number') continue;
    if (order.direction === 'descending' ? left < right : left > right) return false;
  }
  return true;
}

async function pages(repository: Repository, query: Query, limit: number): Promise<string[]> {
  const found: string[] = [];
  const session = await repository.login('reader');
  try {
    let after: string | undefined;
    do {
      const result = await session.query({ ...query, limit, ...(after !== undefined && { after }) });
      found.push(...(await pathsOf(result.nodes())));
      after = result.next;
    } while (after !== undefined);
  } finally {
    await session.close();
  }
  return found;
}

interface Setting {
  readonly indexed: boolean;
  /** 0 has every order that can be read from an index read from it. */
  readonly maxSortedEntries: number;
}

async function openWith(
  { indexed, maxSortedEntries }: Setting,
  nodes: readonly RandomNode[],
  denied: readonly string[],
): Promise<Repository> {
  const stores = { nodes: createMemoryNodeStore(), blobs: createMemoryBlobStore() };
  const repository = await openRepository(stores, { queries: { maxSortedEntries } });
  const session = await repository.login('admin');
  if (indexed) {
    await defineIndex(session, 'p', 'property', ['p', 'title']);
    await defineIndex(session, 'q', 'property', ['q']);
    await defineIndex(session, 'allTypes', 'property', ['jcr:primaryType', 'jcr:mixinTypes']);
    await defineIndex(session, 'allText', 'fulltext');
    await session.save();
    await repository.indexer.catchUp();
  }
  await addNodes(session, nodes);
  await session.save();
  await session.close();
  await addReader(repository, denied);
  return repository;
}

/** What the reader may read, the root among it. */
async function readableListing(repository: Repository): Promise<Listing> {
  const [admin, reader] = [await repository.login('admin'), await repository.login('reader')];
  try {
    const all = ['/', ...(await pathsOf(admin.descendants('/')))];
    return listingOf((await reader.findNodes(all)).filter((node) => node !== undefined));
  } finally {
    await admin.close();
    await reader.close();
  }
}

describe.each<[string, Setting]>([
  ['without indexes', { indexed: false, maxSortedEntries: 1000 }],
  ['with indexes, sorting in memory', { indexed: true, maxSortedEntries: 1000 }],
  ['with indexes, in their order', { indexed: true, maxSortedEntries: 0 }],
])('random queries %s', (_, setting) => {
  it('find what a full listing holds, and nothing that may not be read', async () => {
    await fc.assert(
      fc.asyncProperty(
        randomNodes,
        deniedPaths,
        fc.array(randomQuery, { minLength: 5, maxLength: 15 }),
        async (nodes, denied, queries) => {
          const repository = await openWith(setting, nodes, denied);
          try {
            const listing = await readableListing(repository);
            const session = await repository.login('reader');
            for (const query of queries) {
              const result = await session.query({ ...query, count: true });
              const hits = await collect(result.nodes());
              const found = hits.map(({ path }) => path);
              expect(found.toSorted(), result.plan.text).toEqual(referenceHits(listing, query).sort());
              expect(result.total).toBe(found.length);
              const [order] = query.order ?? [];
              if (order) expect(isOrdered(listing, hits, order)).toBe(true);
              expect(await pages(repository, query, 2)).toEqual(found);
              const part = await session.query({ ...query, offset: 1, limit: 3 });
              expect(await pathsOf(part.nodes())).toEqual(found.slice(1, 4));
            }
            await session.close();
          } finally {
            await repository.close();
          }
        },
      ),
      { numRuns: 25 },
    );
  }, 120_000);
});

describe('alternatives that read the same index', () => {
  it.each<[string, Query]>([
    [
      'one of them asks for more than the index holds',
      { where: { or: [{ and: [v('<=', ''), { property: 'p', op: '>', value: -3 }] }, v('<', 'z')] } },
    ],
    ['one of them reads more of it than it asks for', { where: { or: [v('like', 'ab%c'), v('>', 'aa')] } }],
  ])('give a node once: %s', async (_, query) => {
    const nodes = ['', 'abx', 'abc'].map((q, index) => ({
      path: `/content/n${index}`,
      primaryType: 'nt:unstructured',
      mixins: [],
      properties: { q: [q] },
    }));
    const repository = await openWith({ indexed: true, maxSortedEntries: 1000 }, nodes, []);
    try {
      const listing = await readableListing(repository);
      const found = await pages(repository, query, 2);
      expect(found.toSorted()).toEqual(referenceHits(listing, query).sort());
      expect(found.length).toBeGreaterThan(1);
    } finally {
      await repository.close();
    }
  });
});

function v(op: '<' | '<=' | '>' | 'like', value: string): Condition {
  return { property: 'q', op, value };
}
