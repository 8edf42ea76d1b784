import { describe, expect, it } from 'vitest';
import type { Session } from '../../repository/api.js';
import { updateIndexes } from '../../repository/query/shipped-indexes.js';
import type { ShippedIndexes } from '../../repository/query/shipped-indexes.js';
import { backends, namesOf, openFor, sessionOf } from '../repository/world.js';

const tags = { type: 'property', propertyNames: ['cq:tags'] } as const;
const format = { type: 'property', propertyNames: ['dc:format'] } as const;

/** A version after the one that is shipped: one more index, and others for two of its own. */
const next: ShippedIndexes = {
  version: 1000,
  indexes: {
    colour: { since: 1000, definition: { type: 'property', propertyNames: ['colour'] } },
    tags: { since: 1, definition: { ...tags, declaringNodeTypes: ['dam:Asset'] }, earlier: [tags] },
    format: { since: 1, definition: { ...format, includedPaths: ['/content'] }, earlier: [format] },
    created: { since: 1, definition: { type: 'property', propertyNames: ['jcr:created'] } },
  },
};

const change = async (session: Session, work: () => Promise<unknown>) => {
  await session.refresh();
  await work();
  await session.save();
};

describe.each(Object.entries(backends))('shipped indexes on %s', (_name, open) => {
  it('are there from the beginning, and a start of the same version changes nothing', async () => {
    const repository = await openFor(open);
    const head = await repository.head();
    expect(await updateIndexes(repository)).toEqual({ added: [], changed: [], kept: [] });
    expect(await repository.head()).toBe(head);
    expect((await repository.indexer.list()).map(({ phase }) => phase)).not.toContain('building');
  });

  it('come to a repository from before there were any, and are built in the background', async () => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    await change(session, async () => {
      await session.remove('/oak:index');
      await session.addNode('/a', { properties: { 'dc:format': 'image/png' } });
    });
    expect((await updateIndexes(repository)).added).toContain('format');
    const states = async () => new Map((await repository.indexer.list()).map(({ name, phase }) => [name, phase]));
    expect((await states()).get('format')).toBe('building');
    await repository.indexer.catchUp();
    expect((await states()).get('format')).toBe('ready');
    await session.refresh();
    const result = await session.query({ where: { property: 'dc:format', op: '=', value: 'image/png' } });
    expect(await namesOf(result.nodes())).toEqual(['a']);
    expect(result.plan.indexes).toEqual(['/oak:index/format']);
    const reader = await sessionOf(repository);
    expect(await reader.findNode('/oak:index/format')).toBeDefined();
  });

  it('follow a newer version where nobody changed them', async () => {
    const repository = await openFor(open);
    expect(await updateIndexes(repository, next)).toEqual({ added: ['colour'], changed: ['tags', 'format'], kept: [] });
    await repository.indexer.catchUp();
    const list = new Map((await repository.indexer.list()).map((index) => [index.name, index]));
    expect(list.get('tags')).toMatchObject({ phase: 'ready', declaringNodeTypes: ['dam:Asset'] });
    expect(list.get('colour')).toMatchObject({ phase: 'ready', propertyNames: ['colour'] });
    const head = await repository.head();
    expect(await updateIndexes(repository, next)).toEqual({ added: [], changed: [], kept: [] });
    expect(await updateIndexes(repository)).toEqual({ added: [], changed: [], kept: [] });
    expect(await repository.head()).toBe(head);
  });

  it('stay as an administrator changed or removed them, which is said', async () => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    await change(session, async () => {
      await session.setProperties('/oak:index/tags', { propertyNames: ['cq:tags', 'mine'] });
      await session.remove('/oak:index/format');
      await session.addNode('/oak:index/colour', { properties: { type: 'property', propertyNames: ['color'] } });
    });
    expect(await updateIndexes(repository, next)).toEqual({
      added: [],
      changed: [],
      kept: [
        { name: 'colour', reason: 'changed here' },
        { name: 'tags', reason: 'changed here' },
        { name: 'format', reason: 'removed here' },
      ],
    });
    await session.refresh();
    expect((await session.getNode('/oak:index/tags')).texts('propertyNames')).toEqual(['cq:tags', 'mine']);
    expect(await session.findNode('/oak:index/format')).toBeUndefined();
  });

  it('come once when two starts bring them at the same time', async () => {
    const repository = await openFor(open);
    const updates = await Promise.all([updateIndexes(repository, next), updateIndexes(repository, next)]);
    expect(updates.flatMap(({ added }) => added)).toContain('colour');
    const session = await sessionOf(repository);
    expect((await session.getNode('/oak:index')).number('satchel:indexVersion')).toBe(1000);
  });
});
