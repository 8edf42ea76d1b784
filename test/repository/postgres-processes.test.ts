/** Several processes, each with its own caches, on one PostgreSQL schema. */
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { CommitEvent, Repository, Session } from '../../repository/api.js';
import { checkRepository } from '../../repository/maintenance/check-repository.js';
import { openRepository } from '../../repository/repository.js';
import type { RepositoryStores } from '../../repository/repository.js';
import { createFilesystemBlobStore } from '../../repository/store/filesystem/filesystem-blob-store.js';
import { createPostgresNodeStore } from '../../repository/store/postgres/postgres-node-store.js';
import { buildFixture } from '../cli/build-fixture.js';
import { postgresServer } from '../support/postgres-server.js';
import type { Order, Report } from './fixtures/postgres-process.js';
import { collect, namesOf, sessionOf, temporaryFolder } from './world.js';

let program: string;
beforeAll(async () => {
  program = await buildFixture(new URL('./fixtures/postgres-process.ts', import.meta.url));
});

interface Worker {
  /** Resolves with the number of conflicts when the order is done. @param onReport what it reports before */
  obey(order: Order, onReport?: (report: Report) => void): Promise<number>;
  kill(): Promise<void>;
}

interface World {
  /** Of the test's own process. */
  readonly repository: Repository;
  readonly stores: RepositoryStores;
  readonly startWorker: () => Promise<Worker>;
}

async function openWorld(): Promise<World> {
  const { url } = await postgresServer();
  const [schema, blobs] = [`p_${randomUUID().replaceAll('-', '')}`, await temporaryFolder()];
  const stores = {
    nodes: await createPostgresNodeStore({ url, schema, poolSize: 6 }),
    blobs: await createFilesystemBlobStore({ folder: blobs }),
  };
  const repository = await openRepository(stores);
  onTestFinished(() => repository.close());
  return { repository, stores, startWorker: () => startWorker([url, schema, blobs]) };
}

async function startWorker(args: readonly string[]): Promise<Worker> {
  const child = fork(program, args);
  const exited = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  onTestFinished(kill);
  await once(child, 'message');
  return {
    obey: (order, onReport) =>
      new Promise((resolve, reject) => {
        const ended = () => reject(new Error('the process ended'));
        child.once('exit', ended);
        child.on('message', function listen(message) {
          const report = message as Report;
          onReport?.(report);
          if (!('done' in report)) return;
          child.off('message', listen).off('exit', ended);
          resolve(report.done.conflicts);
        });
        child.send(order);
      }),
    kill,
  };
}

async function addPairs(session: Session, folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    await session.addNode(folder);
    for (const name of ['a', 'b']) await session.addNode(`${folder}/${name}`, { properties: { n: 0 } });
    await session.addNode(`${folder}/log`);
  }
  await session.save();
}

async function numberAt(repository: Repository, path: string): Promise<number | undefined> {
  return repository.withSession('admin', async (session) => (await session.findNode(path))?.number('n'));
}

const pathsOf = (event: CommitEvent) => event.changes.map(({ path }) => path);

