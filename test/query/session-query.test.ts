import { describe, expect, it } from 'vitest';
import { deny, grant } from '../../repository/access/policy.js';
import type { Repository, Session } from '../../repository/api.js';
import { parseQueryBuilder } from '../../repository/query/query-builder.js';
import type { Condition, Query } from '../../repository/query/query.js';
import { openRepository } from '../../repository/repository.js';
import { createUser } from '../../repository/users.js';
import { backends, collect, namesOf, openFor, pathsOf, sessionOf } from '../repository/world.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';

async function openSmall(maxVisitedNodes = 100_000): Promise<Repository> {
  const stores = { nodes: createMemoryNodeStore(), blobs: createMemoryBlobStore() };
  return openFor(async () => openRepository(stores, { queries: { maxVisitedNodes } }));
}

async function addAsset(
  session: Session,
  path: string,
  metadata: Record<string, string | string[]>,
  title?: string,
): Promise<void> {
  await session.ensureNode(path, { primaryType: 'dam:Asset' });
  await session.addNode(`${path}/jcr:content`, {
    primaryType: 'dam:AssetContent',
    ...(title !== undefined && { properties: { 'jcr:title': title } }),
  });
  await session.addNode(`${path}/jcr:content/metadata`, { properties: metadata });
}

async function search(session: Session, query: Query): Promise<string[]> {
  return (await namesOf((await session.query(query)).nodes())).sort();
}

describe('conditions', () => {
  const long = 'z'.repeat(400);
  const nodes = {
    text: { v: 'lake' },
    number: { v: 5 },
    double: { v: 2.5 },
    big: { v: 2n ** 62n },
    bigger: { v: 2n ** 62n + 1n },
    date: { v: new Date('2024-05-01T10:00:00Z') },
    yes: { v: true },
    several: { v: ['lake', 'sea'] },
    empty: { v: [] },
    long: { v: `${long}1` },
    longer: { v: `${long}2` },
    nothing: {},
  };
  const v = (
    op: '=' | '!=' | '<' | '<=' | '>' | '>=',
    value: string | number | bigint | boolean | Date,
  ): Condition => ({
    property: 'v',
    op,
    value,
  });

  it.each<[string, Condition, string[]]>([
    ['text', v('=', 'lake'), ['several', 'text']],
    ['number by number', v('=', 5), ['number']],
    ['number by text', v('=', '5'), ['number']],
    ['double', v('=', 2.5), ['double']],
    ['number beyond 2^53', v('=', 2n ** 62n + 1n), ['bigger']],
    ['date by Date', v('=', new Date('2024-05-01T10:00:00Z')), ['date']],
    ['date by text of another zone', v('=', '2024-05-01T12:00:00+02:00'), ['date']],
    ['boolean', v('=', true), ['yes']],
    ['boolean by text', v('=', 'true'), ['yes']],
    ['long text', v('=', `${long}2`), ['longer']],
    [
      'any value that differs',
      v('!=', 'lake'),
      ['several', 'bigger', 'big', 'date', 'double', 'long', 'longer', 'number', 'yes'],
    ],
    ['less', v('<', 5), ['double']],
    ['at most', v('<=', 5), ['double', 'number']],
    ['more', v('>', 2n ** 62n), ['bigger']],
    ['at least', v('>=', 2n ** 62n), ['big', 'bigger']],
    ['after a day', v('>', '2024-04-30'), ['date', 'several', 'long', 'longer', 'text']],
    ['more than a long text', v('>', `${long}1`), ['longer']],
    ['in', { property: 'v', op: 'in', value: ['sea', 5, 'lake'] }, ['number', 'several', 'text']],
    ['like', { property: 'v', op: 'like', value: 'l%e' }, ['several', 'text']],
    ['like one character', { property: 'v', op: 'like', value: '_ea' }, ['several']],
    ['like is no prefix', { property: 'v', op: 'like', value: 'lak' }, []],
    ['between', { property: 'v', op: 'between', from: { value: 2.5, open: true }, to: { value: 5 } }, ['number']],
    ['missing', { property: 'v', op: 'missing' }, ['nothing']],
    ['exists', { and: [{ property: 'v', op: 'exists' }, { name: 'e*' }] }, ['empty']],
    ['not', { and: [{ not: v('=', 'lake') }, { name: '?e*' }] }, ['yes']],
    ['or', { or: [v('=', 5), v('=', true)] }, ['number', 'yes']],
  ])('%s', async (_, where, expected) => {
    const repository = await openSmall();
    const session = await sessionOf(repository);
    await session.addNode('/c');
    for (const [name, properties] of Object.entries(nodes)) await session.addNode(`/c/${name}`, { properties });
    await session.addNode('/oak:index/v', {
      properties: { type: 'property', propertyNames: ['v'], includedPaths: ['/c'] },
    });
    await session.save();
    const plain = await session.query({ path: '/c', where });
    expect((await namesOf(plain.nodes())).sort()).toEqual(expected.sort());
    await repository.indexer.catchUp();
    await session.refresh();
    expect(await search(session, { path: '/c', where })).toEqual(expected.sort());
  });

  it.each<[string, Query]>([
    ['a path that is none', { path: 'content' }],
    ['a name that is none', { where: { property: 'a//b', op: 'exists' } }],
    ['a limit below 0', { limit: -1 }],
    ['score without a full text', { order: [{ by: 'score' }] }],
    ['a full text without a word', { fullText: '!!' }],
    ['a cursor that is none', { after: 'x' }],
    ['an invalid date', { where: { property: 'a', op: '=', value: new Date('x') } }],
    ['a bound for nothing', { where: { property: 'a', op: 'between' } }],
    ['more than is sorted at once', { order: [{ by: 'path' }], offset: 9_990, limit: 11 }],
  ])('refuse %s', async (_, query) => {
    const session = await sessionOf(await openSmall());
    await expect(session.query(query)).rejects.toMatchObject({ code: 'INVALID_QUERY' });
  });
});

