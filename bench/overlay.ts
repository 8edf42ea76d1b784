/**
 * The overlay against a plain read of one node, which is its limit: `npm run bench -- overlay [--rounds 5] [--json FILE]`. A
 * resource of one node with four layers, on LevelDB, read by a user whose rights are looked at.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { grant } from '../repository/access/policy.js';
import { adminUser } from '../repository/api.js';
import type { Repository, Session } from '../repository/api.js';
import type { OverlayResolver, Tenant } from '../repository/overlay/api.js';
import { createOverlayResolver } from '../repository/overlay/resolver.js';
import { openRepository } from '../repository/repository.js';
import { createFilesystemBlobStore } from '../repository/store/filesystem/filesystem-blob-store.js';
import { createLevelNodeStore } from '../repository/store/level/level-node-store.js';
import { createUser } from '../repository/users.js';
import { formatTable, median } from './measure.js';
import type { BenchmarkOptions } from './options.js';

const resource = 'dam/bench/limits';
const properties = 12;
const reader = 'bench';
/** Times a cached resource is read in a round. */
const cachedReads = 200_000;
/** Repositories opened for the times of a single tenant. */
const openings = 40;
const goals = { cached: 1.5, cold: 5 };

interface Row {
  readonly work: string;
  /** Microseconds for one. */
  readonly overlay: number;
  readonly node: number;
  readonly goal: number;
}

export async function measureOverlay(folder: string, signal: AbortSignal, options: BenchmarkOptions): Promise<void> {
  const rounds = options.rounds ?? 5;
  const rows: Row[] = [];
  for (const tenants of [1, 1000]) {
    const place = path.join(folder, String(tenants));
    await withRepository(place, (repository) => writeContent(repository, tenants));
    rows.push(await measureCached(place, tenants, rounds, signal), await measureCold(place, tenants, rounds, signal));
  }
  console.log(`overlay: four layers over one node; ${rounds} rounds, medians, reading one node = 1`);
  console.log(
    formatTable([
      ['', 'overlay', 'a second', 'node', 'ratio', 'goal', 'met'],
      ...rows.map(({ work, overlay, node, goal }) => [
        work,
        `${overlay.toFixed(2)} µs`,
        (1e6 / overlay).toFixed(0),
        `${node.toFixed(2)} µs`,
        (overlay / node).toFixed(2),
        goal.toFixed(1),
        overlay / node <= goal ? 'yes' : 'no',
      ]),
    ]),
  );
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify({ rounds, rows }, undefined, 2)}\n`);
}

async function withRepository<T>(place: string, work: (repository: Repository) => Promise<T>): Promise<T> {
  const repository = await openRepository({
    nodes: await createLevelNodeStore({ folder: path.join(place, 'nodes') }),
    blobs: await createFilesystemBlobStore({ folder: path.join(place, 'blobs') }),
  });
  try {
    return await work(repository);
  } finally {
    await repository.close();
  }
}

/** Every layer has the resource: the product all of it, each of the others one property. */
async function writeContent(repository: Repository, tenants: number): Promise<void> {
  await repository.withSession(adminUser, async (session) => {
    const all = Object.fromEntries(Array.from({ length: properties }, (_, index) => [`limit${index}`, index]));
    await session.ensureNode(`/libs/settings/${resource}`, { properties: all });
    await session.ensureNode(`/apps/settings/${resource}`, { properties: { limit1: 100 } });
    await session.ensureNode(`/conf/global/settings/${resource}`, { properties: { limit2: 200 } });
    for (const { root } of tenantsOf(tenants)) {
      await session.ensureNode(`${root}/settings/${resource}`, { properties: { limit3: 300, title: root } });
    }
    await createUser(session, { id: reader });
    for (const root of ['/libs', '/apps', '/conf']) await grant(session, root, reader, ['jcr:read']);
    await session.save();
  });
}

function tenantsOf(count: number): Tenant[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `tenant-${index}`;
    return { name, root: `/conf/${name}`, referencedAt: undefined };
  });
}

/** A way to get at something for each tenant, one after another. */
type Reading = (session: Session, overlay: OverlayResolver, tenants: readonly Tenant[]) => Promise<void>;

const resolving: Reading = async (session, overlay, tenants) => {
  for (const tenant of tenants) {
    const found = await overlay.settings(session, tenant, resource);
    if (!found) throw new Error(`${tenant.name} has no ${resource}`);
  }
};

const readingNodes: Reading = async (session, _overlay, tenants) => {
  for (const { root } of tenants) {
    const found = await session.findNode(`${root}/settings/${resource}`);
    if (!found) throw new Error(`${root} has no ${resource}`);
  }
};

async function measureCached(place: string, tenants: number, rounds: number, signal: AbortSignal): Promise<Row> {
  return withRepository(place, (repository) =>
    repository.withSession(reader, async (session) => {
      const overlay = createOverlayResolver({ repository });
      const all = tenantsOf(tenants);
      const paths = all.map(({ root }) => `${root}/settings/${resource}`);
      const times = Math.ceil(cachedReads / tenants);
      const resolve = async () => {
        for (let time = 0; time < times; time++)
          for (const tenant of all) await overlay.settings(session, tenant, resource);
      };
      const readNode = async () => {
        for (let time = 0; time < times; time++) for (const one of paths) await session.findNode(one);
      };
      const [overlayTime, nodeTime] = await alternate(
        rounds,
        signal,
        () => timeEach(resolve, times * tenants),
        () => timeEach(readNode, times * tenants),
      );
      return { work: `cached, ${name(tenants)}`, overlay: overlayTime, node: nodeTime, goal: goals.cached };
    }),
  );
}

/** Every round begins with nothing in any cache of ours. A single tenant is read once in each of many openings. */
async function measureCold(place: string, tenants: number, rounds: number, signal: AbortSignal): Promise<Row> {
  const all = tenantsOf(tenants);
  const once = (read: Reading) =>
    withRepository(place, (repository) =>
      repository.withSession(reader, async (session) => {
        const overlay = createOverlayResolver({ repository });
        return timeEach(() => read(session, overlay, all), tenants);
      }),
    );
  const [overlay, node] = await alternate(
    tenants === 1 ? openings : rounds,
    signal,
    () => once(resolving),
    () => once(readingNodes),
  );
  return { work: `cold, ${name(tenants)}`, overlay, node, goal: goals.cold };
}

/** Medians of both, in turns, after one round that warms up. */
async function alternate(
  rounds: number,
  signal: AbortSignal,
  ...sides: readonly (() => Promise<number>)[]
): Promise<[number, number]> {
  const times = sides.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, side] of sides.entries()) {
      signal.throwIfAborted();
      const time = await side();
      if (round > 0) times[index]?.push(time);
    }
  }
  const [first = [], second = []] = times;
  return [median(first), median(second)];
}

/** Microseconds for one of `count`. */
async function timeEach(work: () => Promise<void>, count: number): Promise<number> {
  const started = performance.now();
  await work();
  return ((performance.now() - started) * 1000) / count;
}

function name(tenants: number): string {
  return tenants === 1 ? '1 tenant' : `${tenants} tenants`;
}
