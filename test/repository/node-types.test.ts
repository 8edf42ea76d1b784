import { describe, expect, it } from 'vitest';
import type { NodeInput, Repository, Session } from '../../repository/api.js';
import { grant } from '../../repository/access/policy.js';
import { createUser } from '../../repository/users.js';
import type { PropertyInput } from '../../repository/value.js';
import { backends, openFor, sessionOf } from './world.js';

const shelf = `
<'acme'='http://acme.example/1.0'>
[acme:Book] > nt:base
  - acme:title (string) mandatory
  - acme:isbn (string) < '[0-9]{3}-[0-9]+'
  - acme:pages (long) < '[1,5000)'
  - acme:price (decimal) < '(0,]', '-1'
  - acme:out (date) < '[2000-01-01T00:00:00.000Z,]'
  - acme:genre (name) < 'acme:novel', 'acme:essay'
  - acme:home (path) < '/shelves/*'
  - acme:lent (boolean) = 'false' autocreated
  - acme:copies (long) = '1', '2' multiple autocreated
  - acme:stamp (string) protected
  - acme:sequel (weakreference) < 'acme:Book'
  - acme:tags (string) multiple
[acme:Shelf] > nt:base orderable
  + acme:label (nt:unstructured) = nt:unstructured mandatory autocreated
  + * (acme:Book) = acme:Book
[acme:Signed] mixin
  - acme:by (string) mandatory
[acme:SignedByNumber] mixin
  - acme:by (long)
[acme:Thing] abstract
`;

