import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Repository } from '../../repository/api.js';
import { grant } from '../../repository/access/policy.js';
import { createUser } from '../../repository/users.js';
import type { InstallChange } from '../../repository/vault/apply-package.js';
import { fulfils, inDependencyOrder, parseDependencies } from '../../repository/vault/dependencies.js';
import { PackageManager } from '../../repository/vault/package-manager.js';
import { findPackage, listPackages, writePackageRecord } from '../../repository/vault/package-record.js';
import { compareVersions } from '../../repository/vault/package-version.js';
import { recoverPackages } from '../../repository/vault/recover-packages.js';
import { parseSubPackageHandling } from '../../repository/vault/sub-package-handling.js';
import { backends, collect, openFor, temporaryFolder } from '../repository/world.js';
import { docView, packageEntries, writeZip, type PackageEntry, type PackageInput } from './package-builder.js';
import { contentOf } from './random-content.js';

const containing = (text: string): unknown => expect.stringContaining(text);

interface World {
  readonly repository: Repository;
  readonly manager: PackageManager;
  /** Writes a package of that name. */
  readonly pack: (name: string, input: Partial<PackageInput>) => Promise<string>;
  /** Everything there is below a path, by path. */
  readonly content: (path: string) => Promise<unknown[]>;
  readonly states: () => Promise<Record<string, string>>;
}

async function createWorld(backend = 'memory'): Promise<World> {
  const open = backends[backend];
  if (!open) throw new Error(`there is no ${backend} backend`);
  const repository = await openFor(open);
  const folder = await temporaryFolder();
  const manager = new PackageManager({ repository, userId: 'admin', temporaryFolder: folder });
  return {
    repository,
    manager,
    pack: async (name, input) => writeZip(join(folder, `${name}.zip`), packageOf(name, input)),
    content: async (path) => repository.withSession('admin', async (session) => [...(await contentOf(session, path))]),
    states: async () =>
      repository.withSession('admin', async (session) =>
        Object.fromEntries(
          (await collect(listPackages(session))).map(({ id, state }) => [`${id.name}:${id.version}`, state]),
        ),
      ),
  };
}

function packageOf(name: string, { filter, files = {}, properties, extra }: Partial<PackageInput>): PackageEntry[] {
  return packageEntries({
    filter: filter ?? `<filter root="/content/${name}"/>`,
    files:
      filter === undefined
        ? { [`content/${name}/.content.xml`]: docView('jcr:primaryType="nt:unstructured"'), ...files }
        : files,
    properties: { name, version: '1.0', ...properties },
    ...(extra && { extra }),
  });
}

async function zipOf(entries: readonly PackageEntry[]): Promise<Uint8Array> {
  return readFile(await writeZip(join(await temporaryFolder(), 'inner.zip'), entries));
}

