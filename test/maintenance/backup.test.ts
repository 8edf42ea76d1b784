import { appendFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Session } from '../../repository/api.js';
import { backupRepository } from '../../repository/maintenance/backup.js';
import { restoreRepository } from '../../repository/maintenance/restore.js';
import { verifyBackup } from '../../repository/maintenance/verify-backup.js';
import { checkRepository } from '../../repository/maintenance/check-repository.js';
import type { RepositoryStores } from '../../repository/repository.js';
import { collect, sessionOf, temporaryFolder } from '../repository/world.js';
import { content, everythingIn, hooked, memoryStores, openOver, openStoresIn, storeBackends } from './world.js';

/** Pictures below /a, and a cursor. */
async function createContent(stores: RepositoryStores): Promise<Session> {
  const repository = await openOver(stores);
  const session = await sessionOf(repository);
  await session.addNode('/a', { properties: { title: 'Ä\u2028 "quoted"\n😀', count: 3, small: new Date(0) } });
  for (let index = 0; index < 20; index++) {
    const data = await session.createBinary(content(index));
    await session.addNode(`/a/${index}`, { properties: { data } });
  }
  await session.save();
  await session.setProperties('/a', { count: 4 });
  await session.save();
  await stores.nodes.setCursor('index', 2);
  return session;
}

async function backedUp(): Promise<{ stores: RepositoryStores; folder: string; session: Session }> {
  const stores = await openStoresIn(await temporaryFolder());
  const session = await createContent(stores);
  const folder = join(await temporaryFolder(), 'backup');
  await backupRepository(stores, folder);
  return { stores, folder, session };
}

async function fileOf(folder: string, kind: string): Promise<string> {
  return join(folder, (await readdir(folder)).find((name) => name.startsWith(kind)) ?? '');
}

describe.each(Object.entries(storeBackends))('a backup from %s', (_name, open) => {
  it.each(Object.entries(storeBackends))(
    'is the same repository when it is restored to %s',
    async (_to, openTarget) => {
      const stores = await open();
      await createContent(stores);
      await stores.nodes.trimJournal(2);
      const folder = await temporaryFolder();
      const report = await backupRepository(stores, folder);
      expect(report).toMatchObject({ sequence: await stores.nodes.head(), blobs: 20, copied: 20 });
      expect(await collect(verifyBackup(folder, { deep: true }))).toEqual([]);

      const target = await openTarget();
      const restored = await restoreRepository(folder, target);
      expect(restored).toMatchObject({ sequence: report.sequence, records: report.records, blobs: 20, findings: [] });
      expect(await everythingIn(target)).toEqual(await everythingIn(stores));
      const session = await sessionOf(await openOver(target));
      expect((await session.getNode('/a')).number('count')).toBe(4);
      await session.setProperties('/a', { count: 5 });
      await session.save();
      expect(await collect(checkRepository(target, { deep: true }))).toEqual([]);
    },
  );

  it('shows one moment, whatever is saved while it is made', async () => {
    const stores = await open();
    const session = await createContent(stores);
    const before = await everythingIn(stores);
    const save = async () => {
      await session.setProperties('/a', { count: 100 });
      await session.addNode('/late', { properties: { data: await session.createBinary(content('late')) } });
      await session.save();
      await stores.nodes.setCursor('index', await stores.nodes.head());
    };
    const nodes = hooked(stores.nodes, { journalStart: { after: save } });
    const folder = await temporaryFolder();
    await backupRepository({ ...stores, nodes }, folder);
    const target = memoryStores();
    await restoreRepository(folder, target);
    const { cursors, ...restored } = (await everythingIn(target)) as Record<string, unknown>;
    expect(before).toMatchObject(restored);
    // The observer went on; in the restored repository it is at the newest commit there is.
    expect(cursors).toEqual([['index', restored['head']]]);
  });
});