describe.each(Object.entries(backends))('node types on %s', (_name, open) => {
  const withTypes = async (cnd = shelf): Promise<{ repository: Repository; session: Session }> => {
    const repository = await openFor(open);
    await repository.registerNodeTypes('admin', cnd);
    return { repository, session: await sessionOf(repository) };
  };
  const book = (properties: Record<string, PropertyInput> = {}): NodeInput => ({
    primaryType: 'acme:Book',
    properties: { 'acme:title': 'T', ...properties },
  });

  describe('registering', () => {
    it('makes types known to sessions that open, save or refresh afterwards, and outlives the repository', async () => {
      const repository = await openFor(open);
      const before = await sessionOf(repository);
      const names = await repository.registerNodeTypes('admin', shelf);
      expect(names).toEqual(['acme:Book', 'acme:Shelf', 'acme:Signed', 'acme:SignedByNumber', 'acme:Thing']);
      expect(before.nodeTypes.get('acme:Book')).toBeUndefined();
      await before.refresh();
      const { nodeTypes } = await sessionOf(repository);
      for (const types of [before.nodeTypes, nodeTypes]) {
        expect(types.isOrderable('acme:Shelf')).toBe(true);
        expect(types.isOrderable('acme:Book')).toBe(false);
        expect(types.namespaces.get('acme')).toBe('http://acme.example/1.0');
        expect(types.cnd(['acme:Signed'])).toBe(
          "<'acme'='http://acme.example/1.0'>\n\n[acme:Signed]\n  mixin\n  - acme:by (string) mandatory\n",
        );
      }
      expect(await repository.registerNodeTypes('admin', nodeTypes.cnd()), 'the same types again').toEqual([]);
    });

    it('is for administrators', async () => {
      const repository = await openFor(open);
      const session = await sessionOf(repository);
      await createUser(session, { id: 'ada' });
      await createUser(session, { id: 'root', groups: ['administrators'] });
      await session.save();
      const denied = { code: 'ACCESS_DENIED' };
      await expect(repository.registerNodeTypes('ada', '[a:B]')).rejects.toMatchObject(denied);
      expect(await repository.registerNodeTypes('root', '[a:B]')).toEqual(['a:B']);
      await expect(repository.unregisterNodeTypes('ada', ['a:B'])).rejects.toMatchObject(denied);
    });

    it.each([
      ['[a:B] > a:C', 'a:C is not there'],
      ['[a:B] > a:C\n[a:C] > a:B', 'inherits from itself'],
      ['[a:B] > nt:folder mixin', 'cannot inherit from nt:folder'],
      ['[a:B]\n+ x (a:C)', 'a:C, which is not there'],
      ['[a:B]\n+ x (nt:folder) = nt:unstructured', 'not a nt:folder'],
      ['[a:B]\n+ x autocreated', 'needs a default type'],
      ['[a:B]\n+ x (a:B) = a:B autocreated', 'without end'],
      ["[a:B]\n- x (long) = 'one'", 'is no Long'],
      ["[a:B]\n- x (long) = '7' < '[1,5]'", 'breaks its own constraints'],
      ["[a:B]\n- x (string) < '('", 'says nothing'],
      ["[a:B]\n- x (long) < '[one,]'", 'says nothing'],
      ['[a:C] mixin\n- x (long)\n[a:D] mixin\n- x (string)\n[a:B] > a:C, a:D', 'differently'],
      ["<'nt'='http://other'>\n[a:B]", 'prefix nt'],
    ])('refuses %j', async (cnd, problem) => {
      const repository = await openFor(open);
      await expect(repository.registerNodeTypes('admin', cnd)).rejects.toMatchObject({
        code: 'INVALID_NODE_TYPE',
        message: expect.stringContaining(problem) as string,
      });
      expect((await sessionOf(repository)).nodeTypes.get('a:B')).toBeUndefined();
    });

    it('leaves built-in types as they are', async () => {
      const repository = await openFor(open);
      const change = repository.registerNodeTypes('admin', '[nt:file] > nt:hierarchyNode');
      await expect(change).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION' });
      const { nodeTypes } = await sessionOf(repository);
      expect(await repository.registerNodeTypes('admin', nodeTypes.cnd(['nt:file']))).toEqual([]);
      const removal = repository.unregisterNodeTypes('admin', ['nt:file']);
      await expect(removal).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION' });
    });

    it('changes a type that nodes use only so that they stay valid', async () => {
      const { repository, session } = await withTypes('[a:B]\n- x (string)\n- y (string)');
      await session.addNode('/b', { primaryType: 'a:B', properties: { x: 'one' } });
      await session.save();
      for (const [cnd, problem] of [
        ['[a:B]\n- y', 'defines'],
        ['[a:B]\n- x (long)\n- y', 'wants Long'],
        ["[a:B]\n- x < 'two'", 'wants two'],
        ['[a:B]\n- x\n- z mandatory', 'property z'],
        ['[a:B]\n- x\n+ c mandatory', 'child c'],
        ['[a:B] abstract\n- x', 'abstract'],
      ]) {
        await expect(repository.registerNodeTypes('admin', cnd ?? '')).rejects.toMatchObject({
          code: 'CONSTRAINT_VIOLATION',
          paths: ['/b'],
          message: expect.stringMatching(new RegExp(`a:B.*${problem ?? ''}`)) as string,
        });
      }
      await expect(repository.unregisterNodeTypes('admin', ['a:B'])).rejects.toMatchObject({ paths: ['/b'] });
      expect(await repository.registerNodeTypes('admin', '[a:B]\n- x (undefined)')).toEqual(['a:B']);
    });

    it('looks at children and at types that inherit, and at content that had the type before it was known', async () => {
      const repository = await openFor(open);
      const session = await sessionOf(repository);
      await session.addNode('/foreign', { primaryType: 'a:Box', properties: { any: 1 } });
      await session.addNode('/foreign/child', { primaryType: 'nt:unstructured' });
      await session.save();
      const types = (box: string) => `[a:Base]\n- any (long)\n${box}`;
      const refused = repository.registerNodeTypes('admin', types('[a:Box] > a:Base\n+ * (nt:file)'));
      await expect(refused).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION', paths: ['/foreign/child'] });
      await repository.registerNodeTypes('admin', types('[a:Box] > a:Base\n+ * (nt:base)'));
      const inherited = repository.registerNodeTypes('admin', '[a:Base]\n- any (string)');
      await expect(inherited).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION', paths: ['/foreign'] });
      await expect(repository.unregisterNodeTypes('admin', ['a:Base'])).rejects.toMatchObject({
        message: expect.stringContaining('a:Box') as string,
      });
      await session.refresh();
      await session.remove('/foreign');
      await session.save();
      await repository.unregisterNodeTypes('admin', ['a:Box', 'a:Base']);
      expect((await sessionOf(repository)).nodeTypes.get('a:Base')).toBeUndefined();
    });

    it('is seen by a save that began before it', async () => {
      const repository = await openFor(open);
      const session = await sessionOf(repository);
      await session.addNode('/b', { primaryType: 'a:B', properties: { x: 1 } });
      await repository.registerNodeTypes('admin', '[a:B]');
      await expect(session.save()).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION', paths: ['/b'] });
    });
  });

  describe('properties', () => {
    it.each<[string, PropertyInput, unknown]>([
      ['acme:pages', '12', { type: 'Long', values: [12] }],
      ['acme:pages', { type: 'Decimal', multiple: false, values: ['7'] }, { type: 'Long', values: [7] }],
      ['acme:isbn', { type: 'Name', multiple: false, values: ['978-1'] }, { type: 'String', values: ['978-1'] }],
      ['acme:lent', 'true', { type: 'Boolean', values: [true] }],
      ['acme:genre', 'acme:novel', { type: 'Name', values: ['acme:novel'] }],
      ['acme:out', '2020-02-29T10:00:00Z', { type: 'Date', values: ['2020-02-29T10:00:00.000Z'] }],
      ['acme:out', 1_600_000_000_000, { type: 'Date', values: ['2020-09-13T12:26:40.000Z'] }],
      ['acme:price', 5, { type: 'Decimal', values: ['5'] }],
      ['acme:tags', [1, 2], { type: 'String', multiple: true, values: ['1', '2'] }],
      ['acme:tags', [], { type: 'String', multiple: true, values: [] }],
    ])('%s given as %j is converted', async (name, value, expected) => {
      const { session } = await withTypes();
      await session.addNode('/added', book({ [name]: value }));
      await session.addNode('/set', book());
      await session.setProperties('/set', { [name]: value });
      await session.save();
      for (const path of ['/added', '/set'])
        expect((await session.getNode(path)).property(name)).toMatchObject(expected as object);
    });

    it.each<[string, PropertyInput, string]>([
      ['acme:pages', 'many', 'Long'],
      ['acme:lent', 'perhaps', 'Boolean'],
      ['acme:out', 'yesterday', 'Date'],
      ['acme:genre', 'a/b', 'Name'],
    ])('%s given as %j is INVALID_VALUE', async (name, value, wanted) => {
      const { session } = await withTypes();
      const expected = {
        code: 'INVALID_VALUE',
        paths: [`/b/${name}`],
        message: expect.stringContaining(wanted) as string,
      };
      await expect(session.addNode('/b', book({ [name]: value }))).rejects.toMatchObject(expected);
      await session.addNode('/b', book());
      await expect(session.setProperties('/b', { [name]: value })).rejects.toMatchObject(expected);
    });

    it.each<[string, PropertyInput | null]>([
      ['acme:title', null],
      ['acme:isbn', '978'],
      ['acme:isbn', 'x978-1'],
      ['acme:pages', 0],
      ['acme:pages', 5000],
      ['acme:pages', [1]],
      ['acme:tags', 'one'],
      ['acme:price', 0],
      ['acme:out', new Date('1999-12-31T23:59:59.999Z')],
      ['acme:genre', 'acme:poem'],
      ['acme:home', '/shelves'],
      ['acme:home', '/shelvesx/a'],
      ['acme:unknown', 'x'],
    ])('%s set to %j does not save', async (name, value) => {
      const { session } = await withTypes();
      await session.addNode('/b', book());
      await session.save();
      await session.setProperties('/b', { [name]: value });
      await expect(session.save()).rejects.toMatchObject({
        code: 'CONSTRAINT_VIOLATION',
        paths: ['/b'],
        message: expect.stringContaining(name) as string,
      });
    });

    it('within their constraints save', async () => {
      const { session } = await withTypes();
      const values = { 'acme:isbn': '978-12', 'acme:pages': 4999, 'acme:price': -1, 'acme:home': '/shelves/a/b' };
      await session.addNode('/b', book({ ...values, 'acme:out': new Date('2000-01-01T00:00:00.000Z') }));
      expect(await session.save()).toBeGreaterThan(0);
    });

    it('that are autocreated come with the node, as given or by default', async () => {
      const { session } = await withTypes();
      const added = await session.addNode('/b', book({ 'acme:lent': true }));
      expect(added.boolean('acme:lent')).toBe(true);
      expect(added.property('acme:copies')).toEqual({ type: 'Long', multiple: true, values: [1, 2] });
      const plain = await session.addNode('/n');
      expect(plain.property('jcr:lastModified')).toBeUndefined();
      const typed = await session.setProperties('/n', { 'jcr:mixinTypes': ['mix:lastModified', 'mix:versionable'] });
      expect(typed.property('jcr:lastModified')?.type).toBe('Date');
      expect(typed.text('jcr:lastModifiedBy')).toBe('admin');
      expect(typed.boolean('jcr:isCheckedOut')).toBe(true);
      expect(typed.text('jcr:uuid')).toBe(plain.identifier);
      await session.save();
    });

    it('that are protected are the repository’s, except in an import', async () => {
      const { session } = await withTypes();
      const refused = { code: 'CONSTRAINT_VIOLATION', paths: ['/b'] };
      await expect(session.addNode('/b', book({ 'acme:stamp': 'mine' }))).rejects.toMatchObject(refused);
      await session.addNode('/b', book());
      await expect(session.setProperties('/b', { 'acme:stamp': 'mine' })).rejects.toMatchObject(refused);
      await session.setProperties('/b', { 'acme:stamp': 'theirs' }, { imported: true });
      await session.setProperties('/b', { 'acme:stamp': 'theirs', 'acme:pages': 2 });
      await expect(session.setProperties('/b', { 'acme:stamp': null })).rejects.toMatchObject(refused);
      const mixins = ['mix:versionable', 'mix:lockable'];
      await session.addNode('/v', { primaryType: 'sling:Folder', mixins });
      for (const name of ['jcr:created', 'jcr:createdBy', 'jcr:isCheckedOut', 'jcr:baseVersion', 'jcr:lockOwner']) {
        await expect(session.setProperties('/v', { [name]: 'x' })).rejects.toMatchObject({ paths: ['/v'] });
      }
      await session.save();
    });
  });

  describe('children', () => {
    it('get the type their parent gives them, and come along when they are autocreated', async () => {
      const { session } = await withTypes();
      await session.addNode('/s', { primaryType: 'acme:Shelf' });
      expect((await session.getNode('/s/acme:label')).primaryType).toBe('nt:unstructured');
      const child = await session.addNode('/s/one', { properties: { 'acme:title': 'One' } });
      expect(child.primaryType).toBe('acme:Book');
      await session.save();
      expect((await session.getNode('/s/one')).boolean('acme:lent')).toBe(false);
    });

    it.each<[string, NodeInput]>([
      ['/s/wrong', { primaryType: 'nt:unstructured' }],
      ['/s/one/below', {}],
      ['/folder/wrong', { primaryType: 'nt:unstructured' }],
    ])('%s of type %j is refused', async (path, input) => {
      const { session } = await withTypes();
      await session.addNode('/s', { primaryType: 'acme:Shelf' });
      await session.addNode('/s/one', book());
      await session.addNode('/folder', { primaryType: 'nt:folder' });
      await session.addNode('/elsewhere', input);
      await session.save();
      await session.addNode(path, input);
      const refused = { code: 'CONSTRAINT_VIOLATION', paths: [path] };
      await expect(session.save()).rejects.toMatchObject(refused);
      await session.refresh();
      await session.move('/elsewhere', path);
      await expect(session.save()).rejects.toMatchObject(refused);
    });

    it('of a type that is not known may be anywhere a child may be', async () => {
      const { session } = await withTypes();
      await session.addNode('/folder', { primaryType: 'nt:folder' });
      await session.addNode('/folder/foreign', { primaryType: 'other:Thing' });
      expect(await session.save()).toBeGreaterThan(0);
    });

    it('that are mandatory must be there, and stay', async () => {
      const { session } = await withTypes();
      await session.addNode('/file', { primaryType: 'nt:file' });
      const refused = { code: 'CONSTRAINT_VIOLATION', paths: ['/file'] };
      await expect(session.save()).rejects.toMatchObject(refused);
      await session.addNode('/file/jcr:content');
      await session.save();
      await session.remove('/file/jcr:content');
      await expect(session.save()).rejects.toMatchObject(refused);
      await session.addNode('/file/jcr:content', { properties: { again: true } });
      await session.save();
      await session.remove('/file');
      await session.save();
    });

    it('may lie below every type when they are policies', async () => {
      const { session } = await withTypes();
      await session.addNode('/s', { primaryType: 'acme:Shelf' });
      await session.addNode('/s/one', book());
      await grant(session, '/s/one', 'everyone', ['jcr:read']);
      expect(await session.save()).toBeGreaterThan(0);
    });
  });

  describe('types of a node', () => {
    it('are checked as a whole when they change', async () => {
      const { session } = await withTypes();
      await session.addNode('/n', { properties: { 'acme:pages': 'many', 'acme:title': 'T' } });
      await session.addNode('/n/child');
      await session.save();
      const becomes = async (changes: Record<string, PropertyInput | null>) => {
        await session.refresh();
        await session.setProperties('/n', changes);
        return session.save();
      };
      const type = { 'jcr:primaryType': 'acme:Book' };
      await expect(becomes(type)).rejects.toMatchObject({ paths: ['/n'] });
      await expect(becomes({ ...type, 'acme:pages': null })).rejects.toMatchObject({ paths: ['/n/child'] });
      await expect(becomes({ 'jcr:mixinTypes': ['acme:Signed'] })).rejects.toMatchObject({ paths: ['/n'] });
      await becomes({ 'jcr:mixinTypes': ['acme:Signed'], 'acme:by': 'author' });
      await expect(becomes({ 'acme:by': null })).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION' });
    });

    it.each<[string, NodeInput]>([
      ['abstract', { primaryType: 'acme:Thing' }],
      ['an abstract mixin', { mixins: ['acme:Thing'] }],
      ['contradicting mixins', { mixins: ['acme:Signed', 'acme:SignedByNumber'], properties: { 'acme:by': 'x' } }],
    ])('cannot be %s', async (_what, input) => {
      const { session } = await withTypes();
      await session.addNode('/n', input);
      await expect(session.save()).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION', paths: ['/n'] });
    });

    it('bind references to types of their targets', async () => {
      const { session } = await withTypes();
      const [one, plain] = [await session.addNode('/one', book()), await session.addNode('/plain')];
      await session.addNode('/two', book({ 'acme:sequel': one.identifier }));
      await session.save();
      await session.setProperties('/two', { 'acme:sequel': plain.identifier });
      await expect(session.save()).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION', paths: ['/two'] });
    });
  });

  it('takes collections, sets and subassets as AEM has them', async () => {
    const session = await sessionOf(await openFor(open));
    const asset = async (path: string) => {
      await session.addNode(path, { primaryType: 'dam:Asset', mixins: ['mix:referenceable'] });
      expect((await session.addNode(`${path}/jcr:content`)).primaryType).toBe('dam:AssetContent');
      await session.addNode(`${path}/jcr:content/metadata`);
      expect((await session.addNode(`${path}/jcr:content/renditions`)).primaryType).toBe('nt:folder');
    };
    await session.addNode('/dam', { primaryType: 'sling:Folder' });
    await asset('/dam/a.pdf');
    await session.addNode('/dam/a.pdf/subassets');
    await asset('/dam/a.pdf/subassets/page1.jpg');
    for (const [path, primaryType] of [
      ['/dam/collection', 'nt:unstructured'],
      ['/dam/folder-collection', 'sling:Folder'],
    ] as const) {
      await session.addNode(path, { primaryType, properties: { 'sling:resourceType': 'dam/collection' } });
      await session.addNode(`${path}/sling:members`, { properties: { 'sling:resources': ['/dam/a.pdf'] } });
      await session.addNode(`${path}/sling:members/a.pdf`, { properties: { 'sling:resource': '/dam/a.pdf' } });
    }
    await asset('/dam/set');
    await session.addNode('/dam/set/jcr:content/related');
    await session.addNode('/dam/set/jcr:content/related/s7Set', {
      properties: { 'sling:resourceType': 'sling/collection' },
    });
    expect(await session.save()).toBeGreaterThan(0);
  });

  describe('a change of the type of a parent', () => {
    it('holds for a child that is added in the same save', async () => {
      const { session } = await withTypes();
      await session.addNode('/lib');
      await session.save();
      const toShelf = { 'jcr:primaryType': 'acme:Shelf' };
      await session.setProperties('/lib', toShelf);
      await session.addNode('/lib/paper', { primaryType: 'nt:unstructured' });
      await expect(session.save()).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION', paths: ['/lib/paper'] });
      await session.remove('/lib/paper');
      // The other order: the child was added while its parent still took it.
      await session.setProperties('/lib', { 'jcr:primaryType': 'nt:unstructured' });
      await session.addNode('/lib/paper', { primaryType: 'nt:unstructured' });
      await session.setProperties('/lib', toShelf);
      await expect(session.save()).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION', paths: ['/lib/paper'] });
      await session.remove('/lib/paper');
      await session.addNode('/lib/novel', book());
      await session.save();
      expect((await session.getNode('/lib/novel')).primaryType).toBe('acme:Book');
    });

    it('holds for a child that was there and is changed in the same save', async () => {
      const { session } = await withTypes();
      await session.addNode('/lib');
      await session.addNode('/lib/paper');
      await session.save();
      await session.setProperties('/lib/paper', { pages: 1 });
      await session.setProperties('/lib', { 'jcr:primaryType': 'acme:Shelf' });
      await expect(session.save()).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION', paths: ['/lib/paper'] });
      await session.setProperties('/lib/paper', { 'jcr:primaryType': 'acme:Book', 'acme:title': 'T', pages: null });
      await session.save();
      expect((await session.getNode('/lib')).primaryType).toBe('acme:Shelf');
    });
  });
});
