/** What the benchmark of the repository times: each work once through sessions and once on the database itself. */
import { adminUser } from '../repository/api.js';
import type { Session } from '../repository/api.js';
import { nodeKey } from '../repository/keys.js';
import type { Backend, RawStore } from './repository-backend.js';
import { createPair } from './repository-pair.js';
import type { Pair } from './repository-pair.js';
import { assetNodes, importAssets, nodesPerAsset, treeRoot } from './repository-tree.js';
import type { TreeNode } from './repository-tree.js';

export interface WorkContext {
  readonly folder: string;
  readonly backend: Backend;
  readonly assets: number;
  readonly rounds: number;
  readonly signal: AbortSignal;
  /** Whether the user wants this work measured. */
  readonly wants: (work: string) => boolean;
}

/** One row: milliseconds of every round. */
export interface Comparison {
  readonly work: string;
  readonly ours: readonly number[];
  readonly raw: readonly number[];
  /** How fast ours should at least be, with raw as 1. */
  readonly goal: number | undefined;
}

/** A fresh pair each round: what the repository commits in the round is then written to the raw side. */
export async function compareImport(
  { folder, backend, assets, rounds, signal }: WorkContext,
  work: string,
  { sync, perSave, goal }: { readonly sync: boolean; readonly perSave: number; readonly goal: number | undefined },
): Promise<Comparison> {
  let checked = false;
  const times = await alternate(rounds, signal, async () => {
    const pair = await createPair({ folder, backend, sync }, assets);
    try {
      const tree = Array.from({ length: assets }, (_, index) => assetNodes(index, pair.blobs));
      const ours = await withAdmin(pair, (session) => time(() => importAssets(session, tree, perSave)));
      const raw = await time(pair.raw.writing(pair.takeCommits()));
      if (!checked) await pair.assertEqual();
      checked = true;
      return { ours, raw };
    } finally {
      await pair.remove();
    }
  });
  return { work, ...times, goal };
}

/** @param copy is written what the raw side is @returns a pair with the tree imported on both sides, freshly opened */
export async function importedPair(
  { folder, backend, assets }: WorkContext,
  { sync }: { readonly sync: boolean },
  copy?: RawStore,
): Promise<Pair> {
  const pair = await createPair({ folder, backend, sync }, assets);
  const tree = Array.from({ length: assets }, (_, index) => assetNodes(index, pair.blobs));
  await withAdmin(pair, (session) => importAssets(session, tree, 100));
  const commits = pair.takeCommits();
  await pair.raw.writing(commits)();
  await copy?.writing(commits)();
  return pair.reopen();
}

const randomReads = 50_000;

/** One by one, from a session that has read them all before; from the database without parsing. */
export async function compareWarmReads(
  context: WorkContext,
  work: string,
  pair: Pair,
  raw: RawStore,
): Promise<Comparison> {
  const nodes = randomNodes(context, pair, randomReads);
  const reading = raw.reading(
    nodes.map(({ path }) => nodeKey(path)),
    1,
  );
  const times = await withAdmin(pair, (session) =>
    alternate(context.rounds, context.signal, async () => ({
      ours: await time(async () => {
        for (const { path, names } of nodes) {
          const node = await session.getNode(path);
          for (const name of names) if (node.property(name) === undefined) throw lost(path);
        }
      }),
      raw: await time(async () => expectCount(await reading(), nodes.length)),
    })),
  );
  return { work, ...times, goal: 1 };
}

const keysPerQuery = 100;

/** Each round on a repository that was just opened. */
export async function compareColdBatches(
  context: WorkContext,
  work: string,
  pair: Pair,
  goal: number | undefined,
): Promise<{ readonly comparison: Comparison; readonly pair: Pair }> {
  const nodes = randomNodes(context, pair, 10_000);
  const keys = nodes.map(({ path }) => nodeKey(path));
  const paths = nodes.map(({ path }) => path);
  let current = pair;
  const times = await alternate(context.rounds, context.signal, async () => {
    current = await current.reopen();
    const reading = current.raw.reading(keys, keysPerQuery);
    return {
      ours: await withAdmin(current, (session) =>
        time(async () => {
          let found = 0;
          for (let start = 0; start < paths.length; start += keysPerQuery) {
            for (const node of await session.findNodes(paths.slice(start, start + keysPerQuery))) if (node) found++;
          }
          expectCount(found, paths.length);
        }),
      ),
      raw: await time(async () => expectCount(await reading(), keys.length)),
    };
  });
  return { comparison: { work, ...times, goal }, pair: current };
}

