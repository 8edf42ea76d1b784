/** The command as it is typed, between a data folder with its own files and one whose satchel.json names servers. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { closeStores, openLocation } from '../../cli/open-location.js';
import { runHere } from '../../cli/run-here.js';
import { openRepository } from '../../repository/repository.js';
import type { RepositoryStores } from '../../repository/repository.js';
import { recordingTerminal } from '../cli/recording-terminal.js';
import { temporaryFolder } from '../repository/world.js';
import { postgresServer } from '../support/postgres-server.js';
import { s3Server } from '../support/s3-server.js';
import { content, everythingIn } from './world.js';

async function run(cwd: string, ...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const terminal = recordingTerminal();
  const { signal } = new AbortController();
  const code = await runHere({ arguments: args, cwd, terminal, signal, onResize: () => () => undefined });
  return { code, ...terminal.written };
}

/** A data folder whose nodes are in a schema and whose blobs are in a bucket, both empty. */
async function configureServers(folder: string): Promise<void> {
  const { endpoint, region, bucket, credentials } = await s3Server();
  const { accessKeyId, secretAccessKey } = credentials;
  const name = `m_${randomUUID().replaceAll('-', '')}`;
  const repository = {
    postgres: { url: (await postgresServer()).url, schema: name },
    s3: { bucket, region, endpoint, prefix: name, accessKeyId, secretAccessKey },
  };
  await mkdir(folder);
  await writeFile(path.join(folder, 'satchel.json'), JSON.stringify({ repository }), { mode: 0o600 });
}

/** Pictures, one of which changed and has a version; part of the journal is gone; an observer is on its way. */
async function createContent(stores: RepositoryStores): Promise<void> {
  const repository = await openRepository(stores);
  await repository.withSession('admin', async (session) => {
    for (let index = 0; index < 10; index++) {
      const data = await session.createBinary(content(index));
      await session.addNode(`/picture${index}`, { mixins: ['mix:versionable'], properties: { data, n: index } });
    }
    await session.save();
    await session.versions.checkpoint('/picture3');
    await session.setProperties('/picture3', { data: await session.createBinary(content('changed')) });
    await session.save();
  });
  await stores.nodes.trimJournal(2);
  await stores.nodes.setCursor('index', 3);
}

async function inLocation<T>(folder: string, work: (stores: RepositoryStores) => Promise<T>): Promise<T> {
  const stores = await openLocation(folder, { mustExist: false });
  try {
    return await work(stores);
  } finally {
    await closeStores(stores);
  }
}

it('moves a data folder to PostgreSQL and S3, and back into another one, whole', { timeout: 120_000 }, async () => {
  const root = await temporaryFolder();
  const [near, far, back] = ['near', 'far', 'back'].map((name) => path.join(root, name)) as [string, string, string];
  await configureServers(far);
  await inLocation(near, createContent);
  const before = await inLocation(near, everythingIn);

  const there = await run(root, 'migrate', '--from', 'near', '--to', 'far', '--verify', '--json');
  expect(there).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(there.stdout)).toMatchObject({ from: 'near', to: 'far', cursors: 1, blobs: 11, copied: 11 });
  expect(await inLocation(far, everythingIn)).toEqual(before);
  expect(await readdir(far), 'no node and no blob is in the folder').not.toContain('repository');
  expect(await readdir(far)).not.toContain('blobs');
  expect(await run(root, '--data', far, 'repository', 'check', '--deep')).toMatchObject({ code: 0 });

  const again = await run(root, 'migrate', '--from', 'near', '--to', 'far', '--json');
  expect(again.code).toBe(2);
  expect(JSON.parse(again.stdout)).toMatchObject({ error: { code: 'STORE_NOT_EMPTY' } });

  expect(await run(root, 'migrate', '--from', 'far', '--to', 'back', '--verify')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/compared: every record, commit, cursor and blob hash/) as string,
  });
  expect(await inLocation(back, everythingIn)).toEqual(before);
  expect(await run(root, '--data', back, 'repository', 'check', '--deep')).toMatchObject({ code: 0 });
  expect(await run(root, '--data', back, 'get', '/picture3', '--json')).toMatchObject({ code: 0 });
});