describe('an installed package', () => {
  it.each(Object.keys(backends))('is recorded, and uninstalled to what was there before (%s)', async (backend) => {
    const { repository, manager, pack, content, states } = await createWorld(backend);
    await repository.withSession('admin', async (session) => {
      await session.ensureNode('/content/a', { properties: { own: 'yes' }, mixins: ['mix:referenceable'] });
      for (const name of ['second', 'first']) await session.addNode(`/content/a/${name}`);
      await session.setProperties('/content/a/first', {
        large: await session.createBinary(Buffer.alloc(50_000, 'large')),
        small: await session.createBinary('small'),
      });
      await grant(session, '/content/a/second', 'everyone', ['jcr:read']);
      await session.save();
    });
    const before = await content('/content');
    const file = await pack('a', {
      files: { 'content/a/new/.content.xml': docView('jcr:primaryType="nt:unstructured"') },
    });
    const report = await manager.install(file);
    expect(report).toMatchObject({ name: 'a', changed: 2, removed: ['/content/a/second', '/content/a/first'] });
    expect(report.hasSnapshot).toBe(true);
    expect(await content('/content')).not.toEqual(before);
    expect(await states()).toEqual({ 'a:1.0': 'installed' });
    const record = await repository.withSession('admin', async (session) => findPackage(session, 'tests:a'));
    expect(record).toMatchObject({
      path: '/etc/packages/tests/a-1.0.zip',
      lastUnpackedBy: 'admin',
      filters: [{ root: '/content/a', mode: 'replace' }],
      size: (await readFile(file)).length,
    });
    // Again: what is kept is what was there before the first time.
    await manager.installRecorded('a');
    expect(await manager.uninstall('tests:a:1.0')).toMatchObject({ removed: ['/content/a/new'] });
    expect(await content('/content')).toEqual(before);
    expect(await states()).toEqual({ 'a:1.0': 'uploaded' });
    await expect(manager.uninstall('a')).rejects.toMatchObject({ code: 'PACKAGE_STATE' });
  });

  it('keeps the blobs of what it replaced', async () => {
    const { repository, manager, pack, content } = await createWorld();
    await repository.withSession('admin', async (session) => {
      const large = await session.createBinary(Buffer.alloc(50_000, 'large'));
      await session.ensureNode('/content/a/old', { properties: { large } });
      await session.save();
    });
    const before = await content('/content');
    await manager.install(await pack('a', {}));
    const snapshot = '/etc/packages/tests/.snapshot/a-1.0.zip/jcr:content';
    await repository.withSession('admin', async (session) => {
      const list = (await session.getNode(snapshot)).binary('satchel:blobs');
      expect(list && Buffer.from(await session.readBinary(list)).toString()).toMatch(/^[0-9a-f]{64}\n$/);
    });
    await manager.uninstall('a');
    expect(await content('/content')).toEqual(before);
  });

  it('changes nothing when it is only tried out, and says what it would do', async () => {
    const { repository, manager, pack, states } = await createWorld();
    await repository.withSession('admin', async (session) => {
      await session.ensureNode('/content/a/old');
      await session.addNode('/content/a/same', { properties: { title: 'old' } });
      await session.save();
    });
    const head = await repository.head();
    const changes: InstallChange[] = [];
    const file = await pack('a', {
      files: {
        'content/a/same/.content.xml': docView('jcr:primaryType="nt:unstructured" title="new"'),
        'content/a/new.txt': 'x'.repeat(10_000),
      },
    });
    await manager.install(file, { dryRun: true, onChange: (change) => changes.push(change) });
    expect(changes.map(({ action, path }) => `${action} ${path}`)).toEqual([
      'D /content/a/old',
      'U /content/a/same',
      'A /content/a/new.txt',
      'A /content/a/new.txt/jcr:content',
    ]);
    expect(await repository.head()).toBe(head);
    expect(await states()).toEqual({});
  });

  it('that does not install leaves content and records as they were', async () => {
    const { repository, manager, pack, content, states } = await createWorld();
    const before = await content('/');
    const broken: Partial<PackageInput> = {
      extra: [
        { name: 'META-INF/vault/nodetypes.cnd', content: "<'own'='urn:own'>\n[own:Type] > nt:base\n - own:a (string)" },
        { name: 'jcr_root/content/a/broken.txt', content: 'x'.repeat(5_000), crc: 1 },
      ],
    };
    await expect(manager.install(await pack('a', broken))).rejects.toMatchObject({ code: 'INVALID_PACKAGE' });
    expect(await content('/')).toEqual(before);
    await repository.withSession('admin', async ({ nodeTypes }) => {
      expect(nodeTypes.get('own:Type')).toBeUndefined();
    });
    await manager.install(await pack('a', {}));
    const installed = await content('/content');
    await expect(manager.install(await pack('a', broken))).rejects.toMatchObject({ code: 'INVALID_PACKAGE' });
    expect(await content('/content')).toEqual(installed);
    expect(await states()).toEqual({ 'a:1.0': 'installed' });
  });

  it('needs rights', async () => {
    const { repository, pack } = await createWorld();
    await repository.withSession('admin', async (session) => {
      await createUser(session, { id: 'ada', groups: ['dam-users'] });
      await session.save();
    });
    const manager = new PackageManager({ repository, userId: 'ada', temporaryFolder: await temporaryFolder() });
    await expect(manager.install(await pack('a', {}))).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });

  it('registers its node types, and leaves those that are built in', async () => {
    const { repository, manager, pack } = await createWorld();
    const report = await manager.install(
      await pack('a', {
        files: {
          'content/a/typed/.content.xml': docView('jcr:primaryType="own:Type" own:count="7" xmlns:own="urn:own"'),
          'apps/own/nodetypes/more.cnd': "<'own'='urn:own'>\n[own:Sub] > own:Type",
        },
        extra: [
          {
            name: 'META-INF/vault/nodetypes.cnd',
            content:
              "<'own'='urn:own'>\n<'nt'='http://www.jcp.org/jcr/nt/1.0'>\n[nt:folder] > nt:base\n[own:Type] > nt:base\n - own:count (long)",
          },
          { name: 'META-INF/vault/broken.cnd', content: '[broken' },
        ],
      }),
    );
    expect([...report.nodeTypes].sort()).toEqual(['own:Sub', 'own:Type']);
    expect(report.skipped).toContainEqual({ path: 'META-INF/vault/broken.cnd', reason: containing('not registered') });
    await repository.withSession('admin', async (session) => {
      expect((await session.getNode('/content/a/typed')).property('own:count')?.type).toBe('Long');
    });
  });
});