describe('full text', () => {
  it.each<[string, string[]]>([
    ['lake', ['deep.jpg', 'lake-view.jpg']],
    ['LAKE mountain', ['lake-view.jpg']],
    ['lake OR desert', ['deep.jpg', 'lake-view.jpg', 'sand.jpg']],
    ['lake -deep', ['lake-view.jpg']],
    ['"deep lake"', ['deep.jpg']],
    ['"lake deep"', []],
    ['moun*', ['lake-view.jpg']],
    ['view', ['lake-view.jpg']],
    ['strasse', ['sand.jpg']],
    ['wüste', ['sand.jpg']],
    ['wuste', ['sand.jpg']],
    ['大海', ['sea.jpg']],
    ['nature', ['deep.jpg']],
  ])('%s', async (fullText, expected) => {
    const session = await sessionOf(await openSmall());
    await addAsset(session, '/content/dam/lake-view.jpg', { 'dc:title': 'Mountain' });
    await addAsset(session, '/content/dam/deep.jpg', { 'dc:title': 'A deep lake', 'cq:tags': ['nature/water'] });
    await addAsset(session, '/content/dam/sand.jpg', { 'dc:description': 'Desert, Straße, WÜSTE' });
    await addAsset(session, '/content/dam/sea.jpg', {}, '我喜欢大海');
    await session.save();
    const indexed = await session.query({ type: 'dam:Asset', fullText });
    expect(indexed.plan.indexes).toEqual(['/oak:index/assetText']);
    expect((await namesOf(indexed.nodes())).sort()).toEqual(expected);
    const walked = await session.query({ path: '/content/dam', depth: 'children', fullText });
    expect(walked.plan.indexes).toEqual([]);
    expect((await namesOf(walked.nodes())).sort()).toEqual(expected);
  });

  it('ranks by how often and how rarely words occur', async () => {
    const session = await sessionOf(await openSmall());
    await addAsset(session, '/content/dam/a', { 'dc:title': 'lake one two three four five six seven' });
    await addAsset(session, '/content/dam/b', { 'dc:title': 'lake lake' });
    await addAsset(session, '/content/dam/c', { 'dc:title': 'heron' });
    await session.save();
    const result = await session.query({ type: 'dam:Asset', fullText: 'lake OR heron' });
    expect(await namesOf(result.nodes())).toEqual(['c', 'b', 'a']);
  });
});

describe.each(Object.entries(backends))('a result on %s', (_, open) => {
  it('pages by cursor as deep as it goes, as one listing has it', async () => {
    const session = await sessionOf(await openFor(open));
    await session.addNode('/c', { primaryType: 'sling:Folder' });
    for (let count = 0; count < 700; count++) {
      await session.addNode(`/c/n${count}`, { properties: { 'jcr:created': new Date(count % 90), 'dc:format': 'x' } });
    }
    await session.save();
    const queries: Query[] = [
      { where: { property: 'dc:format', op: '=', value: 'x' } },
      { path: '/c' },
      { where: { property: 'jcr:created', op: '>', value: new Date(10) } },
      { where: { property: 'dc:format', op: '=', value: 'x' }, order: [{ property: 'jcr:created' }] },
    ];
    for (const query of queries) {
      const whole = await pathsOf((await session.query(query)).nodes());
      expect(whole.length).toBeGreaterThan(500);
      const paged: string[] = [];
      let after: string | undefined;
      do {
        const page = await session.query({ ...query, limit: 97, ...(after !== undefined && { after }) });
        paged.push(...(await pathsOf(page.nodes())));
        after = page.next;
      } while (after !== undefined);
      expect(paged).toEqual(whole);
    }
  });

  it('is of the snapshot of the session, not of its unsaved changes nor of later saves', async () => {
    const repository = await openFor(open);
    const [session, other] = [await sessionOf(repository), await sessionOf(repository)];
    const query: Query = { where: { property: 'dc:format', op: '=', value: 'x' } };
    await session.addNode('/mine', { properties: { 'dc:format': 'x' } });
    expect(await search(session, query)).toEqual([]);
    await other.addNode('/theirs', { properties: { 'dc:format': 'x' } });
    await other.save();
    expect(await search(session, query)).toEqual([]);
    await session.save();
    expect(await search(session, query)).toEqual(['mine', 'theirs']);
  });

  it('is refused once the session moved on', async () => {
    const session = await sessionOf(await openFor(open));
    const result = await session.query({});
    await session.refresh();
    await expect(collect(result.nodes())).rejects.toMatchObject({ code: 'SNAPSHOT_EXPIRED' });
  });
});

