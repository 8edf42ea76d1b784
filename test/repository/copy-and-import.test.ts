import { describe, expect, it } from 'vitest';
import { deny, grant } from '../../repository/access/policy.js';
import type { ImportedNodeInput, Session } from '../../repository/api.js';
import { createUser } from '../../repository/users.js';
import type { Property } from '../../repository/value.js';
import { backends, collect, namesOf, openFor, pathsOf, sessionOf } from './world.js';

const reference = (target: string, type: 'Reference' | 'WeakReference' = 'Reference'): Property => ({
  type,
  multiple: false,
  values: [target],
});
const uuid = (last: number) => `5a4ff6a0-0000-4000-8000-00000000000${last}`;

describe.each(Object.entries(backends))('copying on %s', (_name, open) => {
  it('takes properties, types, binaries and child order, under new identifiers', async () => {
    const session = await sessionOf(await openFor(open));
    const data = await session.createBinary(Buffer.alloc(5000, 'x'));
    await session.addNode('/a', { properties: { title: 'A', list: [1, 2], data } });
    await session.addNode('/a/z', { primaryType: 'sling:Folder' });
    await session.addNode('/a/y', { mixins: ['mix:referenceable'] });
    await session.addNode('/a/y/deep');
    await session.save();
    await session.addNode('/a/unsaved');
    const copy = await session.copy('/a', '/b');
    for (const saved of [false, true]) {
      if (saved) await session.save();
      expect(await pathsOf(session.descendants('/b'))).toEqual(['/b/z', '/b/y', '/b/unsaved', '/b/y/deep']);
      const [a, b] = [await session.getNode('/a'), await session.getNode('/b')];
      expect(b.properties).toEqual(a.properties);
      expect((await session.getNode('/b/z')).primaryType).toBe('sling:Folder');
      const [y, copied] = [await session.getNode('/a/y'), await session.getNode('/b/y')];
      expect(copied.text('jcr:uuid')).toBe(copied.identifier);
      expect(copied.identifier).not.toBe(y.identifier);
      expect((await session.findNodeByIdentifier(y.identifier))?.path).toBe('/a/y');
      expect((await session.findNodeByIdentifier(copy.identifier))?.path).toBe('/b');
    }
  });

  it('leads references within the subtree to the copies, and leaves others', async () => {
    const session = await sessionOf(await openFor(open));
    for (const path of ['/out', '/a', '/a/target']) await session.addNode(path);
    const [inside, outside] = [await session.getNode('/a/target'), await session.getNode('/out')];
    await session.addNode('/a/from', {
      properties: {
        hard: reference(inside.identifier),
        weak: reference(inside.identifier, 'WeakReference'),
        out: reference(outside.identifier),
        text: inside.identifier,
      },
    });
    await session.copy('/a', '/b');
    await session.save();
    const [from, target] = [await session.getNode('/b/from'), await session.getNode('/b/target')];
    expect([from.text('hard'), from.text('weak')]).toEqual([target.identifier, target.identifier]);
    expect([from.text('out'), from.text('text')]).toEqual([outside.identifier, inside.identifier]);
    expect((await collect(session.references('/b/target'))).map(({ path }) => path)).toEqual(['/b/from', '/b/from']);
    expect((await collect(session.references('/out'))).map(({ path }) => path)).toEqual(['/a/from', '/b/from']);
  });

  it('starts without the lock, the versions and the makers of the original', async () => {
    const session = await sessionOf(await openFor(open));
    await session.addNode('/a', {
      primaryType: 'sling:Folder',
      mixins: ['mix:versionable', 'mix:lockable'],
      properties: {
        'jcr:createdBy': 'somebody',
        'jcr:isCheckedOut': false,
        'jcr:lockOwner': 'somebody',
        'jcr:lockIsDeep': true,
      },
      imported: true,
    });
    await session.addNode('/a/plain', { properties: { 'jcr:lockOwner': 'just a text' } });
    await session.save();
    const copy = await session.copy('/a', '/b');
    await session.save();
    expect(copy.text('jcr:createdBy')).toBe('admin');
    expect(copy.boolean('jcr:isCheckedOut')).toBe(true);
    expect(copy.property('jcr:lockOwner')).toBeUndefined();
    expect(copy.property('jcr:lockIsDeep')).toBeUndefined();
    expect((await session.getNode('/b/plain')).text('jcr:lockOwner')).toBe('just a text');
  });

  it('leaves policies behind, and what the user may not read', async () => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    for (const path of ['/a', '/a/open', '/a/secret', '/a/secret/below', '/to']) await session.addNode(path);
    await createUser(session, { id: 'ada' });
    await grant(session, '/a', 'ada', ['jcr:read']);
    await deny(session, '/a/secret', 'ada', ['jcr:read']);
    await grant(session, '/a/secret/below', 'ada', ['jcr:read']);
    await grant(session, '/to', 'ada', ['jcr:read', 'rep:write']);
    await session.save();
    const ada = await sessionOf(repository, 'ada');
    await ada.copy('/a', '/to/copy');
    await ada.save();
    await session.refresh();
    expect(await pathsOf(session.descendants('/to/copy'))).toEqual(['/to/copy/open']);
    await session.copy('/a', '/whole');
    expect(await pathsOf(session.descendants('/whole'))).toEqual([
      '/whole/open',
      '/whole/secret',
      '/whole/secret/below',
    ]);
    await expect(ada.copy('/a/secret', '/to/secret')).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' });
    await ada.copy('/a', '/a/inside');
    await expect(ada.save()).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });

  it.each([
    ['/missing', '/to', 'PATH_NOT_FOUND'],
    ['/a', '/missing/to', 'PATH_NOT_FOUND'],
    ['/a', '/b', 'ITEM_EXISTS'],
    ['/a', '/', 'ITEM_EXISTS'],
    ['/a', '/b/x|y', 'INVALID_PATH'],
  ])('%s to %s is refused with %s', async (from, to, code) => {
    const session = await sessionOf(await openFor(open));
    for (const path of ['/a', '/b']) await session.addNode(path);
    await expect(session.copy(from, to)).rejects.toMatchObject({ code });
  });

  it('into the copied node itself takes what was there before', async () => {
    const session = await sessionOf(await openFor(open));
    for (const path of ['/a', '/a/b']) await session.addNode(path);
    await session.copy('/a', '/a/copy');
    await session.save();
    expect((await pathsOf(session.descendants('/a'))).toSorted()).toEqual(['/a/b', '/a/copy', '/a/copy/b']);
  });
});

