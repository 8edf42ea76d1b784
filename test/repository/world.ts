/** Repositories for tests: in memory, on LevelDB and files in a folder that is removed afterwards, on PostgreSQL and S3. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';
import type { Repository, Session } from '../../repository/api.js';
import { openRepository, type RepositoryOptions } from '../../repository/repository.js';
import { createFilesystemBlobStore } from '../../repository/store/filesystem/filesystem-blob-store.js';
import { createLevelNodeStore } from '../../repository/store/level/level-node-store.js';
import { createPostgresNodeStore } from '../../repository/store/postgres/postgres-node-store.js';
import { createS3BlobStore } from '../../repository/store/s3/s3-blob-store.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';
import { postgresServer, stopPostgresServer } from '../support/postgres-server.js';
import { s3Server, stopS3Server } from '../support/s3-server.js';

// Do nothing in files whose tests did not ask for one.
afterAll(stopPostgresServer);
afterAll(stopS3Server);

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'satchel-repository-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function openEmbedded(folder: string, options: RepositoryOptions = {}): Promise<Repository> {
  const nodes = await createLevelNodeStore({ folder: join(folder, 'nodes') });
  return openRepository({ nodes, blobs: await createFilesystemBlobStore({ folder: join(folder, 'blobs') }) }, options);
}

/** Which stores a suite of the repository runs on. */
export const backends: Readonly<Record<string, (options?: RepositoryOptions) => Promise<Repository>>> = {
  'LevelDB and files': async (options) => openEmbedded(await temporaryFolder(), options),
  'PostgreSQL and S3': async (options) => {
    const schema = `world_${randomUUID().replaceAll('-', '')}`;
    const nodes = await createPostgresNodeStore({ url: (await postgresServer()).url, schema, poolSize: 3 });
    const blobs = { ...(await s3Server()), prefix: schema, temporaryFolder: await temporaryFolder() };
    return openRepository({ nodes, blobs: await createS3BlobStore(blobs) }, options);
  },
  memory: async (options) =>
    openRepository({ nodes: createMemoryNodeStore(), blobs: createMemoryBlobStore() }, options),
};

/** An open repository, closed when the test ends. */
export async function openFor(open: () => Promise<Repository>): Promise<Repository> {
  const repository = await open();
  onTestFinished(() => repository.close());
  return repository;
}

/** A session, closed when the test ends. */
export async function sessionOf(repository: Repository, userId = 'admin'): Promise<Session> {
  const session = await repository.login(userId);
  onTestFinished(() => session.close());
  return session;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

export async function namesOf(nodes: AsyncIterable<{ readonly name: string }>): Promise<string[]> {
  return (await collect(nodes)).map(({ name }) => name);
}

export async function pathsOf(nodes: AsyncIterable<{ readonly path: string }>): Promise<string[]> {
  return (await collect(nodes)).map(({ path }) => path);
}