describe.each(Object.entries(backends))('properties that may not be read, on %s', (_, open) => {
  it.each<[string, Condition]>([
    ['by an index', { property: 'dc:format', op: '=', value: 'secret' }],
    ['by a traversal', { property: 'note', op: '=', value: 'secret' }],
  ])('neither make a hit nor show in one: %s', async (__, where) => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    await createUser(session, { id: 'ada' });
    for (const name of ['closed', 'open']) {
      await session.addNode(`/${name}`, { properties: { 'dc:format': 'secret', note: 'secret' } });
    }
    await grant(session, '/', 'ada', ['jcr:read']);
    await deny(session, '/closed', 'ada', ['rep:readProperties']);
    await session.save();
    const ada = await sessionOf(repository, 'ada');
    // Read as an administrator first, so that the cache holds them whole.
    expect(await search(session, { where, limit: 10 })).toEqual(['closed', 'open']);
    expect(await search(ada, { where, limit: 10 })).toEqual(['open']);
    const named = await collect((await ada.query({ where: { name: 'closed' }, limit: 10 })).nodes());
    expect(named.map((node) => [...node.properties.keys()])).toEqual([['jcr:primaryType']]);
    const total = await ada.query({ where, count: true });
    expect(total.total).toBe(1);
  });
});

describe('a query without an index', () => {
  it('is refused above the number of nodes it may look at, and says so', async () => {
    const session = await sessionOf(await openSmall(50));
    for (let count = 0; count < 60; count++) await session.addNode(`/n${count}`, { properties: { v: count } });
    await session.save();
    const where: Condition = { property: 'v', op: '=', value: 1000 };
    const result = await session.query({ where });
    expect(result.plan.text).toBe('traversal: no index');
    await expect(collect(result.nodes())).rejects.toMatchObject({ code: 'QUERY_TOO_EXPENSIVE' });
    await expect(session.query({ where, count: true })).rejects.toMatchObject({ code: 'QUERY_TOO_EXPENSIVE' });
    const narrow = await session.query({ path: '/oak:index', where, maxVisited: 3 });
    await expect(collect(narrow.nodes())).rejects.toMatchObject({ code: 'QUERY_TOO_EXPENSIVE' });
  });

  it('is not refused for nodes that may not be read, nor does it count them', async () => {
    const repository = await openSmall(50);
    const session = await sessionOf(repository);
    await createUser(session, { id: 'ada' });
    await session.addNode('/open');
    await session.addNode('/closed');
    for (let count = 0; count < 90; count++) await session.addNode(`/closed/n${count}`, { properties: { v: 1 } });
    await grant(session, '/', 'ada', ['jcr:read']);
    await deny(session, '/closed', 'ada', ['jcr:read']);
    await deny(session, '/home', 'ada', ['jcr:read']);
    await session.save();
    const ada = await sessionOf(repository, 'ada');
    const result = await ada.query({ where: { property: 'v', op: '=', value: 1 }, count: true });
    expect(await pathsOf(result.nodes())).toEqual([]);
    expect(result.total).toBe(0);
    expect(result.plan.visited).toBeLessThan(50);
  });
});

describe('QueryBuilder parameters', () => {
  it('find assets by what lies below them', async () => {
    const session = await sessionOf(await openSmall());
    await addAsset(session, '/content/dam/a', { 'dc:format': 'image/png', 'cq:tags': ['sea:calm/blue'] });
    await addAsset(session, '/content/dam/b', { 'dc:format': 'image/jpeg', 'cq:tags': ['sea:calmer'] });
    await session.save();
    const found = async (text: string) => search(session, parseQueryBuilder(text).query);
    const assets = 'path=/content/dam&type=dam:Asset';
    expect(await found(`${assets}&property=jcr:content/metadata/dc:format&property.value=image/png`)).toEqual(['a']);
    expect(await found(`${assets}&tagid=sea:calm&tagid.property=jcr:content/metadata/cq:tags`)).toEqual(['a']);
    expect(await found(`${assets}&nodename=b`)).toEqual(['b']);
  });
});
