import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grant } from '../../repository/access/policy.js';
import { changeContent, type ContentChange } from '../../repository/content/change-content.js';
import { parseContentJson } from '../../repository/content/content-json.js';
import { importContentFolder, type ContentMount } from '../../repository/content/import-content-folder.js';
import { parseJson } from '../../repository/content/json-document.js';
import { jsonObject, jsonProperty, renderJson } from '../../repository/content/write-content-json.js';
import { createUser } from '../../repository/users.js';
import type { Property } from '../../repository/value.js';
import { backends, openFor, sessionOf, temporaryFolder } from '../repository/world.js';
import { docView } from '../vault/package-builder.js';

type Files = Readonly<Record<string, string>>;

/** Two overlay folders at /conf, imported, and how to change what is there. */
async function openWorld(first: Files, second: Files = {}) {
  const open = backends['memory'];
  if (!open) throw new Error('there is no memory backend');
  const repository = await openFor(open);
  const session = await sessionOf(repository);
  const mounts: ContentMount[] = [];
  for (const [index, files] of [first, second].entries()) {
    const folder = await temporaryFolder();
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), content);
    }
    mounts.push({ folder, target: '/conf', mount: `overlay-${index}` });
  }
  const importAll = async () => {
    const reports = [];
    for (const mount of mounts) reports.push(await importContentFolder({ ...mount, session }));
    return reports;
  };
  await importAll();
  const [{ folder } = { folder: '' }] = mounts;
  const change = (...changes: ContentChange[]) => changeContent({ session, mounts, changes });
  const read = (file: string) => readFile(join(folder, file), 'utf8');
  /** Nothing is left to import, and no edit of the repository stands against a file. */
  const expectInStep = async () => {
    for (const report of await importAll()) {
      expect(report).toMatchObject({ imported: [], removed: [], keptRepositoryEdits: [], problems: [] });
    }
  };
  return { repository, session, folder, mounts, change, read, expectInStep };
}

