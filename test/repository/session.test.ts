import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Session } from '../../repository/api.js';
import { backends, collect, namesOf, openFor, pathsOf, sessionOf } from './world.js';

describe.each(Object.entries(backends))('a session on %s', (_name, open) => {
  const opened = async (): Promise<Session> => sessionOf(await openFor(open));

  it('reads back what it saved, in a later session too', async () => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    await session.addNode('/content', {
      properties: { 'jcr:title': 'Content', count: 3, ratio: 0.5, tags: ['a', 'b'] },
    });
    expect(session.hasPendingChanges).toBe(true);
    const sequence = await session.save();
    expect(sequence).toBe(await repository.head());
    expect(session.sequence).toBe(sequence);
    expect(session.hasPendingChanges).toBe(false);

    const node = await (await sessionOf(repository)).getNode('/content');
    expect(node.primaryType).toBe('nt:unstructured');
    expect(node.version).toBe(sequence);
    expect(node.text('jcr:title')).toBe('Content');
    expect(node.number('count')).toBe(3);
    expect(node.property('ratio')).toEqual({ type: 'Double', multiple: false, values: [0.5] });
    expect(node.texts('tags')).toEqual(['a', 'b']);
  });

  it('sees its own changes before they are saved, and nobody else does', async () => {
    const repository = await openFor(open);
    const [mine, other] = [await sessionOf(repository), await sessionOf(repository)];
    await mine.addNode('/a');
    await mine.addNode('/a/b', { primaryType: 'sling:Folder' });
    expect(await pathsOf(mine.descendants('/a'))).toEqual(['/a/b']);
    expect(await other.findNode('/a')).toBeUndefined();
    await mine.save();
    expect(await other.findNode('/a'), 'a snapshot does not move by itself').toBeUndefined();
    await other.refresh();
    expect((await other.findNode('/a/b'))?.primaryType).toBe('sling:Folder');
  });

  it('writes nothing when nothing differs from the store', async () => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    await session.addNode('/a', { properties: { title: 'same' } });
    await session.save();
    const head = await repository.head();
    await session.setProperties('/a', { title: 'other' });
    await session.setProperties('/a', { title: 'same', none: null });
    expect(await session.save()).toBe(head);
    expect(await repository.head()).toBe(head);
  });

  it('drops its changes at refresh, and at close', async () => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    await session.addNode('/a');
    await session.refresh();
    expect(session.hasPendingChanges).toBe(false);
    expect(await session.findNode('/a')).toBeUndefined();
    await session.addNode('/a');
    await session.close();
    await expect(session.getNode('/a')).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
    await expect(session.save()).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
    expect(await (await sessionOf(repository)).findNode('/a')).toBeUndefined();
  });

  describe('adding', () => {
    it.each([
      ['/a', 'ITEM_EXISTS'],
      ['/', 'ITEM_EXISTS'],
      ['/missing/b', 'PATH_NOT_FOUND'],
      ['relative', 'INVALID_PATH'],
      ['/a/', 'INVALID_PATH'],
      ['/a/b|c', 'INVALID_PATH'],
      ['/a/..', 'INVALID_PATH'],
      [`/a/${'x'.repeat(256)}`, 'INVALID_PATH'],
    ])('%s is refused with %s', async (path, code) => {
      const session = await opened();
      await session.addNode('/a');
      await expect(session.addNode(path)).rejects.toMatchObject({ code });
    });

    it('refuses a property with a wrong name or value, and leaves nothing behind', async () => {
      const session = await opened();
      const wrongName = session.addNode('/a', { properties: { 'a/b': 'x' } });
      await expect(wrongName).rejects.toMatchObject({ code: 'INVALID_PATH' });
      const wrongValue = session.addNode('/a', {
        properties: { when: { type: 'Date', multiple: false, values: ['yesterday'] } },
      });
      await expect(wrongValue).rejects.toMatchObject({ code: 'INVALID_VALUE', paths: ['/a/when'] });
      expect(await session.findNode('/a')).toBeUndefined();
    });

    it('records who added a node of a type with mix:created, and when', async () => {
      const session = await opened();
      const folder = await session.addNode('/folder', { primaryType: 'sling:Folder' });
      expect(folder.text('jcr:createdBy')).toBe('admin');
      expect(folder.property('jcr:created')?.type).toBe('Date');
      const given = await session.addNode('/given', {
        primaryType: 'sling:Folder',
        properties: { 'jcr:createdBy': 'author' },
      });
      expect(given.text('jcr:createdBy')).toBe('author');
    });

    it('makes missing ancestors with ensureNode, and leaves what is there', async () => {
      const session = await opened();
      await session.addNode('/a', { properties: { kept: true } });
      await session.ensureNode('/a/b/c', { properties: { leaf: true } }, 'sling:Folder');
      await session.ensureNode('/a', { properties: { kept: false } });
      expect((await session.getNode('/a/b')).primaryType).toBe('sling:Folder');
      expect((await session.getNode('/a/b/c')).primaryType).toBe('nt:unstructured');
      expect((await session.getNode('/a')).boolean('kept')).toBe(true);
    });

    it('refuses an abstract or mixin primary type, and a primary type as mixin, at save', async () => {
      const session = await opened();
      for (const input of [{ primaryType: 'nt:base' }, { primaryType: 'mix:title' }, { mixins: ['nt:file'] }]) {
        await session.addNode('/wrong', input);
        await expect(session.save()).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION', paths: ['/wrong'] });
        await session.refresh();
      }
    });

    it('takes a type it does not know as it takes nt:unstructured', async () => {
      const session = await opened();
      await session.addNode('/x', { primaryType: 'acme:Shelf', mixins: ['acme:Dusty'] });
      for (const name of ['c', 'a', 'b']) await session.addNode(`/x/${name}`);
      await session.save();
      const node = await session.getNode('/x');
      expect([node.primaryType, node.mixins]).toEqual(['acme:Shelf', ['acme:Dusty']]);
      expect(await namesOf(session.children('/x'))).toEqual(['c', 'a', 'b']);
    });
  });

  describe('properties', () => {
    it('are set and removed one by one', async () => {
      const session = await opened();
      await session.addNode('/a', { properties: { one: 1, two: 2 } });
      await session.save();
      await session.setProperties('/a', { two: null, three: 3, 'jcr:mixinTypes': ['mix:title'] });
      await session.save();
      const node = await session.getNode('/a');
      expect([...node.properties.keys()].toSorted()).toEqual(['jcr:mixinTypes', 'jcr:primaryType', 'one', 'three']);
      expect(node.mixins).toEqual(['mix:title']);
      expect(node.property('jcr:mixinTypes')?.type).toBe('Name');
    });

    it('always include jcr:primaryType', async () => {
      const session = await opened();
      await session.addNode('/a');
      await expect(session.setProperties('/a', { 'jcr:primaryType': null })).rejects.toMatchObject({
        code: 'CONSTRAINT_VIOLATION',
      });
      await session.setProperties('/a', { 'jcr:primaryType': 'sling:Folder' });
      expect((await session.getNode('/a')).primaryType).toBe('sling:Folder');
    });

    it('may be named as JavaScript names things of its own', async () => {
      const session = await opened();
      await session.addNode('/a', {
        properties: Object.fromEntries([
          ['__proto__', 'a'],
          ['constructor', 'b'],
        ]),
      });
      await session.save();
      const node = await session.getNode('/a');
      expect([node.text('__proto__'), node.text('constructor')]).toEqual(['a', 'b']);
    });

    it('that are References must name a node; WeakReferences need not', async () => {
      const session = await opened();
      const target = await session.addNode('/target');
      const reference = (type: 'Reference' | 'WeakReference', value: string) => ({
        properties: { ref: { type, multiple: false, values: [value] } },
      });
      await session.addNode('/a', reference('Reference', target.identifier));
      await session.addNode('/b', reference('WeakReference', 'nowhere'));
      await session.save();
      await session.addNode('/c', reference('Reference', 'nowhere'));
      await expect(session.save()).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION', paths: ['/c'] });
    });
  });

  describe('children and descendants', () => {
    it('come in the order they were added below orderable types, else by name', async () => {
      const session = await opened();
      await session.addNode('/ordered', { primaryType: 'sling:OrderedFolder' });
      await session.addNode('/folder', { primaryType: 'sling:Folder' });
      for (const name of ['c', 'a', 'b']) {
        await session.addNode(`/ordered/${name}`);
        await session.addNode(`/folder/${name}`);
      }
      expect(await namesOf(session.children('/ordered'))).toEqual(['c', 'a', 'b']);
      await session.save();
      await session.addNode('/ordered/aa');
      await session.addNode('/folder/aa');
      await session.save();
      expect(await namesOf(session.children('/ordered'))).toEqual(['c', 'a', 'b', 'aa']);
      expect(await namesOf(session.children('/folder'))).toEqual(['a', 'aa', 'b', 'c']);
    });

    it('do not include siblings whose names only start alike', async () => {
      const session = await opened();
      for (const path of ['/p', '/p/x', '/p/x/y', '/p-q', '/p-q/x', '/p0', '/p0/x', '/pa', '/pa/x']) {
        await session.addNode(path);
      }
      await session.save();
      expect(await pathsOf(session.descendants('/p'))).toEqual(['/p/x', '/p/x/y']);
      expect(await pathsOf(session.children('/p'))).toEqual(['/p/x']);
    });

    it('are nothing for a path that does not exist', async () => {
      const session = await opened();
      expect(await pathsOf(session.children('/missing'))).toEqual([]);
      expect(await pathsOf(session.descendants('/missing'))).toEqual([]);
    });

    it('can be listed while they are changed and saved', async () => {
      const session = await opened();
      await session.addNode('/list', { primaryType: 'sling:Folder' });
      for (let index = 0; index < 600; index++) await session.addNode(`/list/n${index}`);
      await session.save();
      let seen = 0;
      for await (const child of session.children('/list')) {
        await session.setProperties(child.path, { seen: true });
        if (++seen % 200 === 0) await session.save();
      }
      await session.save();
      expect(seen).toBe(600);
      const children = await collect(session.children('/list'));
      expect(children.filter((child) => child.boolean('seen'))).toHaveLength(600);
    });

    it('of many levels are given parents first, with and without unsaved changes', async () => {
      const session = await opened();
      const paths = ['/t', '/t/b', '/t/a', '/t/a/z', '/t/a/y', '/t/a-1', '/t/b/q'];
      for (const path of paths) await session.addNode(path);
      const expected = ['/t/b', '/t/a', '/t/a-1', '/t/a/z', '/t/a/y', '/t/b/q'];
      expect(await pathsOf(session.descendants('/t'))).toEqual(expected);
      await session.save();
      expect(await pathsOf(session.descendants('/t'))).toEqual(expected);
      await session.addNode('/t/a/x');
      await session.remove('/t/b');
      await session.setProperties('/t/a/z', { changed: true });
      expect(await pathsOf(session.descendants('/t'))).toEqual(['/t/a', '/t/a-1', '/t/a/z', '/t/a/y', '/t/a/x']);
      expect(await pathsOf(session.children('/t'))).toEqual(['/t/a', '/t/a-1']);
    });
  });

  describe('orderBefore', () => {
    it('places a child before a sibling, or last', async () => {
      const session = await opened();
      await session.addNode('/o');
      for (const name of ['a', 'b', 'c']) await session.addNode(`/o/${name}`);
      await session.save();
      await session.orderBefore('/o/c', 'a');
      expect(await namesOf(session.children('/o'))).toEqual(['c', 'a', 'b']);
      await session.orderBefore('/o/b', 'a');
      await session.orderBefore('/o/c', undefined);
      await session.save();
      expect(await namesOf(session.children('/o'))).toEqual(['b', 'a', 'c']);
    });

    it('follows any list of moves as a plain array would', async () => {
      const session = await opened();
      const names = ['a', 'b', 'c', 'd', 'e'];
      await session.addNode('/o');
      for (const name of names) await session.addNode(`/o/${name}`);
      await session.save();
      const name = fc.constantFrom(...names);
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(name, fc.option(name)), { maxLength: 20 }), async (moves) => {
          await session.refresh();
          const expected = [...names];
          for (const [moved, sibling] of moves) {
            await session.orderBefore(`/o/${moved}`, sibling ?? undefined);
            if (moved === sibling) continue;
            expected.splice(expected.indexOf(moved), 1);
            expected.splice(sibling === null ? expected.length : expected.indexOf(sibling), 0, moved);
          }
          expect(await namesOf(session.children('/o'))).toEqual(expected);
        }),
        { numRuns: 25 },
      );
    });

    it('finds room between children that two sessions added at the same moment', async () => {
      const repository = await openFor(open);
      const setup = await sessionOf(repository);
      await setup.addNode('/o');
      await setup.save();
      const [first, second] = [await sessionOf(repository), await sessionOf(repository)];
      await first.addNode('/o/a');
      await second.addNode('/o/b');
      await first.save();
      await second.save();
      await setup.refresh();
      await setup.addNode('/o/c');
      await setup.orderBefore('/o/c', 'b');
      await setup.save();
      expect(await namesOf(setup.children('/o'))).toEqual(['a', 'c', 'b']);
    });

    it('is refused where children have no order, and before a sibling that is not there', async () => {
      const session = await opened();
      await session.addNode('/f', { primaryType: 'nt:folder' });
      await session.addNode('/f/a');
      await expect(session.orderBefore('/f/a', undefined)).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION' });
      await session.addNode('/o');
      await session.addNode('/o/a');
      await expect(session.orderBefore('/o/a', 'none')).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' });
    });
  });

  describe('remove and move', () => {
    it('removes a node with all below it, unsaved nodes among them', async () => {
      const session = await opened();
      for (const path of ['/a', '/a/b', '/a/b/c', '/a-b']) await session.addNode(path);
      await session.save();
      await session.addNode('/a/b/new');
      await session.remove('/a');
      expect(await session.findNodes(['/a', '/a/b', '/a/b/c', '/a/b/new', '/a-b'])).toMatchObject([
        undefined,
        undefined,
        undefined,
        undefined,
        { path: '/a-b' },
      ]);
      await session.save();
      expect(await session.findNode('/a/b/c')).toBeUndefined();
      await expect(session.remove('/a')).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' });
      await expect(session.remove('/')).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION' });
    });

    it('can add again what it removed, as a new node', async () => {
      const session = await opened();
      const before = await session.addNode('/a', { properties: { old: true } });
      await session.addNode('/a/child');
      await session.save();
      await session.remove('/a');
      await session.addNode('/a', { properties: { new: true } });
      await session.save();
      const after = await session.getNode('/a');
      expect(after.identifier).not.toBe(before.identifier);
      expect(after.property('old')).toBeUndefined();
      expect(await namesOf(session.children('/a'))).toEqual([]);
      expect(await session.findNodeByIdentifier(before.identifier)).toBeUndefined();
      expect((await session.findNodeByIdentifier(after.identifier))?.path).toBe('/a');
    });

    it('moves a subtree with its identifiers, properties, order and unsaved changes', async () => {
      const session = await opened();
      for (const path of ['/a', '/a/z', '/a/y', '/a/z/deep', '/to']) await session.addNode(path);
      await session.save();
      const deep = await session.getNode('/a/z/deep');
      await session.setProperties('/a/z/deep', { unsaved: 1 });
      await session.addNode('/a/x');
      await session.move('/a', '/to/b');
      for (const saved of [false, true]) {
        if (saved) await session.save();
        expect(await session.findNode('/a/z')).toBeUndefined();
        expect(await namesOf(session.children('/to/b'))).toEqual(['z', 'y', 'x']);
        const moved = await session.findNodeByIdentifier(deep.identifier);
        expect([moved?.path, moved?.number('unsaved')]).toEqual(['/to/b/z/deep', 1]);
      }
      await session.move('/to/b', '/a');
      await session.move('/a', '/to/c');
      await session.save();
      expect((await session.findNodeByIdentifier(deep.identifier))?.path).toBe('/to/c/z/deep');
      expect(await pathsOf(session.descendants('/to'))).toEqual([
        '/to/c',
        '/to/c/z',
        '/to/c/y',
        '/to/c/x',
        '/to/c/z/deep',
      ]);
    });

    it('may move a node away and back', async () => {
      const session = await opened();
      for (const path of ['/a', '/a/b']) await session.addNode(path);
      await session.save();
      const { identifier } = await session.getNode('/a/b');
      await session.move('/a', '/c');
      await session.move('/c', '/a');
      await session.save();
      expect((await session.findNodeByIdentifier(identifier))?.path).toBe('/a/b');
      expect(await session.findNode('/c')).toBeUndefined();
    });

    it.each([
      ['/missing', '/to', 'PATH_NOT_FOUND'],
      ['/a', '/missing/to', 'PATH_NOT_FOUND'],
      ['/a', '/b', 'ITEM_EXISTS'],
      ['/a', '/a/inside', 'CONSTRAINT_VIOLATION'],
      ['/', '/to', 'CONSTRAINT_VIOLATION'],
      ['/a', '/b/x|y', 'INVALID_PATH'],
      ['/a', `/b/${'x'.repeat(255)}`.repeat(8), 'INVALID_PATH'],
    ])('moving %s to %s is refused with %s', async (from, to, code) => {
      const session = await opened();
      for (const path of ['/a', '/a/child', '/b']) await session.addNode(path);
      await session.save();
      await expect(session.move(from, to)).rejects.toMatchObject({ code });
      expect(await pathsOf(session.descendants('/a'))).toEqual(['/a/child']);
    });
  });

  describe('identifiers', () => {
    it('are found before and after saving', async () => {
      const session = await opened();
      const { identifier } = await session.addNode('/a');
      expect((await session.findNodeByIdentifier(identifier))?.path).toBe('/a');
      await session.save();
      expect((await session.findNodeByIdentifier(identifier))?.path).toBe('/a');
      expect(await session.findNodeByIdentifier('unknown')).toBeUndefined();
    });

    it('are the jcr:uuid of a referenceable node, given or made', async () => {
      const session = await opened();
      const given = '5a4ff6a0-0000-4000-8000-000000000001';
      const referenceable = { mixins: ['mix:referenceable'] };
      const a = await session.addNode('/a', { ...referenceable, properties: { 'jcr:uuid': given } });
      const b = await session.addNode('/b', referenceable);
      expect(a.identifier).toBe(given);
      expect(b.text('jcr:uuid')).toBe(b.identifier);
      const plain = await session.addNode('/plain', { properties: { 'jcr:uuid': given } });
      expect(plain.identifier, 'without the mixin it is a property as any other').not.toBe(given);
      const c = await session.addNode('/c');
      const made = await session.setProperties('/c', { 'jcr:mixinTypes': ['mix:referenceable'] });
      expect(made.text('jcr:uuid')).toBe(c.identifier);
      await session.save();
      await session.setProperties('/b', { 'jcr:uuid': 'another' });
      await expect(session.save()).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION', paths: ['/b'] });
    });

    it('given twice are ITEM_EXISTS, unless the first node is removed in the same save', async () => {
      const repository = await openFor(open);
      const [session, other] = [await sessionOf(repository), await sessionOf(repository)];
      const input = {
        mixins: ['mix:referenceable'],
        properties: { 'jcr:uuid': '5a4ff6a0-0000-4000-8000-000000000002' },
      };
      await other.addNode('/elsewhere', input);
      await session.addNode('/a', input);
      await expect(session.addNode('/b', input)).rejects.toMatchObject({ code: 'ITEM_EXISTS' });
      await session.save();
      await expect(session.addNode('/b', input)).rejects.toMatchObject({ code: 'ITEM_EXISTS' });
      await expect(other.save()).rejects.toMatchObject({ code: 'ITEM_EXISTS', paths: ['/elsewhere'] });
      await session.remove('/a');
      await session.addNode('/b', input);
      await session.save();
      expect((await session.findNodeByIdentifier(input.properties['jcr:uuid']))?.path).toBe('/b');
    });
  });

  describe('binaries', () => {
    it.each([0, 1, 4096, 4097, 300_000])('of %i bytes come back as they were', async (size) => {
      const session = await opened();
      const bytes = Buffer.alloc(size, 'bytes');
      const value = await session.createBinary(bytes);
      expect(value.inline !== undefined, 'inline up to 4 KiB').toBe(size <= 4096);
      expect(value.size).toBe(size);
      await session.addNode('/file', { properties: { data: value } });
      await session.save();
      const stored = (await session.getNode('/file')).binary('data');
      expect(stored).toEqual(value);
      if (!stored) return;
      expect(bytes.equals(await session.readBinary(stored))).toBe(true);
      const start = Math.floor(size / 3);
      const length = Math.floor(size / 2);
      const part = Buffer.concat(await collect(session.openBinary(stored, { start, length })));
      expect(part.equals(bytes.subarray(start, start + length))).toBe(true);
    });

    it('are streamed in from chunks that share one buffer', async () => {
      const session = await opened();
      async function* reused(): AsyncGenerator<Uint8Array> {
        const buffer = Buffer.alloc(1000);
        for (let index = 0; index < 10; index++) yield buffer.fill(index);
      }
      const value = await session.createBinary(reused());
      const expected = Buffer.concat(Array.from({ length: 10 }, (_, index) => Buffer.alloc(1000, index)));
      expect(expected.equals(await session.readBinary(value))).toBe(true);
    });

    it('larger than the reader allows are refused before they are read', async () => {
      const session = await opened();
      const value = await session.createBinary(Buffer.alloc(5000));
      await expect(session.readBinary(value, 4999)).rejects.toMatchObject({ code: 'INVALID_VALUE' });
    });

    it('must have their bytes in the store when they are saved', async () => {
      const session = await opened();
      const forged = { sha256: 'f'.repeat(64), size: 5000, crc32: 1 };
      await session.addNode('/file', { properties: { data: forged } });
      await expect(session.save()).rejects.toMatchObject({ code: 'BLOB_MISSING', paths: ['/file'] });
    });

    it('must have inline bytes that are what they say', async () => {
      const session = await opened();
      const small = await session.createBinary('small');
      const add = (value: typeof small) => session.addNode('/file', { properties: { data: value } });
      const code = 'INVALID_VALUE';
      await expect(add({ ...small, inline: Buffer.from('other').toString('base64') })).rejects.toMatchObject({ code });
      await expect(add({ ...small, size: 6 })).rejects.toMatchObject({ code });
      await expect(add({ ...small, sha256: 'short' })).rejects.toMatchObject({ code });
    });
  });
});
