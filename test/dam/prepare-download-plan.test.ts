import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareDownloadPlan } from '../../dam/prepare-download-plan.js';
import { deny } from '../../repository/access/policy.js';
import { parseDownloadRequest } from '../../workflows/contract/download-request.js';
import type { DownloadRequestInput } from '../../workflows/contract/download-request.js';
import type { DownloadPlan } from '../../workflows/contract/plan.js';
import { addTenant, openWorld, picture } from './support/world.js';
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

describe('renditions and presets by configuration', () => {
  const put = (path: string, properties: Record<string, string | number | boolean | readonly string[]>) =>
    world.change(async (session) => {
      await session.ensureNode(path);
      await session.setProperties(path, properties);
    });
  const namesOf = ({ entries }: DownloadPlan) => entries.map(({ rendition }) => rendition);

  beforeAll(async () => {
    await put('/conf/aurora/settings/dam/download', { maxBytes: 2 ** 30 });
    const image = await picture(1);
    await world.addAssets({ '/content/dam/aurora/pictures/a.jpg': image, '/content/dam/borealis/p/b.jpg': image });
  });

  it('offers and delivers no rendition that the tenant of the asset, or the tenant asked for, hides (R5)', async () => {
    await put('/conf/aurora/settings/dam/renditions', { hidden: ['cq5dam.thumbnail.*'] });
    await put('/conf/borealis/settings/dam/renditions', { visible: ['cq5dam.web.*', 'cq5dam.thumbnail.48.48.png'] });
    const request = { originals: false, renditions: ['*'] };
    const shown = async (path: string, tenant?: string) =>
      namesOf(await prepare({ ...request, paths: [path], ...(tenant !== undefined && { tenant }) }));
    const [a, b] = ['/content/dam/aurora/pictures', '/content/dam/borealis/p'];
    expect(await shown(a)).toEqual(['cq5dam.web.1280.1280.jpeg', 'cq5dam.zoom.2048.2048.jpeg']);
    expect(await shown(b)).toEqual(['cq5dam.thumbnail.48.48.png', 'cq5dam.web.1280.1280.jpeg']);
    expect(await shown(b, 'aurora')).toEqual(['cq5dam.web.1280.1280.jpeg']);
    const both = await prepare({ ...request, paths: [a, b] });
    expect(both.entries.map(({ asset, rendition }) => [asset, rendition])).toEqual([
      [`${a}/a.jpg`, 'cq5dam.web.1280.1280.jpeg'],
      [`${a}/a.jpg`, 'cq5dam.zoom.2048.2048.jpeg'],
      [`${b}/b.jpg`, 'cq5dam.thumbnail.48.48.png'],
      [`${b}/b.jpg`, 'cq5dam.web.1280.1280.jpeg'],
    ]);
  });

  it('answers for a hidden rendition as for one that does not exist', async () => {
    const asked = (name: string) =>
      prepare({ paths: ['/content/dam/aurora/pictures'], originals: false, renditions: [name] }).then(
        () => 'delivered',
        (error: unknown) => (error as Error).message.replace(name, 'NAME'),
      );
    const hidden = await asked('cq5dam.thumbnail.48.48.png');
    expect(hidden).toContain('No selected asset has a rendition "NAME".');
    expect(hidden).not.toContain('thumbnail');
    expect(hidden).toBe(await asked('cq5dam.nothing.1.1.png'));
    // Beside one that is shown it is left out, with the reason of any that is not there.
    const request = { originals: false, renditions: ['cq5dam.thumbnail.48.48.png'] };
    const { skipped } = await prepare({
      ...request,
      paths: ['/content/dam/aurora/pictures', '/content/dam/borealis/p'],
    });
    expect(skipped).toEqual([
      {
        path: '/content/dam/aurora/pictures/a.jpg',
        rendition: 'cq5dam.thumbnail.48.48.png',
        code: 'NO_SUCH_RENDITION',
        reason: 'It has cq5dam.web.1280.1280.jpeg, cq5dam.zoom.2048.2048.jpeg.',
      },
    ]);
  });

  it('makes the sizes of approved presets as the tenant has them, and of no other (R2)', async () => {
    const presets = 'settings/dam/imagepresets';
    await put(`/libs/${presets}/small`, { width: 400, height: 300, format: 'png', approved: true });
    await put(`/libs/${presets}/draft`, { width: 500, height: 500 });
    await put(`/conf/aurora/${presets}/small`, { width: '600' });
    await put(`/conf/borealis/${presets}/small`, { approved: false });
    const ask = (path: string, preset: string) =>
      prepare({ paths: [path], originals: false, presets: [preset], dynamic: [{ width: 10, height: 10 }] });
    expect(namesOf(await ask('/content/dam/aurora/pictures', 'small'))).toEqual(['10x10.jpeg', '600x300.png']);
    await expect(ask('/content/dam/aurora/pictures', 'draft')).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      message: 'presets: tenant "aurora" offers no image preset "draft"; it offers small.',
    });
    await expect(ask('/content/dam/borealis/p', 'small')).rejects.toMatchObject({
      message: 'presets: tenant "borealis" offers no image preset "small"; it offers none.',
    });
  });

  it('refuses dynamic renditions and presets where a tenant that is touched has none (R6)', async () => {
    await put('/conf/borealis/settings/dam/renditions', { dynamic: 'false' });
    const paths = ['/content/dam/aurora/pictures', '/content/dam/borealis/p'];
    const sizes = { dynamic: [{ width: 10, height: 10 }] };
    await expect(prepare({ paths, ...sizes })).rejects.toMatchObject({
      code: 'NOT_ALLOWED',
      message: expect.stringContaining(
        '"borealis" has no dynamic renditions (dam/renditions/dynamic from /conf/borealis)',
      ) as string,
    });
    expect((await prepare({ paths: paths.slice(0, 1), ...sizes })).totals.files).toBe(2);
    expect((await prepare({ paths })).totals.files).toBe(2);
  });
});
