import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminUser } from '../../repository/api.js';
import { docView, packageEntries, writeZip } from '../vault/package-builder.js';
import { createCommandWorld, type CommandWorld } from './command-world.js';

let world: CommandWorld;
const containing = (text: string): unknown => expect.stringContaining(text);

beforeAll(async () => {
  world = await createCommandWorld();
  await world.satchel.repository.withSession(adminUser, async (session) => {
    await session.ensureNode('/content/site/old', { properties: { title: 'old' } });
    await session.save();
  });
  await pack('site', { dependencies: 'tests:base:[1.0,2.0)' });
});
afterAll(async () => world.close());

async function pack(name: string, properties: Record<string, string> = {}): Promise<void> {
  const entries = packageEntries({
    filter: '<filter root="/content/site"/>',
    files: {
      'content/site/.content.xml': docView(
        'jcr:primaryType="nt:unstructured"',
        '<new jcr:primaryType="nt:unstructured"/>',
      ),
    },
    properties: { name, version: '1.0', ...properties },
  });
  await writeZip(path.join(world.folder, `${name}.zip`), entries);
}

const failed = (code: string) => ({ error: { code } });
const titleOf = async () => (await world.run('get', '/content/site/old')).code;

describe('satchel package', () => {
  it('has none at first', async () => {
    expect((await world.run('package', 'list')).stdout).toBe('There are no packages.\n');
  });

  it('says what an installation would change, and changes nothing', async () => {
    const { code, stdout } = await world.run('package', 'install', 'site.zip', '--dry-run');
    // Partly: a dependency is missing.
    expect(code).toBe(3);
    expect(stdout).toMatch(
      /^D {2}\/content\/site\/old {2}replace\nA {2}\/content\/site\/new {2}replace\nwould install tests:site:1\.0:/m,
    );
    expect(stdout).toContain('not installed, but needed: tests:base:[1.0,2.0)');
    expect(await titleOf()).toBe(0);
    expect((await world.json('package', 'list')).document).toEqual({ packages: [] });
  });

  it('refuses what is not there, broken, or lacks what it needs', async () => {
    expect(await world.json('package', 'install', 'site.zip', '--strict')).toMatchObject({
      code: 2,
      document: failed('PACKAGE_DEPENDENCY'),
    });
    expect(await world.json('package', 'show', 'nothing')).toMatchObject({
      code: 2,
      document: failed('PATH_NOT_FOUND'),
    });
    expect(await world.json('package', 'install', 'absent.zip')).toMatchObject({ document: failed('INVALID_PACKAGE') });
    expect(await world.json('package', 'verify', 'absent.zip')).toMatchObject({ document: failed('INVALID_PACKAGE') });
    expect(await world.json('package', 'build', 'a:b:c')).toMatchObject({ document: failed('PACKAGE_STATE') });
    expect(await world.json('package', 'build', '../../x:b:c', '--filter', '/content')).toMatchObject({
      document: failed('INVALID_VALUE'),
    });
    expect(await world.json('package', 'install', 'site.zip', '--limit', 'entries=1')).toMatchObject({
      document: failed('INVALID_PACKAGE'),
    });
    expect(await world.json('package', 'install', 'site.zip', '--limit', 'x=1')).toMatchObject({ code: 2 });
    expect(await world.json('package', 'install', 'site.zip', '--ac-handling', 'open')).toMatchObject({ code: 2 });
    expect(await titleOf()).toBe(0);
  });

  it('installs, lists, shows and uninstalls', async () => {
    expect((await world.run('install', 'site.zip')).code).toBe(3);
    expect(await titleOf()).toBe(2);
    expect((await world.json('package', 'show', 'site')).document).toMatchObject({
      id: { group: 'tests', name: 'site', version: '1.0' },
      state: 'installed',
      hasSnapshot: true,
      filters: [{ root: '/content/site', mode: 'replace' }],
    });
    expect((await world.run('package', 'list')).stdout).toMatch(/tests:site:1\.0 +installed .* by admin/);
    expect((await world.run('package', 'verify', 'site')).stdout).toContain('tests:site:1.0 is sound: 3 files');
    expect((await world.run('package', 'uninstall', 'site')).stdout).toContain('uninstalled tests:site:1.0');
    expect(await titleOf()).toBe(0);
    expect(await world.json('package', 'uninstall', 'site')).toMatchObject({
      code: 2,
      document: failed('PACKAGE_STATE'),
    });
  });

  it('exports what installs to the same content, and nothing where it cannot be written', async () => {
    const before = await world.json('tree', '/content/site');
    const { code, document } = await world.json('package', 'export', '--filter', '/content/site', '--out', 'out.zip');
    expect(code).toBe(0);
    expect(document).toMatchObject({ group: 'satchel', name: 'out', version: '1.0', nodes: 2 });
    await world.run('install', 'site.zip');
    expect((await world.run('install', 'out.zip')).code).toBe(0);
    expect(await world.json('tree', '/content/site')).toEqual(before);
    const refused = await world.json('package', 'export', '--filter', '/content', '--out', 'no/such/x.zip');
    expect(refused).toMatchObject({ code: 2, document: failed('OUT_FOLDER') });
    const mistyped = await world.json('package', 'export', '--filter', '/content/sight', '--out', 'x.zip');
    expect(mistyped).toMatchObject({ code: 2, document: failed('PATH_NOT_FOUND') });
    const broken = await world.json('package', 'export', '--filter', '/content', '--exclude', '(', '--out', 'x.zip');
    expect(broken).toMatchObject({
      code: 2,
      document: { error: { code: 'INVALID_REQUEST', message: containing('"("') } },
    });
    expect(existsSync(path.join(world.folder, 'x.zip'))).toBe(false);
  });

  it('builds a package of the repository, which then installs by its name', async () => {
    const built = await world.run(
      'package',
      'build',
      'own:site:2',
      '--filter',
      '/content/site',
      '--exclude',
      '.*/none',
    );
    expect(built.stdout).toContain('built own:site:2');
    expect((await world.json('package', 'install', 'own:site:2')).document).toMatchObject({ changed: 0 });
    expect((await readFile(path.join(world.folder, 'site.zip'))).length).toBeGreaterThan(0);
  });
});
