/** A change of a setting is in force in what runs already. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bootstrapRepository } from '../../activities/satchel/bootstrap-repository.js';
import { createAsset } from '../../dam/asset.js';
import { maxAssets, queryVisits, renderSeconds } from '../../dam/settings/definitions.js';
import { followInstallationSettings } from '../../dam/settings/installation-settings.js';
import { createSettings } from '../../dam/settings/settings.js';
import { adminUser, type Repository } from '../../repository/api.js';
import { createOverlayResolver } from '../../repository/overlay/resolver.js';
import { createCommandWorld } from '../cli/command-world.js';
import { openOver, storeBackends } from '../maintenance/world.js';

const query = '/conf/global/settings/repository/query';

async function put(repository: Repository, at: string, properties: Record<string, string | number | null>) {
  await repository.withSession(adminUser, async (session) => {
    await session.ensureNode(at);
    await session.setProperties(at, properties);
    await session.save();
  });
}

describe('a running Satchel', () => {
  it('goes by what was set meanwhile: limits of downloads, uploads and queries', async () => {
    const world = await createCommandWorld();
    onTestFinished(() => world.close());
    const { repository, engine } = world.satchel;
    await repository.withSession(adminUser, async (session) => {
      await session.ensureNode('/content/dam/a', { primaryType: 'sling:Folder' }, 'sling:Folder');
      for (const name of ['1.txt', '2.txt']) {
        await createAsset(session, '/content/dam/a', name, { binary: await session.createBinary(name) });
      }
      await session.save();
    });
    const plan = () => engine.planDownload(adminUser, { paths: ['/content/dam/a'] });
    const set = (...args: string[]) => world.run('settings', 'set', ...args);

    expect((await plan()).limits.assets).toMatchObject({ value: 500, layer: '/libs' });
    await set('maxAssets', '1', '--layer', '/apps');
    await expect(plan()).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED', details: { allowed: 1, layer: '/apps' } });
    await world.run('settings', 'reset', 'maxAssets', '--layer', '/apps');
    expect((await plan()).totals.assets).toBe(2);

    const file = path.join(world.folder, 'large.txt');
    await writeFile(file, '0123456789');
    await set('dam/upload/maxBytes', '9', '--layer', '/conf/global');
    const upload = () => world.json('upload', file, '--to', '/content/dam/a', '--no-wait');
    expect(await upload()).toMatchObject({ code: 2, document: { error: { code: 'LIMIT_EXCEEDED' } } });
    await set('dam/upload/maxBytes', '10', '--layer', '/conf/global');
    expect(await upload()).toMatchObject({ code: 0 });

    const search = () => world.json('query', 'path=/&property=nothing&property.value=x');
    expect((await search()).code).toBe(0);
    await set('maxVisitedNodes', '3', '--layer', '/conf/global');
    await expect.poll(search).toMatchObject({ document: { error: { code: 'QUERY_TOO_EXPENSIVE' } } });
    await set('maxVisitedNodes', '100000', '--layer', '/conf/global');
    await expect.poll(search).toMatchObject({ code: 0 });
  });
});

describe.each(Object.entries(storeBackends))('the settings of the installation on %s', (_, openStores) => {
  async function open() {
    const stores = await openStores();
    const repository = await openOver(stores);
    await bootstrapRepository(repository);
    // As another process on the same store would.
    const other = await openOver(stores);
    const problems: [string, string][] = [];
    const settings = createSettings({ overlay: createOverlayResolver({ repository }) });
    const installation = await followInstallationSettings({
      repository,
      settings,
      onProblem: (error, name) => problems.push([name, String(error)]),
    });
    onTestFinished(() => installation.close());
    return { other, installation, problems };
  }

  it('follow what another process saves', async () => {
    const { other, installation } = await open();
    expect(installation.value(queryVisits)).toBe(100_000);
    await put(other, query, { maxVisitedNodes: '7' });
    await expect.poll(() => installation.value(queryVisits)).toBe(7);
    await put(other, query, { maxVisitedNodes: null });
    await expect.poll(() => installation.value(queryVisits)).toBe(100_000);
  });

  it('stay as they are when a value is wrong, which is said once, and the others go on', async () => {
    const { other, installation, problems } = await open();
    await put(other, query, { maxVisitedNodes: 7 });
    await expect.poll(() => installation.value(queryVisits)).toBe(7);
    await put(other, query, { maxVisitedNodes: 'many' });
    const said = [['repository/query/maxVisitedNodes', expect.stringContaining(query) as string]];
    await expect.poll(() => problems).toEqual(said);
    // The last of them is read after a whole reading of all settings, in which it would have been said again.
    for (const timeoutSeconds of [5, 6, 7]) {
      await put(other, '/conf/global/settings/dam/rendering', { timeoutSeconds });
      await expect.poll(() => installation.value(renderSeconds)).toBe(timeoutSeconds);
    }
    expect(installation.value(queryVisits)).toBe(7);
    expect(problems).toEqual(said);
  });

  it('are not those of tenants', async () => {
    const { installation } = await open();
    expect(() => installation.value(maxAssets)).toThrow(TypeError);
  });
});