describe('packages in a package', () => {
  const inner = async (name: string, version = '1.0', properties: Record<string, string> = {}) =>
    zipOf(packageOf(name, { properties: { version, ...properties } }));

  it('are installed after it, each after those it needs, and uninstalled with it', async () => {
    const { manager, pack, content, states } = await createWorld();
    const before = await content('/content');
    const file = await pack('all', {
      filter: '<filter root="/etc/packages/tests"/><filter root="/apps/all/install"/><filter root="/content/all"/>',
      files: {
        'content/all/.content.xml': docView('jcr:primaryType="nt:unstructured"'),
        'etc/packages/tests/b.zip': await inner('b', '1.0', { dependencies: 'tests:c:[1.0,2.0)' }),
        'etc/packages/tests/b.zip.dir/.content.xml': docView('jcr:primaryType="nt:file"'),
        'etc/packages/tests/kept.zip': await inner('kept'),
        'apps/all/install/c.zip': await inner('c'),
        'apps/all/install/bundle.jar': 'jar',
        'apps/all/install/other.zip': await zipOf([{ name: 'x', content: 'x' }]),
      },
      properties: { subPackageHandling: '*;install,tests:kept;add' },
    });
    const report = await manager.install(file);
    expect(report.subPackages.map(({ name }) => name)).toEqual(['c', 'b']);
    expect(report.missingDependencies).toEqual([]);
    expect(report.skipped).toEqual([{ path: '/apps/all/install/other.zip', reason: containing('no content package') }]);
    expect(await states()).toEqual({
      'all:1.0': 'installed',
      'b:1.0': 'installed',
      'c:1.0': 'installed',
      'kept:1.0': 'uploaded',
    });
    expect((await content('/content')).map((entry) => (entry as [string])[0])).toEqual(
      expect.arrayContaining(['/content/all', '/content/b', '/content/c']),
    );
    expect((await content('/apps')).map((entry) => (entry as [string])[0])).toEqual(
      expect.arrayContaining(['/apps/all/install/bundle.jar', '/apps/all/install/other.zip']),
    );
    await expect(manager.uninstall('b')).rejects.toMatchObject({
      code: 'PACKAGE_STATE',
      message: containing('tests:all'),
    });
    await manager.uninstall('all');
    expect(await content('/content')).toEqual(before.length === 0 ? [] : before);
    expect(await states()).toMatchObject({ 'all:1.0': 'uploaded', 'b:1.0': 'uploaded', 'c:1.0': 'uploaded' });
  });

  it('do not replace newer ones, unless they are forced', async () => {
    const { manager, pack, states } = await createWorld();
    await manager.install(await pack('b', { properties: { version: '2.0' } }));
    const outer = async (handling: string) =>
      pack('all', {
        filter: '<filter root="/etc/packages/tests"/>',
        files: { 'etc/packages/tests/b.zip': await inner('b', '1.9') },
        properties: { subPackageHandling: handling },
      });
    const report = await manager.install(await outer(''));
    expect(report).toMatchObject({ subPackages: [], skipped: [{ path: 'tests:b:1.9', reason: containing('newer') }] });
    expect(await states()).toEqual({ 'all:1.0': 'installed', 'b:2.0': 'installed' });
    expect((await manager.install(await outer('*;force_install'))).subPackages).toHaveLength(1);
  });

  it('are refused when one of them is broken, and nothing changes', async () => {
    const { manager, pack, content } = await createWorld();
    const before = await content('/');
    for (const broken of [Buffer.from('no zip'), await zipOf([{ name: '../x' }])]) {
      const file = await pack('all', {
        filter: '<filter root="/apps/all"/>',
        files: { 'apps/all/install/b.zip': broken },
      });
      await expect(manager.install(file)).rejects.toMatchObject({ code: 'INVALID_PACKAGE' });
    }
    expect(await content('/')).toEqual(before);
  });

  it('are refused when they lie too deep in each other', async () => {
    const { manager, pack } = await createWorld();
    const nest = async (depth: number): Promise<Uint8Array> =>
      zipOf(
        packageOf(`level${depth}`, {
          filter: '<filter root="/apps/all"/>',
          files: { 'apps/all/install/next.zip': depth === 0 ? await inner('last') : await nest(depth - 1) },
        }),
      );
    const file = await pack('all', {
      filter: '<filter root="/apps/all"/>',
      files: { 'apps/all/install/next.zip': await nest(5) },
    });
    await expect(manager.install(file)).rejects.toMatchObject({ message: containing('deeper than 5') });
  });
});