/** In memory: what these are about is the backup's own files, which are the same wherever the content comes from. */
describe('a backup', () => {
  it('into the same folder copies only what is new', async () => {
    const { stores, folder, session } = await backedUp();
    await session.addNode('/more', { properties: { data: await session.createBinary(content('more')) } });
    await session.save();
    expect(await backupRepository(stores, folder)).toMatchObject({ blobs: 21, copied: 1 });
    expect(await readdir(folder)).toHaveLength(5);
    const target = memoryStores();
    await restoreRepository(folder, target);
    expect(await everythingIn(target)).toEqual(await everythingIn(stores));
  });

  it('leaves out bytes that nothing refers to', async () => {
    const stores = memoryStores();
    const session = await createContent(stores);
    await session.createBinary(content('orphan'));
    expect(await backupRepository(stores, await temporaryFolder())).toMatchObject({ blobs: 20 });
  });

  it('that was interrupted is none, and the next one cleans up', async () => {
    const stores = memoryStores();
    const session = await createContent(stores);
    const folder = await temporaryFolder();
    const fault = () => {
      throw new Error('power failure');
    };
    const killed = { nodes: stores.nodes, blobs: hooked(stores.blobs, { list: { before: fault } }) };
    await writeFile(join(folder, 'records-00000000-0000-0000-0000-000000000000.jsonl.gz'), 'left by a killed one');
    await expect(backupRepository(killed, folder)).rejects.toThrow('power failure');
    await expect(restoreRepository(folder, memoryStores())).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining('no backup was ever finished') as string,
    });
    await backupRepository(stores, folder);
    expect(await readdir(folder)).toHaveLength(5);
    const first = await everythingIn(stores);

    await session.setProperties('/a', { count: 5 });
    await session.save();
    await expect(backupRepository(killed, folder)).rejects.toThrow('power failure');
    const target = memoryStores();
    await restoreRepository(folder, target);
    expect(await everythingIn(target)).toEqual(first);
  });

  it('of a damaged repository is made, and says what is missing', async () => {
    const stores = memoryStores();
    await createContent(stores);
    const [blob] = await collect(stores.blobs.list());
    await stores.blobs.remove(blob?.sha256 ?? '');
    const folder = await temporaryFolder();
    await backupRepository(stores, folder);
    const found = await collect(verifyBackup(folder));
    expect(found).toMatchObject([{ code: 'BLOB_MISSING', detail: blob?.sha256 }]);
    expect(await restoreRepository(folder, memoryStores())).toMatchObject({ findings: found });
  });
});

describe('a damaged backup', () => {
  const damages: readonly [string, (folder: string) => Promise<void>][] = [
    ['records that are cut', async (folder) => truncate(await fileOf(folder, 'records'), 300)],
    ['records with more behind them', async (folder) => appendFile(await fileOf(folder, 'records'), 'x')],
    [
      'a changed byte',
      async (folder) => {
        const file = await fileOf(folder, 'records');
        const bytes = await readFile(file);
        bytes[200] = (bytes[200] ?? 0) ^ 1;
        await writeFile(file, bytes);
      },
    ],
    ['a missing journal', async (folder) => rm(await fileOf(folder, 'journal'))],
    ['a manifest that does not parse', async (folder) => truncate(join(folder, 'manifest.json'), 20)],
    ['a manifest of another format', async (folder) => writeFile(join(folder, 'manifest.json'), '{"format":"x/2"}')],
  ];
  it.each(damages)('%s is refused, and leaves the target empty', async (_name, damage) => {
    const { folder } = await backedUp();
    await damage(folder);
    const target = memoryStores();
    await expect(restoreRepository(folder, target)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    await expect(collect(verifyBackup(folder))).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect(await target.nodes.head()).toBe(0);
    expect(await collect(target.blobs.list())).toEqual([]);
  });

  it('bytes that changed are found by a deep look, and stop a restore', async () => {
    const { folder } = await backedUp();
    const [first = ''] = await readdir(join(folder, 'blobs'));
    const [second = ''] = await readdir(join(folder, 'blobs', first));
    const [name = ''] = await readdir(join(folder, 'blobs', first, second));
    const file = join(folder, 'blobs', first, second, name);
    const bytes = await readFile(file);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    await writeFile(file, bytes);
    expect(await collect(verifyBackup(folder))).toEqual([]);
    expect(await collect(verifyBackup(folder, { deep: true }))).toMatchObject([{ code: 'BLOB_DAMAGED' }]);
    const target = memoryStores();
    await expect(restoreRepository(folder, target)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect(await target.nodes.head()).toBe(0);
  });
});

it('only an empty repository can be restored into', async () => {
  const { folder, stores } = await backedUp();
  await expect(restoreRepository(folder, stores)).rejects.toMatchObject({ code: 'STORE_NOT_EMPTY' });
});
