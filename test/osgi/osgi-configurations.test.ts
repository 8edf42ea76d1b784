import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { bootstrapRepository } from '../../activities/satchel/bootstrap-repository.js';
import { createOsgiConfigurations } from '../../engine/osgi-configurations.js';
import { adminUser, type Repository } from '../../repository/api.js';
import { backends, openFor } from '../repository/world.js';
import { documentedExample, downloadServlet, putFile, removeNode } from './osgi-world.js';

const limit = 'dam/download/maxBytes';

async function open(store: () => Promise<Repository>): Promise<Repository> {
  const repository = await openFor(store);
  await bootstrapRepository(repository);
  return repository;
}

function configurations(repository: Repository, ...runModes: string[]) {
  const errors: string[] = [];
  const stream = { write: (line: string) => void errors.push((JSON.parse(line) as { msg: string }).msg) };
  const osgi = createOsgiConfigurations({ repository, runModes, log: pino({ level: 'error' }, stream) });
  return { ...osgi, errors, limit: async () => (await osgi.settingValue(limit))?.values[0] };
}

describe.each(Object.entries(backends))('OSGi configurations on %s', (_name, store) => {
  it('are in force where the run modes of their folder are active', async () => {
    const repository = await open(store);
    const path = `/apps/portal/config.publish/${downloadServlet}.config`;
    await putFile(repository, path, documentedExample);
    expect(await configurations(repository, 'publish').settingValue(limit)).toEqual({
      values: [102_400],
      source: path,
    });
    expect(await configurations(repository, 'author').limit()).toBeUndefined();
    expect(await configurations(repository, 'author').all()).toMatchObject([
      { pid: downloadServlet, path, runModes: 'publish', state: 'inactive' },
    ]);
  });

  it('follow each other: more run modes before fewer, /apps before /libs', async () => {
    const repository = await open(store);
    const put = (folder: string, bytes: number) =>
      putFile(repository, `${folder}/${downloadServlet}.config`, `asset.download.prezip.maxcontentsize=L"${bytes}"`);
    await put('/libs/product/config.author.dev', 1);
    await put('/apps/portal/config', 2);
    const osgi = configurations(repository, 'author', 'dev');
    expect(await osgi.limit()).toBe(2);
    await put('/apps/portal/config.author', 3);
    expect(await osgi.limit()).toBe(3);
    await put('/apps/portal/config.author.dev', 4);
    expect(await osgi.limit()).toBe(4);
    await removeNode(repository, '/apps/portal');
    expect(await osgi.limit()).toBe(1);
  });

  it('count from the next question on when they change, move or go', async () => {
    const repository = await open(store);
    const path = `/apps/portal/config/${downloadServlet}.cfg.json`;
    const osgi = configurations(repository, 'author');
    expect(await osgi.limit()).toBeUndefined();
    await putFile(repository, path, '{ "asset.download.prezip.maxcontentsize:Integer": 5 }');
    expect(await osgi.limit()).toBe(5);
    await putFile(repository, path, '{ "asset.download.prezip.maxcontentsize:Integer": 6 /* more */ }');
    expect(await osgi.limit()).toBe(6);
    await repository.withSession(adminUser, async (session) => {
      await session.move('/apps/portal', '/apps/other');
      await session.save();
    });
    expect((await osgi.settingValue(limit))?.source).toBe(path.replace('portal', 'other'));
    await removeNode(repository, '/apps/other/config');
    expect(await osgi.limit()).toBeUndefined();
  });

  it('may be nodes', async () => {
    const repository = await open(store);
    await repository.withSession(adminUser, async (session) => {
      await session.ensureNode('/apps/portal/config', { primaryType: 'sling:Folder' }, 'sling:Folder');
      await session.addNode(`/apps/portal/config/${downloadServlet}`, {
        primaryType: 'sling:OsgiConfig',
        properties: { 'asset.download.prezip.maxcontentsize': 7, enabled: true },
      });
      await session.save();
    });
    expect(await configurations(repository, 'author').limit()).toBe(7);
  });

  it('that cannot be read leave their last good version in force, over restarts, and say where', async () => {
    const repository = await open(store);
    const path = `/apps/portal/config/${downloadServlet}.config`;
    const before = configurations(repository, 'author');
    await putFile(repository, path, documentedExample);
    expect(await before.limit()).toBe(102_400);
    await putFile(repository, path, 'enabled=B"true"\nasset.download.prezip.maxcontentsize=I102400\n');
    expect(await before.limit()).toBe(102_400);
    const [error] = before.errors;
    expect(error).toBe(
      `${path}:2: "I" stands where the value of "asset.download.prezip.maxcontentsize" in quotes should be; its last good version stays in force`,
    );
    const restarted = configurations(repository, 'author');
    expect(await restarted.limit()).toBe(102_400);
    expect(await restarted.all()).toMatchObject([{ state: 'active', problems: [{ line: 2, column: 38 }] }]);
    await putFile(repository, path, 'asset.download.prezip.maxcontentsize=I"8"\n');
    expect(await restarted.limit()).toBe(8);
    await removeNode(repository, path);
    expect(await restarted.limit()).toBeUndefined();
    await putFile(repository, path, 'broken');
    expect(await restarted.limit()).toBeUndefined();
    expect(await restarted.all()).toMatchObject([{ state: 'broken' }]);
  });

  it('that are nodes keep their last good version too', async () => {
    const repository = await open(store);
    const path = `/apps/portal/config/${downloadServlet}`;
    const set = (value: number) =>
      repository.withSession(adminUser, async (session) => {
        await session.ensureNode('/apps/portal/config', { primaryType: 'sling:Folder' }, 'sling:Folder');
        await session.ensureNode(path, { primaryType: 'sling:OsgiConfig' });
        await session.setProperties(path, { 'asset.download.prezip.maxcontentsize': value });
        await session.save();
      });
    await set(7);
    expect(await configurations(repository, 'author').limit()).toBe(7);
    await set(0);
    expect(await configurations(repository, 'author').limit()).toBe(7);
  });

  it('with a value that cannot be are refused as a whole, and the next one counts', async () => {
    const repository = await open(store);
    const name = `${downloadServlet}.config`;
    await putFile(repository, `/libs/product/config/${name}`, documentedExample);
    await putFile(repository, `/apps/portal/config/${name}`, '\nasset.download.prezip.maxcontentsize=I"-1"');
    const osgi = configurations(repository, 'author');
    expect(await osgi.limit()).toBe(102_400);
    const [problem] = (await osgi.all()).flatMap(({ problems }) => problems);
    expect(problem).toMatchObject({
      line: 2,
      message: expect.stringContaining('must be a whole number from 1') as string,
    });
  });

  it('of an unknown PID are kept', async () => {
    const repository = await open(store);
    await putFile(repository, '/apps/portal/install/com.example.Pool-small.cfg', 'size=5');
    const [found] = await configurations(repository, 'author').all();
    expect(found).toMatchObject({ pid: 'com.example.Pool~small', state: 'active' });
    expect(found?.properties?.get('SIZE')?.values).toEqual(['5']);
  });

  it('are seen by every question, when many are asked while they change', async () => {
    const repository = await open(store);
    const osgi = configurations(repository, 'author');
    const path = `/apps/portal/config/${downloadServlet}.config`;
    const asking = Array.from({ length: 20 }, async (_, index) => {
      await putFile(repository, path, `asset.download.prezip.maxcontentsize=I"${index + 1}"`);
      return osgi.limit();
    });
    expect((await Promise.allSettled(asking)).length).toBe(20);
    await putFile(repository, path, 'asset.download.prezip.maxcontentsize=I"99"');
    expect(await Promise.all([osgi.limit(), osgi.limit(), osgi.limit()])).toEqual([99, 99, 99]);
  });
});
