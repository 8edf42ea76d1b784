/** Stores for tests of maintenance, and decorators over them: a clock for blobs, pause points, faults. */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Repository } from '../../repository/api.js';
import { openRepository } from '../../repository/repository.js';
import type { RepositoryStores } from '../../repository/repository.js';
import type { BlobStore, NodeStore } from '../../repository/store/contract.js';
import { createFilesystemBlobStore } from '../../repository/store/filesystem/filesystem-blob-store.js';
import { createLevelNodeStore } from '../../repository/store/level/level-node-store.js';
import { collect, openServerStores, temporaryFolder } from '../repository/world.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';

export async function openStoresIn(folder: string): Promise<RepositoryStores> {
  return {
    nodes: await createLevelNodeStore({ folder: join(folder, 'repository') }),
    blobs: await createFilesystemBlobStore({ folder: join(folder, 'blobs') }),
  };
}

export function memoryStores(): RepositoryStores {
  return { nodes: createMemoryNodeStore(), blobs: createMemoryBlobStore() };
}

export const storeBackends: Readonly<Record<string, () => Promise<RepositoryStores>>> = {
  'LevelDB and files': async () => openStoresIn(await temporaryFolder()),
  'PostgreSQL and S3': openServerStores,
  memory: async () => memoryStores(),
};

/** A repository over the stores; both are closed when the test ends. */
export async function openOver(stores: RepositoryStores): Promise<Repository> {
  const repository = await openRepository(stores);
  onTestFinished(() => repository.close());
  return repository;
}

/** Everything a node store holds, and the blobs. */
export async function everythingIn({ nodes, blobs }: RepositoryStores): Promise<unknown> {
  const snapshot = await nodes.snapshot();
  const records = (await collect(snapshot.range({ gte: '', lt: '\u{10ffff}' }))).flat();
  await snapshot.close();
  const start = await nodes.journalStart();
  return {
    head: await nodes.head(),
    records,
    start,
    journal: await collect(nodes.journal(start)),
    cursors: [...(await nodes.cursors())],
    blobs: (await collect(blobs.list())).map(({ sha256, size }) => `${sha256} ${size}`).sort(),
  };
}

/** Time that passes when the test says so. */
export class TestClock {
  #time = Date.parse('2024-03-01T12:00:00Z');

  readonly now = (): Date => new Date(this.#time);

  passHours(hours: number): void {
    this.#time += hours * 3_600_000;
  }
}

/** What happens before or after a call of a store; a promise holds the call up, an error makes it fail. */
export type Hooks<Store> = {
  readonly [Method in keyof Store]?: { before?(): unknown; after?(): unknown };
};

/** The store itself, with hooks around calls that give a promise; listings have only `before`. */
export function hooked<Store extends NodeStore | BlobStore>(store: Store, hooks: Hooks<Store>): Store {
  return new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown;
      if (typeof member !== 'function') return member;
      const call = (...args: unknown[]): unknown => Reflect.apply(member, target, args) as unknown;
      const hook = (hooks as Record<string | symbol, { before?(): unknown; after?(): unknown } | undefined>)[name];
      if (!hook) return call;
      if (name === 'list' || name === 'journal' || name === 'read') {
        return async function* (...args: unknown[]) {
          await hook.before?.();
          yield* call(...args) as AsyncIterable<unknown>;
        };
      }
      return async (...args: unknown[]) => {
        await hook.before?.();
        const result = await call(...args);
        await hook.after?.();
        return result;
      };
    },
  });
}

/** Blobs whose times of writing are the clock's. */
export function timedBlobs(blobs: BlobStore, clock: TestClock): BlobStore {
  const written = new Map<string, Date>();
  return {
    write: async (source) => {
      const info = await blobs.write(source);
      written.set(info.sha256, clock.now());
      return info;
    },
    async *list() {
      for await (const blob of blobs.list()) yield { ...blob, modified: written.get(blob.sha256) ?? clock.now() };
    },
    read: (sha256, range, memory) => blobs.read(sha256, range, memory),
    has: (sha256) => blobs.has(sha256),
    remove: (sha256) => blobs.remove(sha256),
    stream: (sha256, range) => blobs.stream(sha256, range),
    close: () => blobs.close(),
  };
}

/** Bytes too long to be kept inline, different for each seed. */
export function content(seed: number | string): Buffer {
  return Buffer.from(`${seed} `.repeat(10_000));
}
