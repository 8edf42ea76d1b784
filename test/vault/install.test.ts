import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { RepositoryError } from '../../repository/errors.js';
import type { Session } from '../../repository/api.js';
import { installPackage, type InstallProgress } from '../../repository/vault/install.js';
import type { PackageLimits } from '../../repository/vault/package-limits.js';
import { backends, namesOf, openFor, pathsOf, sessionOf, temporaryFolder } from '../repository/world.js';
import { docView, packageEntries, writeZip, type PackageEntry, type PackageInput } from './package-builder.js';

const containing = (text: string): unknown => expect.stringContaining(text);
const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);

async function openSession(): Promise<Session> {
  const open = backends['memory'];
  if (!open) throw new Error('there is no memory backend');
  return sessionOf(await openFor(open));
}

async function install(session: Session, input: PackageInput) {
  return installPackage({
    session,
    file: await writeZip(join(await temporaryFolder(), 'package.zip'), packageEntries(input)),
  });
}

const title = async (session: Session, path: string) => (await session.findNode(path))?.text('jcr:title');

describe('a content package (C5)', () => {
  it('has what its types create and the package does not bring', async () => {
    const open = backends['memory'];
    if (!open) throw new Error('there is no memory backend');
    const repository = await openFor(open);
    await repository.registerNodeTypes(
      'admin',
      "<'x'='urn:x'> [x:Shelf] + label (nt:unstructured) = nt:unstructured mandatory autocreated",
    );
    const session = await sessionOf(repository);
    const input = {
      filter: '<filter root="/content/shelf"/>',
      files: { 'content/shelf/.content.xml': docView('jcr:primaryType="x:Shelf" xmlns:x="urn:x"') },
    };
    await install(session, input);
    expect(await namesOf(session.children('/content/shelf'))).toEqual(['label']);
    await install(session, input);
    expect(await namesOf(session.children('/content/shelf'))).toEqual(['label']);
  });

  it('becomes nodes, properties, files and order, in one commit', async () => {
    const session = await openSession();
    const before = session.sequence;
    const progress: InstallProgress[] = [];
    const file = await writeZip(
      join(await temporaryFolder(), 'package.zip'),
      packageEntries({
        filter: '<filter root="/content/site"/>',
        properties: { acHandling: 'overwrite' },
        files: {
          'content/site/.content.xml': docView(
            'jcr:primaryType="sling:OrderedFolder" jcr:title="Site"',
            '<second/><first jcr:primaryType="nt:unstructured" n="{Long}7" names="{Name}[a,b]"/><photo.png/>',
          ),
          'content/site/photo.png': new Uint8Array([1, 2, 3]),
          'content/site/photo.png.dir/.content.xml': docView(
            'jcr:primaryType="nt:file"',
            '<jcr:content jcr:primaryType="oak:Resource" jcr:mimeType="image/x-own" jcr:lastModified="{Date}2022-08-12T17:02:57.711Z"/>',
          ),
          'content/site/photo.png.dir/_jcr_content/metadata/.content.xml': docView(
            'jcr:primaryType="nt:unstructured" w="{Long}1"',
          ),
          'content/site/second/.content.xml': docView('jcr:primaryType="nt:unstructured"'),
          'content/site/second/_rep_policy.xml': docView('jcr:primaryType="rep:ACL"'),
          'content/site/second/raw.binary': 'raw bytes',
          'content/site/dialog.xml': docView(
            'jcr:primaryType="cq:Dialog"',
            '<items jcr:primaryType="nt:unstructured"/>',
          ),
          'content/site/plain.xml': '<svg xmlns="http://www.w3.org/2000/svg"/>',
        },
      }),
    );
    const report = await installPackage({ session, file, onProgress: (step) => progress.push(step) });

    expect(session.sequence).toBe(before + 1);
    expect(report).toMatchObject({ group: 'tests', name: 'sample & more', version: '1.2', binaries: 3, skipped: [] });
    expect(await namesOf(session.children('/content/site'))).toEqual([
      'second',
      'first',
      'photo.png',
      'dialog',
      'plain.xml',
    ]);
    expect(report.nodes).toBe((await pathsOf(session.descendants('/content/site'))).length + 1);
    const first = await session.getNode('/content/site/first');
    expect(first.property('n')).toEqual({ type: 'Long', multiple: false, values: [7] });
    expect(first.property('names')).toEqual({ type: 'Name', multiple: true, values: ['a', 'b'] });
    const photo = await session.getNode('/content/site/photo.png/jcr:content');
    expect(photo).toMatchObject({ primaryType: 'oak:Resource' });
    expect(photo.text('jcr:mimeType')).toBe('image/x-own');
    expect(photo.binary('jcr:data')).toMatchObject({ size: 3, crc32: crc32(new Uint8Array([1, 2, 3])) });
    expect((await session.getNode('/content/site/photo.png/jcr:content/metadata')).number('w')).toBe(1);
    expect((await session.getNode('/content/site/second/rep:policy')).primaryType).toBe('rep:ACL');
    expect((await session.getNode('/content/site/second')).binary('raw')?.size).toBe('raw bytes'.length);
    expect((await session.getNode('/content/site/plain.xml/jcr:content')).text('jcr:mimeType')).toBe('application/xml');
    expect(progress.at(-1)?.bytes.done).toBe(report.bytes);
  });

  it('says what it leaves out, and why', async () => {
    const session = await openSession();
    const { skipped } = await install(session, {
      filter: '<filter root="/content/a"><exclude pattern="/content/a/private(/.*)?"/></filter>',
      files: {
        'content/a/.content.xml': docView('jcr:primaryType="nt:unstructured" lost="{Binary}"'),
        'content/a/private/.content.xml': docView('jcr:primaryType="nt:unstructured"'),
        'content/b/.content.xml': docView('jcr:primaryType="nt:unstructured"'),
        'etc/packages/inner.zip': 'zip',
      },
      extra: [
        { name: 'META-INF/vault/nodetypes.cnd', content: '' },
        { name: 'META-INF/vault/hooks/hook.jar', content: '' },
      ],
    });
    const reasons = Object.fromEntries(skipped.map(({ path, reason }) => [path, reason]));
    expect(reasons).toEqual({
      'META-INF/vault/nodetypes.cnd': containing('node types'),
      'META-INF/vault/hooks/hook.jar': containing('hooks'),
      'jcr_root/etc/packages/inner.zip': containing('nested package'),
      '/content/a': containing('lost'),
      '/content/a/private': containing('filter'),
      '/content/b': containing('filter'),
      '/etc': containing('filter'),
    });
    expect(await session.findNode('/content/b')).toBeUndefined();
    expect(await session.findNode('/content/a/private')).toBeUndefined();
  });

  it('installed again changes nothing', async () => {
    const session = await openSession();
    const input: PackageInput = {
      filter: '<filter root="/content/a"/>',
      files: {
        'content/a/.content.xml': docView(
          'jcr:primaryType="nt:unstructured" jcr:mixinTypes="[mix:title]" jcr:title="A"',
        ),
        'content/a/f.txt': 'text',
      },
    };
    await install(session, input);
    const after = session.sequence;
    expect(await install(session, input)).toMatchObject({ changed: 0, removed: [] });
    expect(session.sequence).toBe(after);
  });

  it('gives a node a new identifier when another one has the package’s', async () => {
    const session = await openSession();
    const uuid = '7c2c9e9e-87fa-4a95-b159-466d59d77234';
    await session.addNode('/own', { mixins: ['mix:referenceable'], properties: { 'jcr:uuid': uuid } });
    await session.save();
    const report = await install(session, {
      filter: '<filter root="/a"/><filter root="/b"/>',
      files: {
        'a/.content.xml': docView(
          `jcr:primaryType="nt:unstructured" jcr:mixinTypes="[mix:referenceable]" jcr:uuid="${uuid}"`,
        ),
        'b/.content.xml': docView(
          'jcr:primaryType="nt:unstructured" jcr:mixinTypes="[mix:referenceable]" jcr:uuid="11111111-87fa-4a95-b159-466d59d77234"',
        ),
      },
    });
    expect((await session.getNode('/a')).text('jcr:uuid')).not.toBe(uuid);
    expect((await session.findNodeByIdentifier(uuid))?.path).toBe('/own');
    expect((await session.getNode('/b')).identifier).toBe('11111111-87fa-4a95-b159-466d59d77234');
    expect(report.skipped).toEqual([{ path: '/a', reason: containing('/own') }]);
  });
});