describe('changing content', () => {
  it('changes a node of a document in its file, and leaves the rest of it', async () => {
    const world = await openWorld({
      'aurora/.content.json':
        '{"a": {"color": "red", "10": {"n": 12345678901234567890123}, "size": 1.50}, "title": "x"}'.replace(
          '12345678901234567890123',
          '9223372036854775807',
        ),
    });
    const [written] = await world.change({ path: '/conf/aurora/a', set: { color: 'blue', size: null, deep: [1, 2] } });
    expect(written).toEqual({ path: '/conf/aurora/a', to: 'file', file: join(world.folder, 'aurora/.content.json') });
    expect(await world.read('aurora/.content.json')).toBe(`{
  "a": {
    "color": "blue",
    "deep": [
      1,
      2
    ],
    "10": {
      "n": 9223372036854775807
    }
  },
  "title": "x"
}
`);
    expect((await world.session.getNode('/conf/aurora/a')).text('color')).toBe('blue');
    await world.expectInStep();
  });

  it('adds nodes to the folder that knows most of the way, and others to the repository', async () => {
    const world = await openWorld(
      { 'aurora/settings/.gitkeep': '', 'aurora/settings/mail/.content.json': '{"from": "a@example.com"}' },
      { 'nordlicht/settings/.content.json': '{}' },
    );
    const written = await world.change(
      { path: '/conf/aurora/settings/theme/colors', set: { brand: '#123456' } },
      { path: '/conf/nordlicht/settings/theme', set: { brand: '#654321' }, primaryType: 'sling:Folder' },
      { path: '/conf/third/settings/theme', set: { brand: '#abcdef' } },
      { path: '/conf/aurora/settings/mail/jcr:content/x', set: { y: true } },
    );
    expect(written.map((change) => (change.to === 'file' ? change.file : change.to))).toEqual([
      join(world.folder, 'aurora/settings/theme/colors/.content.json'),
      join(world.mounts[1]?.folder ?? '', 'nordlicht/settings/theme/.content.json'),
      'repository',
      join(world.folder, 'aurora/settings/mail/jcr:content/x/.content.json'),
    ]);
    expect(await world.read('aurora/settings/theme/colors/.content.json')).toBe('{\n  "brand": "#123456"\n}\n');
    expect((await world.session.getNode('/conf/third/settings/theme')).text('brand')).toBe('#abcdef');
    expect((await world.session.getNode('/conf/nordlicht/settings/theme')).primaryType).toBe('sling:Folder');
    await world.expectInStep();
  });

  it('puts what cannot be a folder of its own into the document above', async () => {
    const world = await openWorld({ 'aurora/x.txt': 'x' });
    const path = '/conf/aurora/folder/.hidden/below';
    await world.change({ path, set: { a: 1 } });
    expect(JSON.parse(await world.read('aurora/folder/.content.json'))).toEqual({
      'jcr:primaryType': 'sling:Folder',
      '.hidden': { below: { a: 1 } },
    });
    expect((await world.session.getNode(path)).number('a')).toBe(1);
    await world.expectInStep();
  });

  it('says what a plain folder is when it first sets something there', async () => {
    const world = await openWorld({ 'aurora/deep/x.txt': 'x' });
    await world.change({ path: '/conf/aurora/deep', set: { title: 'Deep' } });
    expect(JSON.parse(await world.read('aurora/deep/.content.json'))).toEqual({
      'jcr:primaryType': 'sling:Folder',
      title: 'Deep',
    });
    await world.expectInStep();
  });

  it('leaves in the repository what no file speaks of', async () => {
    const world = await openWorld({ 'aurora/x.txt': 'x' });
    await world.session.addNode('/conf/aurora/made-here', { properties: { a: 1 } });
    await world.session.save();
    expect(await world.change({ path: '/conf/aurora/made-here', set: { a: 2 } })).toEqual([
      { path: '/conf/aurora/made-here', to: 'repository' },
    ]);
    expect((await world.session.getNode('/conf/aurora/made-here')).number('a')).toBe(2);
    await world.expectInStep();
  });

  it('writes a file where the node is one', async () => {
    const world = await openWorld({ 'aurora/mail/en.mjml': '<mjml/>' });
    const binary = async (text: string) => world.session.createBinary(text);
    const written = await world.change(
      { path: '/conf/aurora/mail/en.mjml/jcr:content', set: { 'jcr:data': await binary('<mjml>1</mjml>') } },
      { path: '/conf/aurora/mail/de.mjml', primaryType: 'nt:file' },
      { path: '/conf/aurora/mail/de.mjml/jcr:content', set: { 'jcr:data': await binary('<mjml>2</mjml>') } },
      { path: '/conf/aurora/new/fr.mjml/jcr:content', set: { 'jcr:data': await binary('x'.repeat(10_000)) } },
    );
    expect(written.every(({ to }) => to === 'file')).toBe(true);
    expect(await world.read('aurora/mail/en.mjml')).toBe('<mjml>1</mjml>');
    expect(await world.read('aurora/mail/de.mjml')).toBe('<mjml>2</mjml>');
    expect(await world.read('aurora/new/fr.mjml')).toBe('x'.repeat(10_000));
    await world.expectInStep();
    await expect(
      world.change({ path: '/conf/aurora/mail/en.mjml/jcr:content', set: { title: 'no' } }),
    ).rejects.toMatchObject({ code: 'INVALID_VALUE', paths: ['/conf/aurora/mail/en.mjml/jcr:content'] });
  });

  it('removes what files have, wherever they have it, and what only the repository has', async () => {
    const world = await openWorld({
      'aurora/.content.json': '{"inDocument": {"a": 1}, "kept": {}}',
      'aurora/folder/.content.json': '{"a": 1}',
      'aurora/folder/deep/x.txt': 'x',
      'aurora/y.txt': 'y',
    });
    const paths = ['inDocument', 'folder', 'y.txt', 'never'].map((name) => `/conf/aurora/${name}`);
    const written = await world.change(...paths.map((path) => ({ path, remove: true })));
    expect(written.map(({ to }) => to)).toEqual(['file', 'file', 'file', 'repository']);
    expect(await readdir(join(world.folder, 'aurora'))).toEqual(['.content.json']);
    expect(JSON.parse(await world.read('aurora/.content.json'))).toEqual({ kept: {} });
    expect((await world.session.findNodes(paths)).every((node) => node === undefined)).toBe(true);
    await world.expectInStep();
    await world.change({ path: '/conf/aurora/folder', set: { b: 2 } });
    expect((await world.session.getNode('/conf/aurora/folder')).number('b')).toBe(2);
    await world.expectInStep();
  });

  it('builds one change on another, also where they meet in one file', async () => {
    const world = await openWorld({ 'aurora/.content.json': '{}' });
    await world.change(
      { path: '/conf/aurora/a', set: { n: 1 } },
      { path: '/conf/aurora/a/.b', set: { n: 2 } },
      { path: '/conf/aurora/a/.b', set: { m: 3 } },
      { path: '/conf/aurora/gone', set: { n: 1 } },
      { path: '/conf/aurora/gone', remove: true },
    );
    expect(JSON.parse(await world.read('aurora/a/.content.json'))).toEqual({ n: 1, '.b': { n: 2, m: 3 } });
    expect(await readdir(join(world.folder, 'aurora'))).toEqual(['.content.json', 'a']);
    await world.expectInStep();
  });
});

