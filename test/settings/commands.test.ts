/** `satchel settings` and `satchel tenant`, as typed. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminUser } from '../../repository/api.js';
import { createCommandWorld, type CommandWorld } from '../cli/command-world.js';

let world: CommandWorld;
const brandFile = () => path.join(world.folder, 'overlay/conf/brand/settings/dam/download/.content.json');

beforeAll(async () => {
  world = await createCommandWorld(async (folder) => {
    const brand = path.join(folder, 'overlay/conf/brand/settings/dam/download');
    await mkdir(brand, { recursive: true });
    await mkdir(path.join(folder, 'overlay/conf/wrong'), { recursive: true });
    await writeFile(path.join(brand, '.content.json'), '{\n  "maxBytes": 4096,\n  "maxAssets": 9\n}\n');
    await mkdir(path.join(folder, 'data'));
    await writeFile(path.join(folder, 'data/satchel.json'), JSON.stringify({ overlays: ['../overlay'] }));
  });
  await world.satchel.repository.withSession(adminUser, async (session) => {
    await session.ensureNode('/content/dam/aurora/deep', { primaryType: 'sling:Folder' }, 'sling:Folder');
    await session.save();
  });
  expect(await world.run('user', 'add', 'ada', '--group', 'dam-users')).toMatchObject({ code: 0 });
  const made = await world.run(
    ...['tenant', 'create', 'aurora', '--title', 'Aurora', '--locale', 'de', '--group', 'aurora-team'],
    ...['--admin-group', 'aurora-admins', '--content', '/content/dam/aurora'],
  );
  expect(made.stdout.split('\n')).toEqual([
    'made /conf/aurora',
    'made the group aurora-team',
    'made the group aurora-admins',
    '/content/dam/aurora belongs to aurora',
    '',
  ]);
});
afterAll(async () => world.close());

describe('satchel settings', () => {
  it('lists every setting with default and use', async () => {
    const { document } = await world.json('settings', 'list');
    const { settings } = document as { settings: { setting: string; default: unknown; unit?: string }[] };
    expect(settings.find(({ setting }) => setting === 'dam/download/maxAssets')).toMatchObject({
      default: 500,
      unit: 'assets',
      scope: 'tenant',
      usedBy: ['dam/limits.ts'],
    });
    const { stdout } = await world.run('settings', 'list');
    expect(stdout).toMatch(
      /^dam\/download\/maxBytes +1073741824 bytes \(1\.0 GiB\) +dam\/limits\.ts +Size of one download$/m,
    );
  });

  it('sets for one tenant, shows value and layer for tenant and content, and resets', async () => {
    const set = await world.run('settings', 'set', 'maxAssets', '7', '--tenant', 'aurora');
    expect(set.stdout.split('\n')).toEqual([
      'set dam/download/maxAssets in /conf/aurora to 7 assets: /conf/aurora/settings/dam/download',
      'in force for aurora: 7 assets from /conf/aurora',
      '',
    ]);
    const get = (...where: string[]) => world.json('settings', 'get', 'dam/download/maxAssets', ...where);
    expect((await get('--tenant', 'aurora')).document).toEqual({
      setting: 'dam/download/maxAssets',
      title: 'Assets in one download',
      unit: 'assets',
      scope: 'tenant',
      tenant: 'aurora',
      value: 7,
      layer: '/conf/aurora',
      source: '/conf/aurora/settings/dam/download',
    });
    expect((await get('--path', '/content/dam/aurora/deep')).document).toMatchObject({ value: 7, tenant: 'aurora' });
    expect((await get()).document).toMatchObject({ value: 500, layer: '/libs', tenant: 'global' });
    expect((await world.run('settings', 'get', 'maxAssets')).stdout).toContain('500 assets\n');
    const reset = await world.json('settings', 'reset', 'maxAssets', '--tenant', 'aurora');
    expect(reset.document).toMatchObject({ inForce: { value: 500, layer: '/libs' }, written: { to: 'repository' } });
    expect((await world.run('settings', 'reset', 'maxAssets', '--tenant', 'aurora')).stdout).toContain(
      '/conf/aurora says nothing about dam/download/maxAssets',
    );
  });

  it('writes into the file of a content folder, says which, and leaves the rest of it as it is', async () => {
    const set = await world.json('settings', 'set', 'maxAssets', '11', '--tenant', 'brand');
    expect(set.document).toMatchObject({ written: { to: 'file', file: brandFile() }, inForce: { value: 11 } });
    expect(JSON.parse(await readFile(brandFile(), 'utf8'))).toEqual({ maxBytes: 4096, maxAssets: 11 });
    expect((await world.run('settings', 'reset', 'maxAssets', '--tenant', 'brand')).stdout).toContain(
      `took dam/download/maxAssets out of /conf/brand: the file ${brandFile()}`,
    );
    expect(JSON.parse(await readFile(brandFile(), 'utf8'))).toEqual({ maxBytes: 4096 });
  });

  it('says so when a higher layer wins, and takes lists', async () => {
    await world.run('settings', 'set', 'visible', '*.png', '--layer', '/conf/global');
    const set = await world.run('settings', 'set', 'visible', '*.jpeg', 'cq5dam.web.*', '--layer', '/apps');
    expect(set.stderr).toContain('/conf/global has dam/renditions/visible too and wins\n');
    expect(set.stdout).toContain('in force for global: "*.png" from /conf/global');
    for (const layer of ['/apps', '/conf/global']) await world.run('settings', 'reset', 'visible', '--layer', layer);
    expect((await world.json('settings', 'get', 'visible')).document).toMatchObject({ value: ['*'], layer: 'default' });
  });

  it('reports names that are no settings', async () => {
    const overlay = '/conf/global/settings/dam/mail';
    await world.satchel.repository.withSession(adminUser, async (session) => {
      await session.ensureNode(overlay, { properties: { form: 'x@example.com' } });
      await session.save();
    });
    const text = `${overlay}: "form" is no setting of dam/mail; did you mean "from"?`;
    expect((await world.run('settings', 'list')).stdout).toContain(text);
  });

  it.each<[string, string[], string, RegExp]>([
    ['an unknown name', ['get', 'maxAsets'], 'INVALID_REQUEST', /Did you mean "dam\/download\/maxAssets"\?/],
    ['a name of several', ['get', 'maxContentBytes'], 'INVALID_REQUEST', /Several have that name: dam\/assetdownload/],
    [
      'a wrong value',
      ['set', 'maxAssets', '0', '--tenant', 'aurora'],
      'INVALID_REQUEST',
      /whole number from 1, it is "0"/,
    ],
    ['two values', ['set', 'maxAssets', '1', '2', '--tenant', 'aurora'], 'INVALID_REQUEST', /must be one value/],
    ['no layer', ['set', 'maxAssets', '1'], 'INVALID_REQUEST', /name one: --tenant NAME, or --layer/],
    ['two layers', ['set', 'maxAssets', '1', '--tenant', 'a', '--layer', '/apps'], 'INVALID_REQUEST', /name one/],
    ['the product’s layer', ['set', 'maxAssets', '1', '--layer', '/libs'], 'INVALID_REQUEST', /must be \/apps or/],
    ['an unknown tenant', ['set', 'maxAssets', '1', '--tenant', 'nobody'], 'UNKNOWN_TENANT', /\/conf\/nobody/],
    [
      'the installation’s',
      ['set', 'maxVisitedNodes', '1', '--tenant', 'aurora'],
      'INVALID_REQUEST',
      /whole installation/,
    ],
    ['content that is missing', ['get', 'maxAssets', '--path', '/content/none'], 'PATH_NOT_FOUND', /\/content\/none/],
    ['a preset with a bad name', ['get', 'dam/imagepresets/a|b/width'], 'INVALID_REQUEST', /no setting/],
  ])('refuses %s', async (_title, args, code, message) => {
    expect(await world.json('settings', ...args)).toMatchObject({
      code: 2,
      document: { error: { code, message: expect.stringMatching(message) as string } },
    });
  });

  it('has the rights of who types: a tenant’s administrator sets their own settings only', async () => {
    await world.run('user', 'add', 'tess', '--group', 'aurora-admins');
    const asTess = (...args: string[]) => world.json('settings', 'set', 'maxAssets', '3', ...args, '--as', 'tess');
    expect(await asTess('--tenant', 'aurora')).toMatchObject({ code: 0 });
    expect(await asTess('--tenant', 'brand')).toMatchObject({
      code: 2,
      document: { error: { code: 'UNKNOWN_TENANT' } },
    });
    for (const layer of ['/apps', '/conf/global']) {
      expect((await asTess('--layer', layer)).code).not.toBe(0);
    }
    await world.run('settings', 'reset', 'maxAssets', '--tenant', 'aurora');
  });

  it('lists image presets with what a tenant changes, and why one is not offered', async () => {
    const set = (name: string, value: string) =>
      world.run('settings', 'set', `dam/imagepresets/${name}`, value, '--tenant', 'aurora');
    await set('small/approved', 'false');
    await set('large/width', '3000');
    await set('banner/approved', 'true');
    const { document } = await world.json('settings', 'presets', '--tenant', 'aurora');
    const { presets } = document as { presets: { name: string }[] };
    expect(Object.fromEntries(presets.map((preset) => [preset.name, preset]))).toMatchObject({
      small: { offered: false, approved: false, layer: '/conf/aurora', spec: { width: 400 } },
      medium: { offered: true, layer: '/libs', spec: { width: 1024, height: 1024, format: 'jpeg' } },
      large: { offered: true, layer: '/conf/aurora', spec: { width: 3000, height: 2048 } },
      banner: { offered: false, problem: 'it has no width and height' },
    });
    expect((await world.run('settings', 'presets')).stdout).toMatch(
      /^small +400x400 jpeg 82 +offered +\/libs +Small$/m,
    );
  });
});

describe('satchel tenant', () => {
  it('lists and shows them', async () => {
    const { document } = await world.json('tenant', 'list');
    expect(document).toMatchObject({
      tenants: [
        { name: 'global' },
        { name: 'aurora', title: 'Aurora', locale: 'de', group: 'aurora-team' },
        { name: 'brand' },
      ],
    });
    expect((await world.run('tenant', 'list')).stdout).toMatch(/^aurora +de +aurora-team +Aurora$/m);
    await world.run('settings', 'set', 'dam/download/maxBytes', '2048', '--tenant', 'aurora');
    const { stdout } = await world.run('tenant', 'show', 'aurora');
    expect(stdout).toContain('content:\n  /content/dam/aurora\n');
    expect(stdout).toMatch(/^ {2}dam\/download\/maxBytes +2048 bytes \(2\.0 KiB\)$/m);
  });

  it.each([
    ['a tenant that is there', ['create', 'aurora'], 'INVALID_REQUEST'],
    ['content that is missing', ['create', 'new', '--content', '/content/dam/none'], 'PATH_NOT_FOUND'],
    ['a tenant that is not there', ['show', 'nobody'], 'PATH_NOT_FOUND'],
  ])('refuses %s', async (_title, args, code) => {
    expect(await world.json('tenant', ...args)).toMatchObject({ code: 2, document: { error: { code } } });
  });

  it('makes nothing for who may not', async () => {
    const { code } = await world.json('tenant', 'create', 'mine', '--as', 'ada');
    expect(code).not.toBe(0);
    expect((await world.json('tenant', 'show', 'mine')).code).toBe(2);
  });
});
