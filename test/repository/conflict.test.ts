import { describe, expect, it } from 'vitest';
import type { Repository, Session } from '../../repository/api.js';
import { addMember, createUser, groupsOf } from '../../repository/users.js';
import { backends, collect, namesOf, openFor, sessionOf } from './world.js';

type Change = (session: Session) => Promise<unknown>;

/** What every case starts with: /a with properties x and y and a child /a/b. */
async function setUp(session: Session): Promise<void> {
  await session.addNode('/a', { properties: { x: 1, y: 1 } });
  await session.addNode('/a/b');
  await session.addNode('/a/b/c');
  await session.addNode('/to');
  await session.save();
}

const set =
  (path: string, properties: Parameters<Session['setProperties']>[1]): Change =>
  (session) =>
    session.setProperties(path, properties);
const add =
  (path: string): Change =>
  (session) =>
    session.addNode(path);
const remove =
  (path: string): Change =>
  (session) =>
    session.remove(path);
const move =
  (from: string, to: string): Change =>
  (session) =>
    session.move(from, to);
const order =
  (path: string, sibling: string | undefined): Change =>
  (session) =>
    session.orderBefore(path, sibling);

/** Paths in child order, with their properties. */
async function contentOf(repository: Repository): Promise<[string, Record<string, unknown>][]> {
  const nodes = await collect((await sessionOf(repository)).descendants('/'));
  return nodes
    .filter(({ path }) => !path.startsWith('/home'))
    .map(({ path, properties }) => [path, Object.fromEntries(properties)]);
}

