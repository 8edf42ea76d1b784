/** Whose limits count for a download, and who may choose. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAsset } from '../../dam/asset.js';
import { adminUser } from '../../repository/api.js';
import { createCommandWorld, type CommandWorld } from '../cli/command-world.js';

let world: CommandWorld;
const paths = ['/content/dam/aurora/a.txt'];

beforeAll(async () => {
  world = await createCommandWorld();
  await world.satchel.repository.withSession(adminUser, async (session) => {
    for (const name of ['aurora', 'plain']) {
      const folder = `/content/dam/${name}`;
      await session.ensureNode(folder, { primaryType: 'sling:Folder' }, 'sling:Folder');
      await createAsset(session, folder, 'a.txt', { binary: await session.createBinary(name) });
    }
    await session.save();
  });
  const typed = [
    'tenant create aurora --content /content/dam/aurora --group aurora-team',
    'tenant create brand --group brand-team',
    'tenant create open',
    'group add brand-leads',
    'user add ada --group dam-users',
    'user add bob --group dam-users',
    'user add lea --group dam-users',
    'settings set maxAssets 20 --tenant aurora',
    'settings set dam/download/maxBytes 50000 --tenant aurora',
    'settings set maxAssets 30 --tenant brand',
    'settings set dam/download/maxBytes 40000 --tenant brand',
    'settings set maxAssets 1000 --tenant open',
  ];
  for (const line of typed) expect([line, (await world.run(...line.split(' '))).code]).toEqual([line, 0]);
  await world.satchel.repository.withSession(adminUser, async (session) => {
    await session.setProperties('/home/groups/brand-team', { 'rep:members': ['ada', 'brand-leads'] });
    await session.setProperties('/home/groups/brand-leads', { 'rep:members': ['lea'] });
    await session.save();
  });
});
afterAll(async () => world.close());

describe('a download', () => {
  it('of a tenant that the requester belongs to has the strictest limits of it and of all tenants touched', async () => {
    for (const user of ['ada', 'lea']) {
      const { tenant, limits } = await world.satchel.engine.planDownload(user, { paths, tenant: 'brand' });
      expect([tenant, limits]).toEqual([
        'brand',
        {
          assets: { value: 20, tenant: 'aurora', layer: '/conf/aurora' },
          bytes: { value: 40_000, tenant: 'brand', layer: '/conf/brand' },
          partBytes: { value: 100 * 2 ** 30, tenant: 'brand', layer: '/libs' },
        },
      ]);
    }
  });

  it('cannot be made larger by choosing a tenant that allows more, and the plan says whose limit it is', async () => {
    const { limits } = await world.satchel.engine.planDownload('bob', { paths, tenant: 'open' });
    expect(limits.assets).toEqual({ value: 20, tenant: 'aurora', layer: '/conf/aurora' });
    const shown = await world.run('download', ...paths, '--tenant', 'open', '--plan', '--as', 'bob');
    expect(shown.stdout).toContain('limits: 20 assets (/conf/aurora)');
  });

  it.each([
    ['brand', 'NOT_ALLOWED', '"bob" is not a member of "brand-team", the group of tenant "brand".'],
    ['nobody', 'UNKNOWN_TENANT', 'There is no tenant "nobody" below /conf.'],
    ['../libs', 'UNKNOWN_TENANT', 'There is no tenant "../libs" below /conf.'],
  ])('is refused for the tenant %s that the requester may not choose', async (tenant, code, message) => {
    await expect(world.satchel.engine.planDownload('bob', { paths, tenant })).rejects.toMatchObject({ code, message });
  });
});