describe('import modes (C5)', () => {
  const files = {
    'content/a/.content.xml': docView(
      'jcr:primaryType="nt:unstructured" jcr:title="package" added="yes"',
      '<x jcr:primaryType="nt:unstructured" jcr:title="package"/><n jcr:primaryType="nt:unstructured"/>',
    ),
  };
  async function existing(): Promise<Session> {
    const session = await openSession();
    await session.ensureNode('/content/a', { properties: { 'jcr:title': 'own', extra: 'own' } });
    await session.addNode('/content/a/own', { properties: { 'jcr:title': 'own' } });
    await session.addNode('/content/a/x', { properties: { 'jcr:title': 'own' } });
    await session.addNode('/content/a/rep:policy', { primaryType: 'rep:ACL' });
    await session.save();
    return session;
  }
  // Per mode: the title of /content/a (set by both), whether `added` came, `extra` stayed, /own stayed, /x's title.
  it.each([
    ['replace', { title: 'package', added: true, extra: false, own: false, x: 'package' }],
    ['update', { title: 'package', added: true, extra: true, own: true, x: 'package' }],
    ['update_properties', { title: 'package', added: true, extra: true, own: true, x: 'package' }],
    ['merge', { title: 'own', added: false, extra: true, own: true, x: 'own' }],
    ['merge_properties', { title: 'own', added: true, extra: true, own: true, x: 'own' }],
  ])('%s', async (mode, expected) => {
    const session = await existing();
    await install(session, { filter: `<filter root="/content/a" mode="${mode}"/>`, files });
    const a = await session.getNode('/content/a');
    expect({
      title: a.text('jcr:title'),
      added: a.text('added') === 'yes',
      extra: a.text('extra') === 'own',
      own: (await session.findNode('/content/a/own')) !== undefined,
      x: await title(session, '/content/a/x'),
    }).toEqual(expected);
    // New nodes come in every mode; access control stays when the package does not speak of it.
    expect(await session.findNode('/content/a/n')).toBeDefined();
    expect(await session.findNode('/content/a/rep:policy')).toBeDefined();
  });

  it('without a mode is replace, orders children as the package does, and keeps what is excluded', async () => {
    const session = await existing();
    await session.addNode('/content/a/own/deep');
    await session.save();
    const report = await install(session, {
      filter: '<filter root="/content/a"><exclude pattern="/content/a/own/deep"/></filter>',
      files: {
        'content/a/.content.xml': docView(
          'jcr:primaryType="nt:unstructured"',
          '<n jcr:primaryType="nt:unstructured"/><x jcr:primaryType="nt:unstructured"/>',
        ),
      },
    });
    expect(report.removed).toEqual([]);
    const names = await namesOf(session.children('/content/a'));
    expect(names.filter((name) => name === 'n' || name === 'x')).toEqual(['n', 'x']);
    expect(names).toContain('own');
  });

  it('narrows by includes, and touches nothing outside', async () => {
    const session = await existing();
    const report = await install(session, {
      filter: '<filter root="/content/a"><include pattern="/content/a/x"/></filter>',
      files,
    });
    expect(await title(session, '/content/a')).toBe('own');
    expect(await title(session, '/content/a/x')).toBe('package');
    expect(await session.findNode('/content/a/own')).toBeDefined();
    expect(report.skipped.map(({ path }) => path)).toEqual(['/content/a/n']);
  });

  it('leaves out properties that a property filter excludes', async () => {
    const session = await openSession();
    await install(session, {
      filter: '<filter root="/content/a"><exclude pattern=".*/jcr:title" matchProperties="true"/></filter>',
      files,
    });
    expect((await session.getNode('/content/a')).text('added')).toBe('yes');
    expect(await title(session, '/content/a/x')).toBeUndefined();
  });
});