describe('processes on one PostgreSQL schema', () => {
  it('lose none of 10,000 increments of one property', async () => {
    const { repository, startWorker } = await openWorld();
    const admin = await sessionOf(repository);
    await admin.addNode('/counter', { properties: { n: 0 } });
    await admin.save();
    const workers = await Promise.all([startWorker(), startWorker()]);
    const order = { kind: 'increment', path: '/counter', total: 5_000, sessions: 3, batch: 50 } as const;
    const conflicts = await Promise.all(workers.map((worker) => worker.obey(order)));
    expect(await numberAt(repository, '/counter')).toBe(10_000);
    expect(Math.min(...conflicts), 'both ran into each other').toBeGreaterThan(0);
  });

  it('read every commit of ten writers once and in one order as followers', async () => {
    const { repository, startWorker } = await openWorld();
    const admin = await sessionOf(repository);
    const folders = Array.from({ length: 10 }, (_, index) => `/w${index}`);
    await addPairs(admin, folders);
    await admin.addNode('/end');
    const from = await admin.save();
    const [one, two, follower] = await Promise.all([startWorker(), startWorker(), startWorker()]);

    const theirs: { readonly sequence: number; readonly paths: readonly string[] }[] = [];
    const followed = follower.obey({ kind: 'follow', cursor: 'theirs', from, until: '/end' }, (report) => {
      if ('followed' in report) theirs.push(report.followed);
    });
    const ours: typeof theirs = [];
    const following = (async () => {
      const { signal } = new AbortController();
      for await (const event of repository.follow({ cursor: 'ours', from, signal })) {
        ours.push({ sequence: event.sequence, paths: pathsOf(event) });
        if (pathsOf(event).includes('/end')) return;
      }
    })();
    const commits = 25;
    await Promise.all([
      one.obey({ kind: 'write', folders: folders.slice(0, 5), commits }),
      two.obey({ kind: 'write', folders: folders.slice(5), commits }),
    ]);
    await one.obey({ kind: 'set', path: '/end', n: 1 });
    await Promise.all([followed, following]);

    expect(ours).toHaveLength(folders.length * commits + 1);
    expect(ours.map(({ sequence }) => sequence)).toEqual(ours.map((_, index) => from + 1 + index));
    expect(theirs).toEqual(ours);
    expect((await repository.cursors()).get('theirs')).toBe(ours.at(-1)?.sequence);
    const added = ours.flatMap(({ paths }) => paths.filter((path) => path.includes('/log/')));
    for (const folder of folders) {
      expect(added.filter((path) => path.startsWith(`${folder}/`))).toEqual(
        Array.from({ length: commits }, (_, index) => `${folder}/log/${index + 1}`),
      );
    }
  });

  it('go on when one is killed in the middle of commits, of which nothing is left half', async () => {
    const { repository, stores, startWorker } = await openWorld();
    const admin = await sessionOf(repository);
    const survivors = ['/s0', '/s1'];
    const victims = [1, 2, 3].map((round) => [0, 1, 2].map((index) => `/v${round}${index}`));
    await addPairs(admin, [...survivors, ...victims.flat()]);
    const acknowledged = new Map<string, number>();
    const note = (report: Report) => {
      if ('acknowledged' in report) acknowledged.set(report.acknowledged.folder, report.acknowledged.n);
    };
    const forever = Number.MAX_SAFE_INTEGER;
    const survivor = await startWorker();
    const surviving = survivor.obey({ kind: 'write', folders: survivors, commits: 50 }, note);
    for (const [round, folders] of victims.entries()) {
      const victim = await startWorker();
      const writing = victim.obey({ kind: 'write', folders, commits: forever }, (report) => {
        note(report);
        // The other sessions of the process have commits under way.
        if ('acknowledged' in report && report.acknowledged.n === 10 + round) void victim.kill();
      });
      await expect(writing).rejects.toThrow('the process ended');
    }
    await surviving;

    await admin.refresh();
    for (const folder of [...survivors, ...victims.flat()]) {
      const [a, b] = (await admin.findNodes([`${folder}/a`, `${folder}/b`])).map((node) => node?.number('n') ?? -1);
      expect(a).toBe(b);
      expect(a).toBeGreaterThanOrEqual(acknowledged.get(folder) ?? 0);
      const names = (await namesOf(admin.children(`${folder}/log`))).map(Number);
      expect(names.toSorted((x, y) => x - y)).toEqual(Array.from({ length: a ?? 0 }, (_, index) => index + 1));
    }
    for (const folder of survivors) expect(await numberAt(repository, `${folder}/a`)).toBe(50);
    const head = await repository.head();
    await survivor.obey({ kind: 'set', path: '/s0/a', n: 51 });
    expect(await repository.head()).toBe(head + 1);
    expect(await collect(checkRepository(stores))).toEqual([]);
  });

  it('see what another acknowledged in every session that they open or refresh afterwards', async () => {
    const { repository, startWorker } = await openWorld();
    const admin = await sessionOf(repository);
    await addPairs(admin, ['/seen', '/own']);
    const other = await startWorker();
    // Commits of this process meanwhile, so that its cache learns of both kinds in turn.
    const writing = new AbortController();
    const own = await sessionOf(repository);
    const noise = (async () => {
      for (let n = 1; !writing.signal.aborted; n++) {
        await own.setProperties('/own/a', { n });
        await own.save();
      }
    })();
    const longLived = await sessionOf(repository);
    for (let n = 1; n <= 40; n++) {
      await other.obey({ kind: 'set', path: '/seen/a', n });
      expect(await numberAt(repository, '/seen/a')).toBe(n);
      await longLived.refresh();
      expect((await longLived.getNode('/seen/a')).number('n')).toBe(n);
    }
    for (const [from, to] of [
      ['/seen', '/moved'],
      ['/moved', '/seen'],
    ] as const) {
      const before = await sessionOf(repository);
      await other.obey({ kind: 'move', from, to });
      expect(await numberAt(repository, `${from}/a`)).toBeUndefined();
      expect(await numberAt(repository, `${to}/a`)).toBe(40);
      // And a session from before sees what was there.
      expect((await before.getNode(`${from}/a`)).number('n')).toBe(40);
      expect(await before.findNode(`${to}/a`)).toBeUndefined();
    }
    writing.abort();
    await noise;
  });
});
