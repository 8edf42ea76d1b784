import { describe, expect, it } from 'vitest';
import { deny, grant } from '../../repository/access/policy.js';
import type { Repository, Session } from '../../repository/api.js';
import { createUser } from '../../repository/users.js';
import type { Version } from '../../repository/versions/api.js';
import { backends, collect, namesOf, openFor, pathsOf, sessionOf } from './world.js';

/** /site/page is versionable, with content, a part that only admin may read, and a nested versionable. */
async function setUp(open: () => Promise<Repository>): Promise<{ repository: Repository; admin: Session }> {
  const repository = await openFor(open);
  const admin = await sessionOf(repository);
  for (const id of ['ada', 'bob', 'eve']) await createUser(admin, { id });
  await admin.addNode('/site');
  await admin.addNode('/site/page', { mixins: ['mix:versionable'], properties: { title: 'one' } });
  for (const name of ['b', 'a', 'c']) await admin.addNode(`/site/page/${name}`, { properties: { text: name } });
  await admin.addNode('/site/page/a/secret', { properties: { text: 'hidden' } });
  await admin.addNode('/site/page/part', { mixins: ['mix:versionable'] });
  await admin.addNode('/other');
  await grant(admin, '/site', 'ada', ['jcr:read', 'rep:write', 'jcr:versionManagement']);
  await grant(admin, '/site', 'bob', ['jcr:read']);
  for (const id of ['ada', 'bob']) await deny(admin, '/site/page/a/secret', id, ['jcr:read']);
  await admin.save();
  return { repository, admin };
}

async function versionNames(versions: AsyncIterable<Version>): Promise<string[]> {
  return (await collect(versions)).map(({ name }) => name);
}

/** Code and message, the subject's name taken out. */
async function answerOf(work: Promise<unknown>, subject: string): Promise<[string, string]> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught as Error & { code: string },
  );
  return [error?.code ?? '', error?.message.replaceAll(subject, 'SUBJECT') ?? ''];
}

