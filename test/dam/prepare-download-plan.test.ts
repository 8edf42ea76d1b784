import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareDownloadPlan } from '../../dam/prepare-download-plan.js';
import { deny } from '../../repository/access/policy.js';
import { parseDownloadRequest } from '../../workflows/contract/download-request.js';
import type { DownloadRequestInput } from '../../workflows/contract/download-request.js';
import type { DownloadPlan } from '../../workflows/contract/plan.js';
import { addTenant, openWorld } from './support/world.js';
import type { World } from './support/world.js';

let world: World;
const bytes = Buffer.from('0123456789');

beforeAll(async () => {
  world = await openWorld();
  await world.change(async (session) => {
    await addTenant(session, 'aurora', '/content/dam/aurora', { maxAssets: 3, maxBytes: 5000 });
    await addTenant(session, 'borealis', '/content/dam/borealis', { maxAssets: 2 });
    await addTenant(session, 'broken', '/content/dam/broken', { maxAssets: 'many' });
    await session.ensureNode('/content/dam/empty/deeper', { primaryType: 'sling:Folder' }, 'sling:Folder');
    await session.addNode('/content/dam/sets', { primaryType: 'sling:Folder' });
    for (const [name, type] of [
      ['image', 'ImageSet'],
      ['spin', 'SpinSet'],
      ['mixed', 'MixedMediaSet'],
      ['carousel', 'CarouselSet'],
    ] as const) {
      await session.addNode(`/content/dam/sets/${name}`, { primaryType: 'dam:Asset' });
      await session.addNode(`/content/dam/sets/${name}/jcr:content`, {
        primaryType: 'dam:AssetContent',
        properties: { 'dam:s7damType': type },
      });
    }
  });
  await world.addAssets({
    '/content/dam/aurora/a.txt': bytes,
    '/content/dam/aurora/deep/er/b.txt': bytes,
    '/content/dam/aurora/secret/c.txt': bytes,
    '/content/dam/borealis/d.txt': bytes,
    '/content/dam/broken/e.txt': bytes,
    '/content/dam/many/0.txt': bytes,
  });
  await world.change((session) => deny(session, '/content/dam/aurora/secret', 'ada', ['jcr:read']));
});
afterAll(() => world.close());

function prepare(input: DownloadRequestInput, user = 'ada'): Promise<DownloadPlan> {
  const { repository, services } = world;
  return repository.withSession(user, (session) =>
    repository.withSession({ service: 'workflow' }, (serviceSession) =>
      prepareDownloadPlan({
        session,
        serviceSession,
        overlay: services.overlay,
        settings: services.settings,
        request: parseDownloadRequest(input),
        renderer: 'sharp 0, libvips 0',
      }),
    ),
  );
}

describe('prepareDownloadPlan', () => {
  it('takes the whole hierarchy that the requester may read, each asset once (D1)', async () => {
    const paths = ['/content/dam/aurora/deep', '/content/dam/aurora', '/content/dam/aurora/a.txt'];
    const { entries, tenant } = await prepare({ paths });
    expect(entries.map(({ asset }) => asset)).toEqual([
      '/content/dam/aurora/a.txt',
      '/content/dam/aurora/deep/er/b.txt',
    ]);
    expect(entries.map(({ modified }) => modified)).toEqual(Array(2).fill('2023-04-05T06:07:08.000Z'));
    expect(tenant).toBe('aurora');
    const all = await prepare({ paths: ['/content/dam/aurora'] }, 'admin');
    expect(all.entries.length).toBe(3);
  });

  it('answers the same for what does not exist and what may not be read', async () => {
    const answers = [
      '/content/dam/aurora/nothing',
      '/content/dam/aurora/secret',
      '/content/dam/aurora/secret/c.txt',
    ].map(async (path) => {
      const error = await prepare({ paths: [path] }).catch((reason: unknown) => reason as Error & { code: string });
      return 'code' in error ? [error.code, error.message.replace(path, 'PATH')] : [];
    });
    const [first, ...others] = await Promise.all(answers);
    expect(first).toEqual(['PATH_NOT_FOUND', 'There is no "PATH", or it may not be read.']);
    for (const other of others) expect(other).toEqual(first);
  });

  it('refuses paths that break the grammar, an empty folder, and an unknown tenant', async () => {
    await expect(prepare({ paths: ['/content//dam'] })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    await expect(prepare({ paths: ['/content/dam/empty'] })).rejects.toMatchObject({
      code: 'NOTHING_SELECTED',
      message: 'There is no asset in "/content/dam/empty".',
    });
    for (const tenant of ['nowhere', '../libs']) {
      await expect(prepare({ paths: ['/content/dam/aurora'], tenant })).rejects.toMatchObject({
        code: 'UNKNOWN_TENANT',
      });
    }
  });

  it('applies the strictest limits of all tenants touched, and says whose they are (D5)', async () => {
    const { tenant, tenants, limits } = await prepare({
      paths: ['/content/dam/aurora/a.txt', '/content/dam/borealis/d.txt'],
    });
    // Their nearest common ancestor has no tenant of its own.
    expect(tenant).toBe('global');
    expect(tenants).toEqual(['aurora', 'borealis', 'global']);
    expect(limits).toEqual({
      assets: { value: 2, tenant: 'borealis', layer: '/conf/borealis' },
      bytes: { value: 5000, tenant: 'aurora', layer: '/conf/aurora' },
      partBytes: { value: 107374182400, tenant: 'global', layer: 'default' },
    });
    await expect(prepare({ paths: ['/content/dam/aurora', '/content/dam/borealis'] })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: expect.stringMatching(/^3 assets; at most 2 in one download \(limit of tenant "borealis"/) as string,
    });
  });

  it('refuses a limit that is none, naming where it stands', async () => {
    await expect(prepare({ paths: ['/content/dam/broken'] })).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining('/conf/broken/settings/dam/download: "maxAssets"') as string,
    });
  });

  it('gives up counting far beyond the limit', async () => {
    await world.addAssets(
      Object.fromEntries(Array.from({ length: 25 }, (_, index) => [`/content/dam/borealis/many/${index}.txt`, bytes])),
    );
    await expect(prepare({ paths: ['/content/dam/borealis'] })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: expect.stringMatching(/^More than 20 assets; at most 2/) as string,
    });
  });

  it('leaves out every kind of set, and refuses a selection of only such (D7)', async () => {
    const error = await prepare({ paths: ['/content/dam/sets'] }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'NOTHING_SELECTED' });
    const { skipped } = await prepare({ paths: ['/content/dam/sets', '/content/dam/many'] });
    expect(skipped.map(({ path, code, reason }) => [path, code, reason.split(' refers')[0]])).toEqual([
      ['/content/dam/sets/carousel', 'NOT_DOWNLOADABLE', 'A carousel set'],
      ['/content/dam/sets/image', 'NOT_DOWNLOADABLE', 'An image set'],
      ['/content/dam/sets/mixed', 'NOT_DOWNLOADABLE', 'A mixed media set'],
      ['/content/dam/sets/spin', 'NOT_DOWNLOADABLE', 'A spin set'],
    ]);
  });
});