describe('dependencies', () => {
  it('are reported when they are missing, or refuse the package', async () => {
    const { manager, pack } = await createWorld();
    const file = await pack('a', { properties: { dependencies: 'tests:b:[1.0,2.0),other:c' } });
    const before = await manager.install(file, { dryRun: true });
    expect(before.missingDependencies).toEqual(['tests:b:[1.0,2.0)', 'other:c']);
    await expect(manager.install(file, { dependencies: 'strict' })).rejects.toMatchObject({
      code: 'PACKAGE_DEPENDENCY',
    });
    await manager.install(await pack('b', { properties: { version: '1.5' } }));
    expect((await manager.install(file)).missingDependencies).toEqual(['other:c']);
    await expect(manager.uninstall('b')).rejects.toMatchObject({ code: 'PACKAGE_DEPENDENCY' });
    await manager.uninstall('b', { force: true });
  });

  it.each([
    ['a:b', '0.1', true],
    ['a:b:1.0', '1.0', true],
    ['a:b:1.0', '2', true],
    ['a:b:[1.0,2.0)', '2.0', false],
    ['a:b:[1.0,2.0)', '1.9.9', true],
    ['a:b:[1.0,2.0)', '2.0-SNAPSHOT', true],
    ['a:b:(1.0,2.0]', '1.0', false],
    ['a:b:[,2.0]', '2.0', true],
  ])('%s and version %s: %s', (text, version, expected) => {
    const [dependency] = parseDependencies(` ${text} , other:x:[1,2)`);
    expect(dependency && fulfils({ group: 'a', name: 'b', version }, dependency)).toBe(expected);
  });

  it('order versions as Maven does', () => {
    const inOrder = [
      '1-alpha',
      '1-beta',
      '1-rc1',
      '1-snapshot',
      '1',
      '1-sp',
      '1-abc',
      '1-1',
      '1.1',
      '1.2',
      '1.10',
      '2-rc',
      '2',
    ];
    expect(inOrder.toReversed().sort(compareVersions)).toEqual(inOrder);
    expect(compareVersions('1.0.0', '1')).toBe(0);
    expect(compareVersions('1.0-GA', '1-final')).toBe(0);
    expect(compareVersions('1.0-rc1', '1-cr1')).toBe(0);
  });

  it('in a circle keep their order', () => {
    const one = (name: string, needs: string) => ({
      id: { group: 'g', name, version: '1' },
      dependencies: parseDependencies(needs),
    });
    const order = inDependencyOrder([one('a', 'g:b'), one('b', 'g:c'), one('c', 'g:a'), one('d', '')]);
    expect(order.map(({ id }) => id.name)).toEqual(['c', 'b', 'a', 'd']);
  });

  it('what becomes of a package inside is decided by the last rule that matches', () => {
    const optionOf = parseSubPackageHandling('*;add,g:*;extract,g:x;ignore,y');
    const option = (group: string, name: string) => optionOf({ group, name, version: '' });
    expect([option('o', 'o'), option('g', 'o'), option('g', 'x'), option('o', 'y')]).toEqual([
      'add',
      'extract',
      'ignore',
      'install',
    ]);
  });
});