export async function compareTraversal(context: WorkContext, work: string, pair: Pair): Promise<Comparison> {
  const traversing = pair.raw.traversing(treeRoot);
  const expected = await traversing();
  const times = await alternate(context.rounds, context.signal, async () => ({
    ours: await withAdmin(pair, (session) =>
      time(async () => {
        let found = 0;
        for await (const node of session.descendants(treeRoot)) if (node.primaryType !== '') found++;
        expectCount(found, expected);
      }),
    ),
    raw: await time(async () => expectCount(await traversing(), expected)),
  }));
  return { work, ...times, goal: 0.5 };
}

const commitCount = 1_000;
const sessionCount = 16;
/** V8 compiles what a save runs within the first four thousand, which take up to twice as long; a round of ours has two thousand. */
const commitWarmUps = 4;

/** @returns one session against the raw side, and many sessions against one */
export async function compareCommits(context: WorkContext, works: readonly [string, string], pair: Pair) {
  const { assets, rounds, signal } = context;
  const paths = Array.from({ length: commitCount }, (_, index) => metadataPath(index % assets, pair));
  let value = 0;
  const commitAll = (session: Session, mine: readonly string[]) => async () => {
    for (const path of mine) {
      await session.setProperties(path, { 'dam:rating': ++value });
      await session.save();
    }
  };
  const together: number[] = [];
  const round = async () => {
    const ours = await withAdmin(pair, (session) => time(commitAll(session, paths)));
    const raw = await time(pair.raw.writing(pair.takeCommits()));
    const sessions = await Promise.all(Array.from({ length: sessionCount }, () => pair.repository.login(adminUser)));
    try {
      const shares = sessions.map((session, index) =>
        commitAll(
          session,
          paths.filter((_, place) => place % sessionCount === index),
        ),
      );
      together.push(await time(() => Promise.all(shares.map((share) => share()))));
    } finally {
      for (const session of sessions) await session.close();
    }
    await pair.raw.writing(pair.takeCommits())();
    return { ours, raw };
  };
  const single = await alternate(rounds, signal, round, commitWarmUps);
  await pair.assertEqual();
  const [one, many] = works;
  return [
    { work: one, ...single, goal: 0.8 },
    { work: many, ours: together.slice(commitWarmUps), raw: single.ours, goal: 2.5 },
  ] satisfies Comparison[];
}

export function nodeCount(assets: number): number {
  return assets * nodesPerAsset;
}

function metadataPath(asset: number, pair: Pair): string {
  const node = assetNodes(asset, pair.blobs).find(({ path }) => path.endsWith('/metadata'));
  if (!node) throw new TypeError('every asset has metadata');
  return node.path;
}

/** The same on every machine. @returns paths with the names of up to three properties each */
function randomNodes({ assets }: WorkContext, { blobs }: Pair, count: number): { path: string; names: string[] }[] {
  let state = 1;
  const below = (limit: number) => {
    // Numerical Recipes' linear congruential generator.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const trees = new Map<number, TreeNode[]>();
  return Array.from({ length: count }, () => {
    const asset = below(assets);
    const tree = trees.get(asset) ?? assetNodes(asset, blobs);
    trees.set(asset, tree);
    const node = tree[below(tree.length)];
    if (!node) throw new TypeError('below its length');
    return { path: node.path, names: Object.keys(node.input.properties ?? {}).slice(0, 3) };
  });
}

/** A B A B, after rounds that warm up and are not counted. */
export async function alternate(
  rounds: number,
  signal: AbortSignal,
  round: () => Promise<{ readonly ours: number; readonly raw: number }>,
  warmUps = 1,
): Promise<{ readonly ours: number[]; readonly raw: number[] }> {
  const times = { ours: [] as number[], raw: [] as number[] };
  for (let count = 0; count < warmUps + rounds; count++) {
    signal.throwIfAborted();
    const { ours, raw } = await round();
    if (count < warmUps) continue;
    times.ours.push(ours);
    times.raw.push(raw);
  }
  return times;
}

/** @returns milliseconds */
export async function time(work: () => Promise<unknown>): Promise<number> {
  // What came before must not be cleaned up on the time of this.
  globalThis.gc?.();
  const started = performance.now();
  await work();
  return performance.now() - started;
}

export function withAdmin<T>({ repository }: Pair, work: (session: Session) => Promise<T>): Promise<T> {
  return repository.withSession(adminUser, work);
}

export function expectCount(found: number, expected: number): void {
  if (found !== expected) throw new Error(`${found} nodes were read instead of ${expected}`);
}

function lost(path: string): Error {
  return new Error(`${path} lost a property`);
}