describe.each(Object.entries(backends))('two saves on %s', (_name, open) => {
  const outcome = async (first: Change, second: Change) => {
    const repository = await openFor(open);
    await setUp(await sessionOf(repository));
    const [one, two] = [await sessionOf(repository), await sessionOf(repository)];
    await first(one);
    await second(two);
    await one.save();
    const error = await two.save().then(
      () => undefined,
      (caught: unknown) => caught,
    );
    return { error, two, repository };
  };

  /** What one save after the other makes of it: merging must come to the same. */
  const contentAfter = async (changes: readonly Change[]) => {
    const repository = await openFor(open);
    await setUp(await sessionOf(repository));
    for (const change of changes) {
      const session = await sessionOf(repository);
      await change(session);
      await session.save();
    }
    return contentOf(repository);
  };

  it.each<[string, Change, Change]>([
    ['different properties of one node', set('/a', { x: 2 }), set('/a', { y: 2 })],
    ['the same property to the same value', set('/a', { x: 2 }), set('/a', { x: 2 })],
    ['removing one property and setting another', set('/a', { x: null }), set('/a', { y: 2 })],
    ['different children of one node', add('/a/one'), add('/a/two')],
    ['a child and a property of its parent', add('/a/one'), set('/a', { x: 2 })],
    ['a property below a node whose property changes', set('/a/b/c', { x: 2 }), set('/a', { x: 2 })],
    ['removing different children', remove('/a/b'), remove('/to')],
    ['the order of a node and its property', order('/a', undefined), set('/a', { x: 2 })],
    ['a child of a node and the order of its others', add('/one'), order('/to', 'a')],
    ['a move and a change elsewhere', move('/a/b', '/to/b'), set('/a', { x: 2 })],
    ['ensuring the same node', (s) => s.ensureNode('/v/w/one'), (s) => s.ensureNode('/v/w/two')],
    ['ensuring the very same node', (s) => s.ensureNode('/v/w'), (s) => s.ensureNode('/v/w')],
  ])('merge: %s', async (_case, first, second) => {
    const { error, two, repository } = await outcome(first, second);
    expect(error).toBeUndefined();
    expect(two.hasPendingChanges).toBe(false);
    expect(await contentOf(repository)).toEqual(await contentAfter([first, second]));
  });

  it.each<[string, Change, Change, string[]]>([
    ['the same property to different values', set('/a', { x: 2 }), set('/a', { x: 3 }), ['/a']],
    ['setting and removing one property', set('/a', { x: 2 }), set('/a', { x: null }), ['/a']],
    ['the same child', add('/a/one'), add('/a/one'), ['/a/one']],
    ['changing what was removed', remove('/a'), set('/a/b', { x: 2 }), ['/a/b']],
    ['adding below what was removed', remove('/a'), add('/a/b/new'), ['/a/b']],
    ['removing what was changed', set('/a', { x: 2 }), remove('/a'), ['/a']],
    ['removing a subtree changed within', set('/a/b/c', { x: 2 }), remove('/a'), ['/a']],
    ['removing a subtree that gained a node', add('/a/b/new'), remove('/a'), ['/a']],
    ['moving a subtree that gained a node', add('/a/b/new'), move('/a', '/to/a'), ['/a']],
    ['moving what was changed', set('/a/b', { x: 2 }), move('/a/b', '/to/b'), ['/a/b']],
    [
      'removing at its new place what was changed at the old one',
      set('/to', { x: 2 }),
      async (session) => {
        await session.move('/to', '/a/to');
        await session.remove('/a/to');
      },
      ['/to'],
    ],
    ['adding below what was moved', move('/a', '/to/a'), add('/a/new'), ['/a']],
    ['moving into what was removed', remove('/to'), move('/a', '/to/a'), ['/to']],
    ['removing the same node', remove('/a'), remove('/a'), ['/a']],
    ['moving the same node', move('/a', '/to/x'), move('/a', '/to/y'), ['/a', '/a/b', '/a/b/c']],
    ['two places in the order', order('/a', undefined), order('/a', 'home'), ['/a']],
  ])('conflict: %s', async (_case, first, second, paths) => {
    const { error, two } = await outcome(first, second);
    expect(error).toMatchObject({ code: 'CONFLICT' });
    expect(new Set((error as { paths: string[] }).paths)).toEqual(new Set(paths));
    expect((error as Error).message).toContain(paths[0]);
    expect(two.hasPendingChanges, 'the pending changes stay').toBe(true);
  });

  it('merges both changes into the newest record', async () => {
    const { repository } = await outcome(set('/a', { x: 2, only1: 'a' }), set('/a', { y: 3, only2: null }));
    const node = await (await sessionOf(repository)).getNode('/a');
    expect([node.number('x'), node.number('y'), node.text('only1')]).toEqual([2, 3, 'a']);
  });

  it('does not merge with another node that took the place', async () => {
    const replace: Change = async (session) => {
      await session.remove('/a/b');
      await session.addNode('/a/b', { properties: { x: 'new' } });
    };
    const { error } = await outcome(replace, set('/a/b', { y: 2 }));
    expect(error).toMatchObject({ code: 'CONFLICT', paths: ['/a/b'] });
  });

  it('saves nothing of a save that conflicts', async () => {
    const { error, repository } = await outcome(set('/a', { x: 2 }), async (session) => {
      await session.addNode('/fresh');
      await session.setProperties('/a', { x: 3 });
    });
    expect(error).toMatchObject({ code: 'CONFLICT' });
    expect(await (await sessionOf(repository)).findNode('/fresh')).toBeUndefined();
  });

  it('succeeds after refresh with the changes kept, which then win', async () => {
    const { error, two, repository } = await outcome(set('/a', { x: 2, y: 2 }), async (session) => {
      await session.setProperties('/a', { x: 3 });
      await session.remove('/to');
    });
    expect(error).toMatchObject({ code: 'CONFLICT' });
    await two.refresh(true);
    await two.save();
    const check = await sessionOf(repository);
    const node = await check.getNode('/a');
    expect([node.number('x'), node.number('y')]).toEqual([3, 2]);
    expect(await check.findNode('/to')).toBeUndefined();
  });

  it('keeps conflicting after refresh where the node is gone, until the changes are dropped', async () => {
    const { two } = await outcome(remove('/a'), set('/a', { x: 3 }));
    await two.refresh(true);
    await expect(two.save()).rejects.toMatchObject({ code: 'CONFLICT', paths: ['/a'] });
    await two.refresh();
    expect(await two.save()).toBe(two.sequence);
  });

  it('never lose a move to changes made meanwhile, not even after refresh', async () => {
    const { two } = await outcome(add('/a/b/late'), move('/a', '/to/a'));
    await two.refresh(true);
    await expect(two.save()).rejects.toMatchObject({ code: 'CONFLICT', paths: ['/a'] });
  });

  it('of many sessions at once all land when they add children and set different properties', async () => {
    const repository = await openFor(open);
    await setUp(await sessionOf(repository));
    const count = 12;
    const sessions = await Promise.all(Array.from({ length: count }, () => sessionOf(repository)));
    for (const [index, session] of sessions.entries()) {
      await session.addNode(`/to/n${index}`);
      await session.setProperties('/to', { [`p${index}`]: index });
    }
    await Promise.all(sessions.map((session) => session.save()));
    const check = await sessionOf(repository);
    const names = Array.from({ length: count }, (_, index) => `n${index}`);
    expect((await namesOf(check.children('/to'))).toSorted()).toEqual(names.toSorted());
    const to = await check.getNode('/to');
    expect(Array.from({ length: count }, (_, index) => to.number(`p${index}`))).toEqual(
      Array.from({ length: count }, (_, index) => index),
    );
  });

  it('that add different members to one group both count', async () => {
    const repository = await openFor(open);
    const [one, two] = [await sessionOf(repository), await sessionOf(repository)];
    await createUser(one, { id: 'ada', groups: ['dam-users'] });
    await createUser(two, { id: 'ben', groups: ['dam-users'] });
    await addMember(two, 'administrators', 'ben');
    await one.save();
    await two.save();
    const check = await sessionOf(repository);
    expect(await groupsOf(check, 'ada')).toContain('dam-users');
    expect(await groupsOf(check, 'ben')).toEqual(expect.arrayContaining(['dam-users', 'administrators']));
  });
});