describe('a package that is damaged or hostile (C5)', () => {
  const good = packageEntries({
    filter: '<filter root="/content"/>',
    files: {
      'content/a/.content.xml': docView('jcr:primaryType="nt:unstructured"'),
      'content/f.txt': 'x'.repeat(10_000),
    },
  });
  const withEntry = (entry: PackageEntry) => [...good, entry];
  const node = docView('jcr:primaryType="nt:unstructured"');
  const filterOf = (content: string) => [
    { name: 'META-INF/vault/filter.xml', content },
    ...good.filter(({ name }) => !name.endsWith('filter.xml')),
  ];
  const hostile: readonly (readonly [string, readonly PackageEntry[], RegExp])[] = [
    ['a path that climbs', withEntry({ name: 'jcr_root/../../etc/passwd', content: 'x' }), /invalid relative path/],
    ['an absolute path', withEntry({ name: '/etc/passwd', content: 'x' }), /absolute path/],
    ['a drive', withEntry({ name: 'C:/x', content: 'x' }), /absolute path/],
    ['a backslash', withEntry({ name: 'jcr_root\\x', content: 'x' }), /invalid characters/],
    ['an empty segment', withEntry({ name: 'jcr_root//x', content: 'x' }), /empty or dot segment/],
    ['a control character in a name', withEntry({ name: 'jcr_root/content/a%0ab', content: 'x' }), /control character/],
    ['a colon escaped into a path', withEntry({ name: 'jcr_root/content/a%2f..%2fb', content: 'x' }), /holds one of/],
    ['a symbolic link', withEntry({ name: 'jcr_root/link', content: '/etc', mode: 0o120777 }), /symbolic link/],
    ['a wrong CRC of a file', withEntry({ name: 'jcr_root/content/g.txt', content: 'abc', crc: 1 }), /CRC-32/],
    [
      'a wrong CRC of a document',
      withEntry({ name: 'jcr_root/content/g/.content.xml', content: node, crc: 1 }),
      /CRC-32/,
    ],
    [
      'a size that is a lie',
      withEntry({ name: 'jcr_root/content/g.txt', content: 'abcdef', deflate: true, uncompressedSize: 3 }),
      /too many bytes/,
    ],
    [
      'an absurd expansion',
      withEntry({ name: 'jcr_root/content/g.txt', content: '', deflate: true, uncompressedSize: 4_000_000_000 }),
      /would unpack to/,
    ],
    ['an UNC path', withEntry({ name: '\\\\server\\share\\x', content: 'x' }), /invalid characters/],
    [
      'an encrypted entry',
      withEntry({ name: 'jcr_root/content/g', content: 'x', flags: 1, deflate: true }),
      /is encrypted/,
    ],
    ['an unknown compression', withEntry({ name: 'jcr_root/content/g', content: 'x', method: 12 }), /method 12/],
    ['an entry over another', withEntry({ name: 'jcr_root/content/g', content: 'xyz', offset: 0 }), /overlap/],
    [
      'names that differ in case',
      [...good, ...['straße', 'STRASSE'].map((name) => ({ name: `jcr_root/content/${name}/x` }))],
      /differ only in case/,
    ],
    [
      'names that differ in their Unicode form',
      [...good, ...['caf\u00e9', 'cafe\u0301'].map((name) => ({ name: `jcr_root/content/${name}` }))],
      /Unicode form/,
    ],
    ['a path without end', withEntry({ name: `jcr_root/content/${'d/'.repeat(300)}x` }), /nested deeper/],
    ['a name without end', withEntry({ name: `jcr_root/${'n'.repeat(9_000)}` }), /too long/],
    [
      'a path that is too long for the repository',
      withEntry({ name: `jcr_root/content/${`${'n'.repeat(200)}/`.repeat(12)}x`, content: 'x' }),
      /longer than 2048/,
    ],
    [
      'a huge attribute',
      withEntry({
        name: 'jcr_root/content/g/.content.xml',
        content: docView(`big="${'x'.repeat(17 * 1024 * 1024)}"`),
        deflate: true,
      }),
      /attribute is longer/,
    ],
    [
      'attributes without end',
      withEntry({
        name: 'jcr_root/content/g/.content.xml',
        content: docView(Array.from({ length: 10_001 }, (_, index) => `a${index}=""`).join(' ')),
        deflate: true,
      }),
      /more than 10000 attributes/,
    ],
    [
      'a document that is too large',
      withEntry({
        name: 'jcr_root/content/g/.content.xml',
        content: docView('', ' '.repeat(65 * 1024 * 1024)),
        deflate: true,
      }),
      /document of the package is larger/,
    ],
    [
      'a pattern that never ends',
      packageEntries({
        filter: '<filter root="/content"><exclude pattern="/content/(a+)+1"/></filter>',
        files: { [`content/${'a'.repeat(60)}`]: 'x' },
      }),
      /takes too long/,
    ],
    [
      'an unknown acHandling',
      packageEntries({ filter: '<filter root="/content"/>', files: {}, properties: { acHandling: 'open' } }),
      /acHandling "open"/,
    ],
    ['an entry twice', withEntry({ name: 'jcr_root/content/f.txt', content: 'y' }), /two entries/],
    [
      'a file that is also a folder',
      withEntry({ name: 'jcr_root/content/f.txt/g', content: 'y' }),
      /both a file and a folder/,
    ],
    ['a node declared twice', withEntry({ name: 'jcr_root/content/a.xml', content: node }), /declared already/],
    [
      'two names for one node',
      [...good, ...['_x_y', 'x%3ay'].map((name) => ({ name: `jcr_root/content/${name}`, content: 'x' }))],
      /declared already/,
    ],
    [
      'an entity in a document',
      withEntry({
        name: 'jcr_root/content/g/.content.xml',
        content: `<!DOCTYPE x [<!ENTITY a "b">]>${node.replace(/<\?.*\?>/, '')}`,
      }),
      /DOCTYPE/,
    ],
    [
      'another DOCTYPE in properties.xml',
      [
        {
          name: 'META-INF/vault/properties.xml',
          content: '<!DOCTYPE properties SYSTEM "file:///etc/passwd"><properties/>',
        },
        ...good.filter(({ name }) => !name.endsWith('properties.xml')),
      ],
      /DOCTYPE/,
    ],
    ['no filter', good.filter(({ name }) => !name.endsWith('filter.xml')), /not a content package/],
    ['an empty filter', filterOf('<workspaceFilter/>'), /names no filter root/],
    [
      'a filter with an unknown mode',
      filterOf('<workspaceFilter><filter root="/a" mode="x"/></workspaceFilter>'),
      /mode "x"/,
    ],
    [
      'a filter with a broken pattern',
      filterOf('<workspaceFilter><filter root="/a"><include pattern="("/></filter></workspaceFilter>'),
      /regular expression/,
    ],
    [
      'a filter with a relative root',
      filterOf('<workspaceFilter><filter root="a"/></workspaceFilter>'),
      /not absolute/,
    ],
    [
      'a value that does not convert',
      withEntry({ name: 'jcr_root/content/g/.content.xml', content: docView('n="{Long}x"') }),
      /Long/,
    ],
    [
      'a reference to nothing',
      withEntry({
        name: 'jcr_root/content/g/.content.xml',
        content: docView('r="{Reference}7c2c9e9e-87fa-4a95-b159-466d59d77234"'),
      }),
      /no such node/,
    ],
  ];

  it.each(hostile)('%s is refused and nothing changes', async (_what, entries, message) => {
    const session = await openSession();
    await expectRefusal(session, await writeZip(join(await temporaryFolder(), 'package.zip'), entries), message);
  });

  it.each([
    ['entries', { entries: 3 }, /3 are allowed/],
    ['bytes', { unpackedBytes: 9_999 }, /9999 are allowed/],
    ['bytes for its size', { unsuspiciousBytes: 0, ratio: 2 }, /more than 2 times/],
    ['bytes in a document', { documentBytes: 100 }, /larger than 100 bytes/],
    ['nodes', { nodes: 2 }, /more than 2 nodes/],
    ['nodes in a document', { nodes: 0 }, /more than 0 nodes/],
  ])('with more %s than allowed is refused and nothing changes', async (_what, limits, message) => {
    const session = await openSession();
    const file = await writeZip(join(await temporaryFolder(), 'package.zip'), good);
    await expectRefusal(session, file, message, limits);
    expect(await installPackage({ session, file })).toMatchObject({ name: 'sample & more' });
  });

  it('cut off anywhere is refused and nothing changes', async () => {
    const session = await openSession();
    const file = await writeZip(join(await temporaryFolder(), 'package.zip'), good);
    const { length } = await readFile(file);
    for (const size of [length - 1, length - 30, Math.floor(length / 2), 10, 0]) {
      await truncate(file, size);
      await expectRefusal(session, file, /cannot be read|not a ZIP|broken/);
    }
  });

  it('that is no ZIP, or is not there, is refused', async () => {
    const session = await openSession();
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'text.zip'), 'no zip at all, but long enough to be searched for one');
    await expectRefusal(session, join(folder, 'text.zip'), /not a ZIP/);
    await expectRefusal(session, join(folder, 'absent.zip'), /absent\.zip/);
  });

  it('is refused with every single byte of its directory flipped, or installs what it held', async () => {
    const session = await openSession();
    const file = await writeZip(join(await temporaryFolder(), 'package.zip'), good);
    const bytes = await readFile(file);
    for (let at = bytes.length - 200; at < bytes.length; at += 7) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ 0xff;
      await writeFile(file, flipped);
      const outcome: unknown = await installPackage({ session, file }).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'INVALID_PACKAGE' });
      expect(session.hasPendingChanges).toBe(false);
    }
  });

  async function expectRefusal(
    session: Session,
    file: string,
    message: RegExp,
    limits: Partial<PackageLimits> = {},
  ): Promise<void> {
    const before = session.sequence;
    const error: unknown = await installPackage({ session, file, limits }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RepositoryError);
    expect(error).toMatchObject({ code: 'INVALID_PACKAGE', message: matching(message) });
    expect(session).toMatchObject({ hasPendingChanges: false, sequence: before });
    expect(await session.findNode('/content')).toBeUndefined();
  }
});
