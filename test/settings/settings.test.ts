/** Which layer a setting comes from. */
import { describe, expect, it } from 'vitest';
import { maxAssets, queryVisits, visibleRenditions } from '../../dam/settings/definitions.js';
import { createSettings, type DeploymentValue } from '../../dam/settings/settings.js';
import type { Session } from '../../repository/api.js';
import { createOverlayResolver } from '../../repository/overlay/resolver.js';
import { backends, openFor, sessionOf } from '../repository/world.js';

/** Topmost first, as in design and documentation. */
const layers = ['/conf/emea/aurora', '/conf/emea', '/conf/global', '/apps', 'osgi', '/libs'] as const;

async function write(session: Session, layer: string, values: Record<string, number | string | null>): Promise<void> {
  const path = `${layer}/settings/dam/download`;
  await session.ensureNode(path);
  await session.setProperties(path, values);
  await session.save();
}

describe.each(Object.entries(backends))('a setting on %s', (_, open) => {
  it('comes from the topmost layer that has it: tenant, parents, global, /apps, OSGi, /libs, default', async () => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    const overlay = createOverlayResolver({ repository });
    let deployed: DeploymentValue | undefined = { values: ['4'], source: '/apps/acme/config/x.config' };
    const asked: string[] = [];
    const settings = createSettings({
      overlay,
      deployment: (name) => {
        asked.push(name);
        return deployed;
      },
    });
    for (const [index, layer] of layers.entries()) {
      if (layer !== 'osgi') await write(session, layer, { maxAssets: layer === '/apps' ? String(index) : index });
    }
    const tenant = await overlay.tenant(session, 'emea/aurora');
    const read = () => settings.read(session, tenant, maxAssets);
    for (const [index, layer] of layers.entries()) {
      if (index === 0) {
        await expect(read()).rejects.toMatchObject({
          code: 'INVALID_CONFIGURATION',
          message: '/conf/emea/aurora/settings/dam/download: "maxAssets" must be a whole number from 1, it is "0".',
          details: { path: '/conf/emea/aurora/settings/dam/download', property: 'maxAssets' },
        });
      } else {
        const source = layer === 'osgi' ? '/apps/acme/config/x.config' : `${layer}/settings/dam/download`;
        expect(await read()).toEqual({ value: index, layer, source, tenant: 'emea/aurora' });
      }
      if (layer === 'osgi') deployed = undefined;
      else await write(session, layer, { maxAssets: null });
    }
    expect(await read()).toEqual({ value: 500, layer: 'default', source: undefined, tenant: 'emea/aurora' });
    expect(new Set(asked)).toEqual(new Set(['dam/download/maxAssets']));
  });

  it('is hidden by a layer that says so, and then counts as not there', async () => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    const overlay = createOverlayResolver({ repository });
    const settings = createSettings({ overlay });
    await write(session, '/libs', { maxAssets: 7 });
    await write(session, '/conf/aurora', { 'sling:hideProperties': 'maxAssets' });
    const tenant = await overlay.tenant(session, 'aurora');
    expect(await settings.read(session, tenant, maxAssets)).toMatchObject({ value: 500, layer: 'default' });
  });
});

describe('a setting', () => {
  it('of the installation is the same for every tenant, whatever a tenant holds', async () => {
    const open = backends['memory'];
    if (!open) throw new Error('there is no memory backend');
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    const path = (layer: string) => `${layer}/settings/repository/query`;
    await session.ensureNode(path('/conf/aurora'), { properties: { maxVisitedNodes: 5 } });
    await session.ensureNode(path('/conf/global'), { properties: { maxVisitedNodes: 6 } });
    await session.save();
    const overlay = createOverlayResolver({ repository });
    const tenant = await overlay.tenant(session, 'aurora');
    const settings = createSettings({ overlay });
    expect(await settings.read(session, tenant, queryVisits)).toMatchObject({ value: 6, tenant: 'global' });
    expect(await settings.read(session, tenant, visibleRenditions)).toMatchObject({ value: ['*'], tenant: 'aurora' });
  });

  it('of the deployment that is wrong is named with its file', async () => {
    const open = backends['memory'];
    if (!open) throw new Error('there is no memory backend');
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    const overlay = createOverlayResolver({ repository });
    const settings = createSettings({
      overlay,
      deployment: () => ({ values: ['x'], source: '/apps/a/config/p.config' }),
    });
    const global = await overlay.tenant(session, 'global');
    await expect(settings.read(session, global, maxAssets)).rejects.toThrow('/apps/a/config/p.config: "maxAssets"');
  });
});
