/**
 * The content repository against the database below it, which is given the very same writes and reads: `npm run bench --
 * repository [--backend level|postgres --url postgres://…] [--rounds 5] [--assets 2000] [--nodes 1000000] [--only import]
 * [--json FILE]`. The raw side has no paths, rights, types or conflicts: it is the limit, and the goals are shares of it.
 */
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { formatTable, mebibytes, median } from './measure.js';
import type { BenchmarkOptions } from './options.js';
import type { Backend } from './repository-backend.js';
import { chooseBackend, withServer } from './repository-backends.js';
import { measureMemory } from './repository-memory.js';
import { compareQueries } from './repository-query.js';
import {
  compareColdBatches,
  compareCommits,
  compareImport,
  compareTraversal,
  compareWarmReads,
  importedPair,
  nodeCount,
} from './repository-work.js';
import { levelBackend } from './repository-level.js';
import type { Comparison, WorkContext } from './repository-work.js';

const defaultRounds = 5;
const defaultAssets = 2000;

export async function measureRepository(folder: string, signal: AbortSignal, options: BenchmarkOptions): Promise<void> {
  await withServer({ ...options, folder }, async (choice) => measureOn(chooseBackend(choice), choice, signal));
}

async function measureOn(
  backend: Backend,
  options: BenchmarkOptions & { readonly folder: string },
  signal: AbortSignal,
): Promise<void> {
  const { only, folder } = options;
  const context: WorkContext = {
    folder,
    backend,
    assets: options.assets ?? defaultAssets,
    rounds: options.rounds ?? defaultRounds,
    signal,
    wants: (work) => only === undefined || work.includes(only),
  };
  const { assets, rounds } = context;
  console.log(
    `repository on ${backend.name}: ${assets} assets, ${nodeCount(assets)} nodes; ${rounds} rounds, medians, raw = 1`,
  );
  const comparisons: Comparison[] = [];
  for await (const comparison of compareAll(context)) {
    comparisons.push(comparison);
    console.error(`bench: ${comparison.work} done`);
  }
  console.log(formatTable([['', 'ours', 'raw', 'ratio', 'goal', 'met'], ...comparisons.map(rowOf)]));

  const sizes = context.wants('size') ? await measureSize(context) : undefined;
  if (sizes) {
    const perNode = (sizes.bytes / nodeCount(assets)).toFixed(0);
    console.log(`size on disk: ${mebibytes(sizes.bytes)}, ${perNode} bytes a node, journal included`);
  }
  const memory = options.nodes === undefined ? undefined : await measureMemory(folder, options, options.nodes, signal);
  if (memory) {
    console.log(
      `memory at ${memory.nodes} nodes: ${mebibytes(memory.importBytes)} at most while importing, ` +
        `${mebibytes(memory.readBytes)} at most while reading all of it (goal: below 400 MiB)`,
    );
  }
  if (options.json !== undefined) {
    const machine = { cpus: cpus().length, model: cpus()[0]?.model, node: process.version, platform: process.platform };
    const works = comparisons.map((comparison) => ({ ...comparison, ratio: ratioOf(comparison) }));
    const result = { backend: backend.name, assets, nodes: nodeCount(assets), rounds, machine, works, sizes, memory };
    await writeFile(options.json, `${JSON.stringify(result, undefined, 2)}\n`);
  }
}

async function* compareAll(context: WorkContext): AsyncGenerator<Comparison> {
  const { backend } = context;
  const onLevel = backend.canSkipSync;
  const imports = [
    ...(onLevel ? [{ work: 'import, save per asset', sync: false, perSave: 1, goal: 0.35 }] : []),
    { work: 'import, save per asset, synced', sync: true, perSave: 1, goal: 0.5 },
    ...(onLevel ? [{ work: 'import, save per 100 assets', sync: false, perSave: 100, goal: undefined }] : []),
    { work: 'import, save per 100 assets, synced', sync: true, perSave: 100, goal: undefined },
  ];
  for (const { work, ...how } of imports) if (context.wants(work)) yield await compareImport(context, work, how);

  const [warm, cold, traversal] = ['read by path, 50,000 one by one', 'read by path, 100 at once', 'traverse the tree'];
  if ([warm, cold, traversal].some(context.wants)) {
    // One by one from another process is no peer of what is in memory.
    const near = onLevel ? undefined : await levelBackend(context.folder).openRaw('near', false);
    let pair = await importedPair(context, { sync: false }, near);
    try {
      if (context.wants(warm)) {
        const work = near ? `${warm}; raw: LevelDB` : warm;
        yield await compareWarmReads(context, work, pair, near ?? pair.raw);
      }
      if (context.wants(traversal)) yield await compareTraversal(context, traversal, pair);
      if (context.wants(cold)) {
        const compared = await compareColdBatches(context, cold, pair, onLevel ? undefined : 0.5);
        pair = compared.pair;
        yield compared.comparison;
      }
    } finally {
      await near?.close();
      await pair.remove();
    }
  }

  const query = 'equality query with index, first 100 hits';
  if (context.wants(query)) {
    const pair = await importedPair(context, { sync: false });
    try {
      yield await compareQueries(context, query, pair);
    } finally {
      await pair.remove();
    }
  }

  const commits = ['1,000 commits of one property, synced', 'the same by 16 sessions at once; raw: by one'] as const;
  if (commits.some(context.wants)) {
    const pair = await importedPair(context, { sync: true });
    try {
      yield* await compareCommits(context, commits, pair);
    } finally {
      await pair.remove();
    }
  }
}

async function measureSize(context: WorkContext): Promise<{ readonly bytes: number }> {
  const pair = await importedPair(context, { sync: false });
  try {
    return { bytes: await pair.raw.size() };
  } finally {
    await pair.remove();
  }
}

function ratioOf({ ours, raw }: Comparison): number {
  return median(raw) / median(ours);
}

function rowOf(comparison: Comparison): string[] {
  const { work, ours, raw, goal } = comparison;
  const ratio = ratioOf(comparison);
  const verdict = goal === undefined ? ['–', '–'] : [`≥ ${goal}`, ratio >= goal ? 'yes' : 'no'];
  return [work, milliseconds(ours), milliseconds(raw), ratio.toFixed(2), ...verdict];
}

function milliseconds(times: readonly number[]): string {
  return `${median(times).toFixed(0)} ms`;
}