describe('a package of the repository', () => {
  it('is built, built anew, verified and installed', async () => {
    const { repository, manager, content } = await createWorld();
    await repository.withSession('admin', async (session) => {
      await session.ensureNode('/content/a/b');
      await session.save();
    });
    const id = { group: 'own', name: 'a', version: '1' };
    await expect(manager.build(id, [])).rejects.toMatchObject({ code: 'PACKAGE_STATE' });
    const filters = [{ root: '/content/a', mode: 'replace' as const, nodeRules: [], propertyRules: [] }];
    expect(await manager.build(id, filters)).toMatchObject({ state: 'uploaded', path: '/etc/packages/own/a-1.zip' });
    expect(await manager.verifyRecorded('own:a:1')).toMatchObject({ ...id, roots: ['/content/a'] });
    const before = await content('/content');
    await repository.withSession('admin', async (session) => {
      await session.remove('/content/a');
      await session.save();
    });
    await manager.installRecorded('a');
    expect(await content('/content')).toEqual(before);
    expect(await manager.build(id, [])).toMatchObject({ state: 'installed' });
  });

  it('that was left under way says so at the next start', async () => {
    const { repository, states } = await createWorld();
    await repository.withSession('admin', async (session) => {
      for (const [name, installer] of [
        ['gone', undefined],
        ['elsewhere', 'another.host.example 1 2026-01-01T00:00:00Z'],
      ] as const) {
        await writePackageRecord(
          session,
          { group: 'g', name, version: '' },
          { state: 'installing', installer: installer ?? null },
        );
      }
      await writePackageRecord(
        session,
        { group: 'g', name: 'was', version: '' },
        { state: 'uninstalling', unpacked: true },
      );
      await session.save();
    });
    expect(await recoverPackages(repository, false)).toMatchObject([
      { id: { name: 'elsewhere' }, state: 'running' },
      { id: { name: 'gone' }, was: 'installing', state: 'before' },
      { id: { name: 'was' }, was: 'uninstalling', state: 'before' },
    ]);
    expect(await states()).toEqual({ 'elsewhere:': 'installing', 'gone:': 'interrupted', 'was:': 'installed' });
    await recoverPackages(repository, true);
    expect(await states()).toMatchObject({ 'elsewhere:': 'interrupted' });
  });
});