describe('changing a FileVault document', () => {
  const head =
    '<?xml version="1.0" encoding="UTF-8"?>\n<jcr:root xmlns:jcr="http://www.jcp.org/jcr/1.0" xmlns:nt="http://www.jcp.org/jcr/nt/1.0"';

  it('touches what is changed, and leaves comments, order and line breaks as they were', async () => {
    const world = await openWorld({
      'a/.content.xml': `${head}
    jcr:primaryType="nt:unstructured"
    color="red"
    size="{Long}2">
    <!-- <b color="no element"/> -->
    <b jcr:primaryType="nt:unstructured" title='Tom &amp; "Jerry" > all' n="{Long}1"/>
    <c
        jcr:primaryType="nt:unstructured">
        <d jcr:primaryType="nt:unstructured"/>
    </c>
</jcr:root>
`,
    });
    const written = await world.change(
      { path: '/conf/a', set: { color: 'blue', size: null, list: ['a,b', '<c>'] } },
      { path: '/conf/a/b', set: { 'sling:hideProperties': ['x'], n: 2 } },
      { path: '/conf/a/c/new:er/2nd', set: { on: true } },
      { path: '/conf/a/c/d', remove: true },
    );
    expect(written).toEqual(
      ['/conf/a', '/conf/a/b', '/conf/a/c/new:er/2nd', '/conf/a/c/d'].map((path) => ({
        path,
        to: 'file',
        file: join(world.folder, 'a/.content.xml'),
      })),
    );
    expect(await world.read('a/.content.xml')).toBe(
      `${head.replace('<jcr:root', '<jcr:root xmlns:new="urn:satchel:prefix:new" xmlns:sling="http://sling.apache.org/jcr/sling/1.0"')}
    jcr:primaryType="nt:unstructured"
    color="blue"
    list="[a\\,b,&lt;c&gt;]">
    <!-- <b color="no element"/> -->
    <b jcr:primaryType="nt:unstructured" title='Tom &amp; "Jerry" > all' n="{Long}2" sling:hideProperties="[x]"/>
    <c
        jcr:primaryType="nt:unstructured">
        <new:er
            jcr:primaryType="nt:unstructured">
            <_x0032_nd
                jcr:primaryType="nt:unstructured"
                on="{Boolean}true"/>
        </new:er>
    </c>
</jcr:root>
`,
    );
    expect((await world.session.getNode('/conf/a/b')).text('title')).toBe('Tom & "Jerry" > all');
    await world.expectInStep();
  });

  it('puts a new folder beside the document, removes the document of a node, and gives a bare place its node', async () => {
    const world = await openWorld({
      'a/.content.xml': `${head} jcr:primaryType="sling:Folder"><place/><inside jcr:primaryType="nt:unstructured"/></jcr:root>`,
      'a/single.xml': docView('jcr:primaryType="nt:unstructured" n="{Long}1"'),
    });
    await world.change(
      { path: '/conf/a/folder', set: { n: 1 } },
      { path: '/conf/a/single', set: { n: 2 } },
      { path: '/conf/a/inside/deeper', set: { n: 3 } },
    );
    expect(JSON.parse(await world.read('a/folder/.content.json'))).toEqual({ n: 1 });
    expect(await world.read('a/single.xml')).toContain('n="{Long}2"');
    expect(await world.read('a/.content.xml')).toContain('<deeper');
    await world.expectInStep();
    await world.change({ path: '/conf/a/single', remove: true });
    expect((await readdir(join(world.folder, 'a'))).sort()).toEqual(['.content.xml', 'folder']);
    await world.expectInStep();
  });

  it('holds any property as it was, whatever was there before', async () => {
    const texts = fc.string({ unit: 'grapheme', maxLength: 12 });
    const namesOfProperties = fc.constantFrom('a', 'b', 'dam:c', '2 d', 'e"<>');
    const change = fc.record({
      pointer: fc.constantFrom([], ['x'], ['x', 'y'], ['dam:z']),
      set: fc.dictionary(
        namesOfProperties,
        fc.oneof(texts, fc.array(texts), fc.boolean(), fc.maxSafeInteger(), fc.constant(null)),
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const world = await openWorld({ 'a/.content.xml': docView('jcr:primaryType="nt:unstructured" a="old"') });
        const expected = new Map<string, Map<string, unknown>>([['/conf/a', new Map([['a', 'old']])]]);
        for (const { pointer, set } of changes) {
          const path = ['/conf/a', ...pointer].join('/');
          await world.change({ path, set });
          const properties = expected.get(path) ?? new Map<string, unknown>();
          for (const [name, value] of Object.entries(set)) {
            if (value === null) properties.delete(name);
            else properties.set(name, value);
          }
          expected.set(path, properties);
        }
        for (const [path, properties] of expected) {
          const node = await world.session.getNode(path);
          const found = [...node.properties].filter(([name]) => !name.startsWith('jcr:'));
          expect(new Map(found.map(([name, { values, multiple }]) => [name, multiple ? values : values[0]]))).toEqual(
            properties,
          );
        }
        await world.expectInStep();
      }),
      { numRuns: 40 },
    );
  });
});