describe.each(Object.entries(backends))('importing on %s', (_name, open) => {
  async function* stream(nodes: readonly ImportedNodeInput[]): AsyncGenerator<ImportedNodeInput> {
    for (const node of nodes) yield await Promise.resolve(node);
  }
  const referenceable = (path: string, id: string, properties = {}): ImportedNodeInput => ({
    path,
    input: { mixins: ['mix:referenceable'], properties: { 'jcr:uuid': id, ...properties } },
  });
  const withExisting = async (): Promise<Session> => {
    const session = await sessionOf(await openFor(open));
    for (const path of ['/in', '/old', '/old/first']) await session.addNode(path);
    await session.addNode('/old/x', {
      mixins: ['mix:referenceable'],
      properties: { 'jcr:uuid': uuid(1), old: true },
    });
    await session.addNode('/old/x/below');
    await session.addNode('/old/last');
    await session.addNode('/old/last/refers', { properties: { ref: reference(uuid(1)) } });
    await session.save();
    return session;
  };
  const incoming = () =>
    stream([
      { path: 'refers', input: { properties: { ref: reference(uuid(1)) } } },
      referenceable('x', uuid(1), { new: true }),
      { path: 'x/child', input: { properties: { inner: true } } },
    ]);

  it('keeps what the nodes were elsewhere, but has no history of them to be checked in with', async () => {
    const session = await sessionOf(await openFor(open));
    await session.addNode('/in');
    const count = await session.importNodes(
      '/in',
      stream([
        {
          path: 'folder',
          input: {
            primaryType: 'sling:Folder',
            mixins: ['mix:versionable'],
            properties: { 'jcr:createdBy': 'author', 'jcr:uuid': uuid(2), 'jcr:isCheckedOut': false },
          },
        },
        { path: 'folder/plain', input: { properties: { 'jcr:uuid': uuid(2) } } },
      ]),
      { uuidBehavior: 'throw' },
    );
    await session.save();
    expect(count).toBe(2);
    const folder = await session.getNode('/in/folder');
    expect([folder.identifier, folder.text('jcr:createdBy'), folder.boolean('jcr:isCheckedOut')]).toEqual([
      uuid(2),
      'author',
      true,
    ]);
    const plain = await session.getNode('/in/folder/plain');
    expect(plain.text('jcr:uuid')).toBe(uuid(2));
    expect(plain.identifier).not.toBe(uuid(2));
  });

  it('createNew gives new identifiers, and references in the import follow', async () => {
    const session = await withExisting();
    await session.importNodes('/in', incoming(), { uuidBehavior: 'createNew' });
    await session.save();
    const imported = await session.getNode('/in/x');
    expect(imported.identifier).not.toBe(uuid(1));
    expect((await session.getNode('/in/refers')).text('ref')).toBe(imported.identifier);
    expect((await session.findNodeByIdentifier(uuid(1)))?.path).toBe('/old/x');
    expect((await session.getNode('/old/last/refers')).text('ref')).toBe(uuid(1));
  });

  it('removeExisting takes away the node that had the identifier', async () => {
    const session = await withExisting();
    await session.importNodes('/in', incoming(), { uuidBehavior: 'removeExisting' });
    await session.save();
    expect(await pathsOf(session.descendants('/old'))).toEqual(['/old/first', '/old/last', '/old/last/refers']);
    expect((await session.findNodeByIdentifier(uuid(1)))?.path).toBe('/in/x');
    expect((await collect(session.references('/in/x'))).map(({ path }) => path)).toEqual([
      '/in/refers',
      '/old/last/refers',
    ]);
  });

  it('replaceExisting puts the node, and what is below it, in the place of the other', async () => {
    const session = await withExisting();
    await session.importNodes('/in', incoming(), { uuidBehavior: 'replaceExisting' });
    await session.save();
    expect(await namesOf(session.children('/old'))).toEqual(['first', 'x', 'last']);
    const replaced = await session.getNode('/old/x');
    expect([replaced.identifier, replaced.boolean('new'), replaced.boolean('old')]).toEqual([uuid(1), true, undefined]);
    expect(await namesOf(session.children('/old/x'))).toEqual(['child']);
    expect(await namesOf(session.children('/in'))).toEqual(['refers']);
  });

  it('throw refuses an identifier that is taken', async () => {
    const session = await withExisting();
    const refused = session.importNodes('/in', incoming(), { uuidBehavior: 'throw' });
    await expect(refused).rejects.toMatchObject({ code: 'ITEM_EXISTS', paths: ['/in/x', '/old/x'] });
  });

  it.each(['removeExisting', 'replaceExisting'] as const)(
    '%s does not take away a node above the import',
    async (uuidBehavior) => {
      const session = await withExisting();
      const refused = session.importNodes('/old/x/below', incoming(), { uuidBehavior });
      await expect(refused).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION' });
    },
  );

  it.each([
    ['a name that is taken', [{ path: 'first', input: {} }], 'ITEM_EXISTS'],
    ['a parent that does not come first', [{ path: 'a/b', input: {} }], 'PATH_NOT_FOUND'],
    ['a path that leads out', [{ path: '../out', input: {} }], 'INVALID_PATH'],
  ])('refuses %s', async (_what, nodes, code) => {
    const session = await withExisting();
    await expect(session.importNodes('/old', stream(nodes), { uuidBehavior: 'createNew' })).rejects.toMatchObject({
      code,
    });
  });

  it('adds what the types create and the import does not bring', async () => {
    const repository = await openFor(open);
    await repository.registerNodeTypes(
      'admin',
      `<'acme'='http://acme.example/1.0'>
      [acme:Shelf]
        - acme:kind (string) = 'wooden' mandatory autocreated
        + acme:label (acme:Label) = acme:Label mandatory autocreated
      [acme:Label]
        - acme:colour (string) = 'white' mandatory autocreated
        + acme:back (nt:unstructured) = nt:unstructured autocreated`,
    );
    const session = await sessionOf(repository);
    await session.addNode('/in');
    const shelf = { primaryType: 'acme:Shelf' };
    const count = await session.importNodes(
      '/in',
      stream([
        { path: 'bare', input: shelf },
        { path: 'own', input: { ...shelf, properties: { 'acme:kind': 'steel' } } },
        { path: 'own/acme:label', input: { primaryType: 'acme:Label', properties: { 'acme:colour': 'red' } } },
      ]),
      { uuidBehavior: 'throw' },
    );
    await session.save();
    expect(count).toBe(3);
    const paths = ['bare', 'own'].flatMap((name) =>
      ['', '/acme:label', '/acme:label/acme:back'].map((end) => `/in/${name}${end}`),
    );
    expect((await pathsOf(session.descendants('/in'))).toSorted()).toEqual(paths);
    const texts = async (name: string) => [
      (await session.getNode(`/in/${name}`)).text('acme:kind'),
      (await session.getNode(`/in/${name}/acme:label`)).text('acme:colour'),
    ];
    expect([await texts('bare'), await texts('own')]).toEqual([
      ['wooden', 'white'],
      ['steel', 'red'],
    ]);
  });

  it('checks node types when it is saved', async () => {
    const session = await withExisting();
    await session.importNodes('/in', [{ path: 'file', input: { primaryType: 'nt:file' } }], { uuidBehavior: 'throw' });
    await expect(session.save()).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION', paths: ['/in/file'] });
  });
});