describe.each(Object.entries(backends))('versions on %s', (_name, open) => {
  it('make a node checked out when it becomes versionable, however it does', async () => {
    const { admin } = await setUp(open);
    await admin.addNode('/late');
    await admin.setProperties('/late', {
      'jcr:mixinTypes': { type: 'Name', multiple: true, values: ['mix:simpleVersionable'] },
    });
    await admin.addNode('/given', {
      mixins: ['mix:versionable'],
      properties: { 'jcr:isCheckedOut': false },
      imported: true,
    });
    await admin.save();
    for (const path of ['/site/page', '/late', '/given']) {
      expect((await admin.getNode(path)).boolean('jcr:isCheckedOut'), path).toBe(true);
      expect(await namesOf(admin.versions.history(path) as never), path).toEqual([]);
    }
  });

  it('are numbered, newest first, and say who, why and where', async () => {
    const { admin, repository } = await setUp(open);
    expect(await admin.versions.checkIn('/site/page', { comment: 'first' })).toBe('1.0');
    await admin.versions.checkOut('/site/page');
    const ada = await sessionOf(repository, 'ada');
    await ada.setProperties('/site/page', { title: 'two' });
    await ada.save();
    expect(await ada.versions.checkpoint('/site/page')).toBe('1.1');
    expect((await ada.getNode('/site/page')).boolean('jcr:isCheckedOut')).toBe(true);
    const history = await collect(ada.versions.history('/site/page'));
    expect(
      history.map(({ name, createdBy, comment, path, predecessors, isBase }) => ({
        name,
        createdBy,
        comment,
        path,
        predecessors,
        isBase,
      })),
    ).toEqual([
      { name: '1.1', createdBy: 'ada', comment: undefined, path: '/site/page', predecessors: ['1.0'], isBase: true },
      { name: '1.0', createdBy: 'admin', comment: 'first', path: '/site/page', predecessors: [], isBase: false },
    ]);
    // page, a, b, c, secret and part; the policy of secret is not frozen.
    expect(history.map(({ nodes }) => nodes)).toEqual([6, 6]);
  });

  it('are seen by observers as a change of the node alone, and never in listings', async () => {
    const { admin, repository } = await setUp(open);
    const before = await pathsOf(admin.descendants('/'));
    const start = await repository.head();
    await admin.versions.checkIn('/site/page');
    const commits = await collect(repository.commitsAfter(start));
    expect(commits.map(({ userId, changes }) => ({ userId, changes }))).toEqual([
      {
        userId: 'admin',
        changes: [
          {
            kind: 'propertiesChanged',
            path: '/site/page',
            primaryType: 'nt:unstructured',
            properties: ['jcr:isCheckedOut'],
          },
        ],
      },
    ]);
    expect(await pathsOf(admin.descendants('/'))).toEqual(before);
  });

  it.each<[string, (session: Session) => Promise<unknown>]>([
    ['a property', (session) => session.setProperties('/site/page', { title: 'x' })],
    ['a property below', (session) => session.setProperties('/site/page/a', { text: 'x' })],
    ['a new child', (session) => session.addNode('/site/page/new')],
    ['a new node further down', (session) => session.addNode('/site/page/a/new')],
    ['removing a child', (session) => session.remove('/site/page/a')],
    ['removing a versionable child', (session) => session.remove('/site/page/part')],
    ['moving a child out', (session) => session.move('/site/page/a', '/other/a')],
    ['moving a node in', (session) => session.move('/other', '/site/page/other')],
    ['renaming a child', (session) => session.move('/site/page/a', '/site/page/z')],
    ['the order of children', (session) => session.orderBefore('/site/page/c', 'b')],
    [
      'no longer being versionable',
      (session) => session.setProperties('/site/page', { 'jcr:mixinTypes': null, 'jcr:uuid': null }),
    ],
    [
      'a change along with a move of the node',
      async (session) => {
        await session.move('/site/page', '/other/page');
        await session.setProperties('/other/page/a', { text: 'x' });
      },
    ],
  ])('refuse, while the node is checked in: %s', async (_case, change) => {
    const { admin } = await setUp(open);
    await admin.versions.checkIn('/site/page');
    await change(admin);
    await expect(admin.save()).rejects.toMatchObject({
      code: 'NODE_CHECKED_IN',
      paths: [expect.stringMatching(/^\/(site|other)\/page$/) as string],
    });
  });

  it.each<[string, (session: Session) => Promise<unknown>]>([
    ['its policy', (session) => grant(session, '/site/page', 'eve', ['jcr:read'])],
    ['moving it', (session) => session.move('/site/page', '/other/page')],
    ['removing it', (session) => session.remove('/site/page')],
    ['its place among siblings', (session) => session.orderBefore('/site/page', undefined)],
    ['a versionable node below', (session) => session.setProperties('/site/page/part', { text: 'x' })],
    ['a node below that one', (session) => session.addNode('/site/page/part/new')],
    ['its sibling', (session) => session.addNode('/site/page2')],
    [
      'everything after it is checked out',
      async (session) => {
        await session.versions.checkOut('/site/page');
        await session.setProperties('/site/page/a', { text: 'x' });
      },
    ],
  ])('allow, while the node is checked in: %s', async (_case, change) => {
    const { admin } = await setUp(open);
    await admin.versions.checkIn('/site/page');
    await change(admin);
    await admin.save();
    expect(admin.hasPendingChanges).toBe(false);
  });

  it('let nobody set what says that a node is checked out', async () => {
    const { admin } = await setUp(open);
    const refused = { code: 'CONSTRAINT_VIOLATION' };
    await expect(admin.setProperties('/site/page', { 'jcr:isCheckedOut': false })).rejects.toMatchObject(refused);
    const given = { mixins: ['mix:versionable'], properties: { 'jcr:isCheckedOut': false } };
    await expect(admin.addNode('/given', given)).rejects.toMatchObject(refused);
    await admin.versions.checkIn('/site/page');
    for (const value of [true, null]) {
      await expect(admin.setProperties('/site/page', { 'jcr:isCheckedOut': value })).rejects.toMatchObject(refused);
    }
    // Content that comes from elsewhere may bring properties along, but not this one.
    await admin.setProperties('/site/page', { 'jcr:isCheckedOut': true }, { imported: true });
    await expect(admin.save()).rejects.toMatchObject(refused);
    await admin.refresh();
    await admin.setProperties('/other', { 'jcr:isCheckedOut': false });
    await admin.save();
  });

  it('need a versionable node without unsaved changes, and keep unsaved changes elsewhere', async () => {
    const { admin } = await setUp(open);
    for (const work of ['checkIn', 'checkOut', 'checkpoint'] as const) {
      await expect(admin.versions[work]('/other'), work).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION' });
    }
    await admin.setProperties('/site/page/a', { text: 'unsaved' });
    await expect(admin.versions.checkIn('/site/page')).rejects.toMatchObject({
      code: 'CONSTRAINT_VIOLATION',
      message: expect.stringContaining('/site/page') as string,
    });
    await admin.refresh();
    await admin.setProperties('/other', { kept: 'yes' });
    await admin.versions.checkIn('/site/page');
    expect(admin.hasPendingChanges).toBe(true);
    await admin.save();
    expect((await admin.getNode('/other')).text('kept')).toBe('yes');
  });

  it('leave a checked-in node as it is when it is checked in again', async () => {
    const { admin } = await setUp(open);
    expect(await admin.versions.checkIn('/site/page')).toBe('1.0');
    expect(await admin.versions.checkIn('/site/page')).toBe('1.0');
    expect(await versionNames(admin.versions.history('/site/page'))).toEqual(['1.0']);
    expect(await admin.versions.isCheckedOut('/site/page/a')).toBe(false);
    expect(await admin.versions.isCheckedOut('/site/page/part')).toBe(true);
  });

  it('take labels, each for one version, and find versions by them', async () => {
    const { admin } = await setUp(open);
    const { versions } = admin;
    for (let count = 0; count < 3; count++) await versions.checkpoint('/site/page');
    await versions.addLabel('/site/page', '1.0', 'live');
    await versions.addLabel('/site/page', '1.0', 'approved by ada');
    expect((await versions.version('/site/page', 'live')).name).toBe('1.0');
    await expect(versions.addLabel('/site/page', '1.2', 'live')).rejects.toMatchObject({ code: 'ITEM_EXISTS' });
    await versions.addLabel('/site/page', '1.2', 'live', { moveLabel: true });
    const labelled = await collect(versions.history('/site/page'));
    expect(labelled.map(({ labels }) => labels)).toEqual([['live'], [], ['approved by ada']]);
    await versions.removeLabel('/site/page', 'live');
    for (const [name, code] of [
      ['1.0', 'INVALID_VALUE'],
      ['a/b', 'INVALID_PATH'],
    ] as const) {
      await expect(versions.addLabel('/site/page', '1.1', name), name).rejects.toMatchObject({ code });
    }
    for (const work of [
      () => versions.version('/site/page', 'live'),
      () => versions.removeLabel('/site/page', 'live'),
      () => versions.removeLabel('/site/page', '1.0'),
      () => versions.addLabel('/site/page', '1.7', 'x'),
    ]) {
      await expect(work()).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' });
    }
  });

  it('can be removed, except the base version; labels and frozen nodes go, names do not come back', async () => {
    const { admin } = await setUp(open);
    const { versions } = admin;
    for (let count = 0; count < 3; count++) await versions.checkpoint('/site/page');
    await versions.addLabel('/site/page', '1.1', 'live');
    const removed = await versions.version('/site/page', '1.1');
    await expect(versions.removeVersion('/site/page', '1.2')).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION' });
    await versions.removeVersion('/site/page', '1.1');
    const history = await collect(versions.history('/site/page'));
    expect(history.map(({ name, predecessors }) => [name, predecessors])).toEqual([
      ['1.2', ['1.0']],
      ['1.0', []],
    ]);
    await expect(versions.version('/site/page', 'live')).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' });
    await expect(collect(versions.frozen(removed))).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' });
    expect(await versions.checkpoint('/site/page')).toBe('1.3');
  });

  it('show what was frozen, in child order, whatever became of it', async () => {
    const { admin } = await setUp(open);
    await admin.versions.checkpoint('/site/page');
    await admin.remove('/site/page/a');
    await admin.setProperties('/site/page', { title: 'two' });
    await admin.orderBefore('/site/page/c', 'b');
    await admin.save();
    const version = await admin.versions.version('/site/page', '1.0');
    const frozen = await collect(admin.versions.frozen(version));
    expect(frozen.map(({ relativePath }) => relativePath)).toEqual(['', 'b', 'a', 'c', 'part', 'a/secret']);
    expect(frozen.map(({ node }) => node.path)[5]).toBe('/site/page/a/secret');
    expect((await admin.versions.frozenNode(version, ''))?.text('title')).toBe('one');
    expect((await admin.versions.frozenNode(version, 'a'))?.text('text')).toBe('a');
    expect(await admin.versions.frozenNode(version, 'z')).toBeUndefined();
  });

  describe('restored', () => {
    it('give the tree as it was: properties, order, moved and removed nodes with their identifiers', async () => {
      const { admin } = await setUp(open);
      const { versions } = admin;
      const before = await contentOf(admin, '/site/page');
      await versions.checkpoint('/site/page');
      await admin.setProperties('/site/page', { title: 'two', added: 1 });
      await admin.remove('/site/page/b');
      await admin.move('/site/page/a', '/site/page/c/a');
      await admin.addNode('/site/page/a', { properties: { text: 'another' } });
      await admin.addNode('/site/page/a/below');
      await admin.setProperties('/site/page/c/a/secret', { text: 'changed' });
      await admin.save();
      await versions.restore('/site/page', '1.0', { force: true });
      expect(await contentOf(admin, '/site/page')).toEqual(before);
      expect((await admin.getNode('/site/page')).boolean('jcr:isCheckedOut')).toBe(false);
      expect((await versions.version('/site/page', '1.0')).isBase).toBe(true);
      const secret = await pathsOf(admin.children('/site/page/a/secret'));
      expect(secret, 'the policy came back with its node').toEqual(['/site/page/a/secret/rep:policy']);
    });

    it('are refused when something would be lost, unless told to keep or to lose it', async () => {
      const { admin } = await setUp(open);
      const { versions } = admin;
      await versions.checkpoint('/site/page');
      await admin.addNode('/site/page/new');
      await admin.save();
      await expect(versions.restore('/site/page', '1.0')).rejects.toMatchObject({
        code: 'CONSTRAINT_VIOLATION',
        message: expect.stringContaining('nodeAdded at /new') as string,
      });
      await versions.restore('/site/page', '1.0', { checkpoint: true });
      expect(await versionNames(versions.history('/site/page'))).toEqual(['1.1', '1.0']);
      expect(await admin.findNode('/site/page/new')).toBeUndefined();
      await versions.restore('/site/page', '1.1');
      expect(await admin.findNode('/site/page/new')).toBeDefined();
      await versions.checkOut('/site/page');
      expect(await versions.checkIn('/site/page')).toBe('1.2');
    });

    it('leave a node alone that lives elsewhere today; a referenceable one stands in the way', async () => {
      const { admin } = await setUp(open);
      await admin.addNode('/site/page/ref', { mixins: ['mix:referenceable'] });
      await admin.save();
      await admin.versions.checkpoint('/site/page');
      const { identifier } = await admin.getNode('/site/page/a');
      await admin.move('/site/page/a', '/other/a');
      await admin.save();
      await admin.versions.restore('/site/page', '1.0', { force: true });
      expect((await admin.getNode('/other/a')).identifier).toBe(identifier);
      expect((await admin.getNode('/site/page/a')).identifier).not.toBe(identifier);
      await admin.versions.checkOut('/site/page');
      await admin.move('/site/page/ref', '/other/ref');
      await admin.save();
      await expect(admin.versions.restore('/site/page', '1.0', { force: true })).rejects.toMatchObject({
        code: 'ITEM_EXISTS',
        message: expect.stringContaining('/other/ref') as string,
      });
      await admin.versions.restore('/site/page', '1.0', { force: true, removeExisting: true });
      expect(await admin.findNode('/other/ref')).toBeUndefined();
      expect(await admin.findNode('/site/page/ref')).toBeDefined();
    });

    it('do not change a versionable node below that is checked in', async () => {
      const { admin } = await setUp(open);
      await admin.versions.checkpoint('/site/page');
      await admin.setProperties('/site/page/part', { text: 'new' });
      await admin.save();
      await admin.versions.checkIn('/site/page/part');
      await expect(admin.versions.restore('/site/page', '1.0', { force: true })).rejects.toMatchObject({
        code: 'NODE_CHECKED_IN',
        paths: ['/site/page/part'],
      });
      await admin.versions.checkOut('/site/page/part');
      await admin.versions.restore('/site/page', '1.0', { force: true });
      const part = await admin.getNode('/site/page/part');
      expect([part.text('text'), part.boolean('jcr:isCheckedOut')]).toEqual([undefined, true]);
    });

    it('need the rights for every change', async () => {
      const { admin, repository } = await setUp(open);
      await admin.versions.checkpoint('/site/page');
      await admin.addNode('/site/page/kept');
      await deny(admin, '/site/page/kept', 'ada', ['jcr:removeNode']);
      await admin.save();
      const ada = await sessionOf(repository, 'ada');
      await expect(ada.versions.restore('/site/page', '1.0', { force: true })).rejects.toMatchObject({
        code: 'ACCESS_DENIED',
      });
      const bob = await sessionOf(repository, 'bob');
      await expect(bob.versions.restore('/site/page', '1.0', { force: true })).rejects.toMatchObject({
        code: 'ACCESS_DENIED',
      });
      expect(await admin.findNode('/site/page/kept')).toBeDefined();
    });

    it('bring back a removed node elsewhere, with its identifiers, once', async () => {
      const { admin } = await setUp(open);
      const { identifier } = await admin.getNode('/site/page');
      const part = (await admin.getNode('/site/page/part')).identifier;
      await admin.versions.checkpoint('/site/page');
      await admin.remove('/site/page');
      await admin.save();
      await admin.versions.restoreAt('/other/back', identifier, '1.0');
      expect((await admin.findNodeByIdentifier(identifier))?.path).toBe('/other/back');
      expect((await admin.findNodeByIdentifier(part))?.path).toBe('/other/back/part');
      expect(await namesOf(admin.children('/other/back'))).toEqual(['b', 'a', 'c', 'part']);
      expect(await versionNames(admin.versions.history('/other/back'))).toEqual(['1.0']);
      await expect(admin.versions.restoreAt('/other/twice', identifier, '1.0')).rejects.toMatchObject({
        code: 'ITEM_EXISTS',
      });
      await admin.versions.checkOut('/other/back');
      expect(await admin.versions.checkIn('/other/back')).toBe('1.1');
    });
  });

  describe('for users', () => {
    it.each(['checkIn', 'checkpoint'] as const)('%s needs jcr:versionManagement and nothing more', async (work) => {
      const { admin, repository } = await setUp(open);
      await grant(admin, '/site/page', 'eve', ['jcr:read', 'jcr:versionManagement']);
      await admin.save();
      const [bob, eve] = [await sessionOf(repository, 'bob'), await sessionOf(repository, 'eve')];
      await expect(bob.versions[work]('/site/page')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
      expect(await eve.versions[work]('/site/page')).toBe('1.0');
      await eve.versions.checkOut('/site/page');
      await eve.versions.addLabel('/site/page', '1.0', 'x');
      await bob.refresh();
      for (const change of [
        () => bob.versions.addLabel('/site/page', '1.0', 'y'),
        () => bob.versions.removeLabel('/site/page', 'x'),
        () => bob.versions.removeVersion('/site/page', '1.0'),
      ]) {
        await expect(change()).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
      }
    });

    it('what may not be read answers as what does not exist', async () => {
      const { admin, repository } = await setUp(open);
      await admin.versions.checkpoint('/site/page');
      await admin.versions.addLabel('/site/page', '1.0', 'live');
      const version = await admin.versions.version('/site/page', '1.0');
      const eve = await sessionOf(repository, 'eve');
      const { identifier } = await admin.getNode('/site/page');
      const same: [() => Promise<unknown>, string, () => Promise<unknown>, string][] = [
        [
          () => collect(eve.versions.history('/site/page')),
          '/site/page',
          () => collect(eve.versions.history('/no')),
          '/no',
        ],
        [
          () => collect(eve.versions.historyOf(identifier)),
          identifier,
          () => collect(eve.versions.historyOf('gone-id')),
          'gone-id',
        ],
        [
          () => eve.versions.version('/site/page', 'live'),
          '/site/page',
          () => eve.versions.version('/no', 'live'),
          '/no',
        ],
        [
          () => eve.versions.versionOf(identifier, 'live'),
          identifier,
          () => eve.versions.versionOf('gone-id', 'live'),
          'gone-id',
        ],
        [() => eve.versions.checkIn('/site/page'), '/site/page', () => eve.versions.checkIn('/no'), '/no'],
        [
          () => eve.versions.restore('/site/page', '1.0'),
          '/site/page',
          () => eve.versions.restore('/no', '1.0'),
          '/no',
        ],
        [
          () => collect(eve.versions.frozen(version)),
          '1.0',
          () => collect(eve.versions.frozen({ ...version, name: '1.9' })),
          '1.9',
        ],
      ];
      for (const [hidden, subject, absent, name] of same) {
        const answer = await answerOf(hidden(), subject);
        expect(answer[0]).toBe('PATH_NOT_FOUND');
        expect(answer).toEqual(await answerOf(absent(), name));
      }
    });

    it('leave out frozen nodes whose path may not be read, also in a diff', async () => {
      const { admin, repository } = await setUp(open);
      await admin.versions.checkpoint('/site/page');
      await admin.setProperties('/site/page/a/secret', { text: 'changed' });
      await admin.save();
      const ada = await sessionOf(repository, 'ada');
      const version = await ada.versions.version('/site/page', '1.0');
      const frozen = await collect(ada.versions.frozen(version));
      expect(frozen.map(({ relativePath }) => relativePath)).toEqual(['', 'b', 'a', 'c', 'part']);
      expect(await ada.versions.frozenNode(version, 'a/secret')).toBeUndefined();
      expect(await collect(ada.versions.diff(version, 'current'))).toEqual([]);
      expect(await collect(admin.versions.diff(version, 'current'))).toHaveLength(1);
    });

    it('hide versions from before a node came out of where the user may not look', async () => {
      const { admin, repository } = await setUp(open);
      await admin.addNode('/other/page', { mixins: ['mix:versionable'], properties: { text: 'draft' } });
      await admin.save();
      await admin.versions.checkpoint('/other/page');
      await admin.versions.addLabel('/other/page', '1.0', 'draft');
      await admin.move('/other/page', '/site/open');
      await admin.save();
      await admin.versions.checkpoint('/site/open');
      const bob = await sessionOf(repository, 'bob');
      expect(await versionNames(bob.versions.history('/site/open'))).toEqual(['1.1']);
      for (const name of ['1.0', 'draft']) {
        await expect(bob.versions.version('/site/open', name)).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' });
      }
      expect(await versionNames(admin.versions.history('/site/open'))).toEqual(['1.1', '1.0']);
    });

    it('show the history of a removed node to who may read where it was', async () => {
      const { admin, repository } = await setUp(open);
      const { identifier } = await admin.getNode('/site/page');
      await admin.versions.checkpoint('/site/page');
      await admin.remove('/site/page');
      await admin.save();
      const [bob, eve] = [await sessionOf(repository, 'bob'), await sessionOf(repository, 'eve')];
      expect(await versionNames(admin.versions.historyOf(identifier))).toEqual(['1.0']);
      expect(await versionNames(bob.versions.historyOf(identifier))).toEqual(['1.0']);
      await expect(collect(eve.versions.historyOf(identifier))).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' });
      await expect(bob.versions.restoreAt('/site/page', identifier, '1.0')).rejects.toMatchObject({
        code: 'ACCESS_DENIED',
      });
    });
  });
});

/** Relative path, identifier, types and properties, in child order; not whether it is checked out, nor policies. */
async function contentOf(session: Session, root: string): Promise<unknown[]> {
  const nodes = [await session.getNode(root), ...(await collect(session.descendants(root)))];
  return nodes
    .filter(({ path }) => !path.includes('rep:policy'))
    .map(({ path, identifier, properties }) => [
      path.slice(root.length),
      identifier,
      [...properties].filter(([name]) => name !== 'jcr:isCheckedOut').sort(([a], [b]) => (a < b ? -1 : 1)),
    ]);
}