describe('a change that is refused changes nothing', () => {
  const bytes: Property = { type: 'Binary', multiple: false, values: [{ sha256: '0'.repeat(64), size: 1, crc32: 0 }] };

  it.each<[rule: string, files: Files, change: ContentChange, code: string]>([
    [
      'a file that does not parse',
      { 'a/.content.json': '{' },
      { path: '/conf/a', set: { x: 1 } },
      'INVALID_CONTENT_FILE',
    ],
    [
      'a FileVault document that does not parse',
      { 'a/.content.xml': '<jcr:root' },
      { path: '/conf/a', set: { x: 1 } },
      'INVALID_CONTENT_FILE',
    ],
    [
      'a binary in a FileVault document',
      { 'a/.content.xml': docView('jcr:primaryType="nt:unstructured"') },
      { path: '/conf/a', set: { x: bytes } },
      'INVALID_VALUE',
    ],
    ['the root of the repository', {}, { path: '/', set: { x: 1 } }, 'INVALID_VALUE'],
    ['a path that is none', {}, { path: '/conf/../etc', set: { x: 1 } }, 'INVALID_PATH'],
    ['the content folder itself', { '.content.json': '{}' }, { path: '/conf', remove: true }, 'INVALID_VALUE'],
    ['setting and removing at once', {}, { path: '/conf/a', remove: true, set: {} }, 'INVALID_VALUE'],
    [
      'what the node type forbids',
      { 'a/.content.json': '{"jcr:primaryType": "nt:folder"}' },
      { path: '/conf/a', set: { x: 1 } },
      'CONSTRAINT_VIOLATION',
    ],
  ])('%s', async (_rule, files, refused, code) => {
    const world = await openWorld({ ...files, 'good/.content.json': '{"n": 1}' });
    const { sequence } = world.session;
    const good = { path: '/conf/good', set: { n: 2 } };
    await expect(world.change(good, refused)).rejects.toMatchObject({ code });
    expect(await world.read('good/.content.json')).toBe('{"n": 1}');
    expect((await readdir(world.folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect((await world.session.getNode('/conf/good')).number('n')).toBe(1);
    expect(world.session.sequence).toBe(sequence);
    expect(world.session.hasPendingChanges).toBe(false);
  });

  it('a link', async () => {
    const world = await openWorld({ 'a/.content.json': '{}' });
    await symlink('/tmp', join(world.folder, 'a/link'));
    await expect(world.change({ path: '/conf/a/link/x', set: { y: 1 } })).rejects.toMatchObject({
      code: 'INVALID_CONTENT_FILE',
    });
  });

  it('a user without the right, also for what lies in a file', async () => {
    const { repository, session, mounts, read } = await openWorld({ 'a/.content.json': '{"n": 1}' });
    await createUser(session, { id: 'reader' });
    await grant(session, '/conf', 'reader', ['jcr:read']);
    await session.save();
    const reader = await sessionOf(repository, 'reader');
    const changes = [{ path: '/conf/a', set: { n: 2 } }];
    await expect(changeContent({ session: reader, mounts, changes })).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(await read('a/.content.json')).toBe('{"n": 1}');
    await grant(session, '/conf/a', 'reader', ['rep:write']);
    await session.save();
    await reader.refresh();
    const importMount = (mount: ContentMount) => importContentFolder({ ...mount, session });
    await changeContent({ session: reader, mounts, changes, importMount });
    expect((await reader.getNode('/conf/a')).number('n')).toBe(2);
  });

  it('a file that somebody saved meanwhile', async () => {
    const { session, mounts, folder, read } = await openWorld({ 'a/.content.json': '{"n": 1}' });
    const change = changeContent({
      session,
      mounts,
      changes: [{ path: '/conf/a', set: { n: 2 } }],
      check: async () => {
        await writeFile(join(folder, 'a/.content.json'), '{"n": 1, "m": 1}');
        return [];
      },
    });
    await expect(change).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await read('a/.content.json')).toBe('{"n": 1, "m": 1}');
    expect((await session.getNode('/conf/a')).number('n')).toBe(1);
  });

  it('what the check finds, unless it was wrong before', async () => {
    const { session, mounts, read } = await openWorld({ 'a/.content.json': '{"n": 1}' });
    const change = (n: number, wrongBefore: boolean) =>
      changeContent({
        session,
        mounts,
        changes: [{ path: '/conf/a', set: { n } }],
        check: async ([changed], seen) => {
          const wrong = wrongBefore || (await seen.getNode('/conf/a')).number('n') === 2;
          return wrong ? [{ file: changed?.file ?? '', line: 1, message: 'is wrong' }] : [];
        },
      });
    await expect(change(2, false)).rejects.toMatchObject({ code: 'INVALID_CONTENT_FILE' });
    expect(await read('a/.content.json')).toBe('{"n": 1}');
    await change(3, true);
    expect(JSON.parse(await read('a/.content.json'))).toEqual({ n: 3 });
  });
});

describe('.content.json written', () => {
  const fail = (line: number, problem: string) => new Error(`${line}: ${problem}`);
  const text = fc.oneof(fc.string(), fc.constantFrom('{Date}x', '{Name[]}a,b', '[a', 'a,b]', '\\0', '{', ''));
  const typed = (type: Property['type'], value: fc.Arbitrary<string | number | bigint | boolean>) =>
    fc.oneof(
      value.map((one): Property => ({ type, multiple: false, values: [one] })),
      fc.array(value, { maxLength: 3 }).map((values): Property => ({ type, multiple: true, values })),
    );
  const property = fc.oneof(
    typed('String', text),
    typed('Boolean', fc.boolean()),
    typed('Long', fc.oneof(fc.integer(), fc.constantFrom(9223372036854775807n))),
    typed('Double', fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(5, 0.5))),
    typed('Date', fc.constantFrom('2022-08-12T17:03:04.195Z', '1999-01-02T03:04:05.006+01:00')),
    typed('Name', fc.constantFrom('a', 'jcr:content')),
    typed('Path', fc.constantFrom('/content/a b', '/content/a,b')),
    typed('Decimal', fc.constantFrom('1.50', '12345678901234567890.1')),
  );

  it('reads back as the same property', () => {
    fc.assert(
      fc.property(property, (wanted) => {
        const value = jsonProperty('/x', 'p', wanted);
        const read = parseContentJson(renderJson(jsonObject([{ name: 'p', line: 1, value }])), 'f').properties.get('p');
        expect(read).toEqual(wanted);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps every value of a document, whatever it is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const written = renderJson(parseJson(JSON.stringify(value), fail));
        expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('refuses a binary', () => {
    const property: Property = { type: 'Binary', multiple: false, values: [{ sha256: 'x', size: 1, crc32: 1 }] };
    expect(() => jsonProperty('/x', 'p', property)).toThrow(/cannot be written into .content.json: it is a binary/);
  });
});
