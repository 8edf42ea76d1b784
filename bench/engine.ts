/**
 * The interpreter against hand-written workflow code that calls the same activities, on the Temporal server that Satchel starts:
 * `npm run bench -- engine [--rounds 5] [--only history] [--json FILE]`. Both sides use the same options, start eagerly over one connection with their workers, and take
 * turns, so that what else the machine does falls on both.
 */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { bundleWorkflowCode, type NativeConnection, type Worker } from '@temporalio/worker';
import { pino } from 'pino';
import sharp from 'sharp';
import { defineStep } from '../activities/define-step.js';
import { createActivities } from '../activities/run-step.js';
import { openSatchel, type Satchel } from '../compose.js';
import { createAsset } from '../dam/asset.js';
import { createRenderer } from '../dam/rendering/create-renderer.js';
import { connectTemporal } from '../engine/temporal/connect.js';
import { createDataConverter } from '../engine/temporal/encrypting-codec.js';
import { createWorker, stepsAtOnce } from '../engine/worker.js';
import { packageRoot } from '../package-root.js';
import { adminUser, groups } from '../repository/api.js';
import { createUser } from '../repository/users.js';
import type { PinnedModel, PinnedStep, WorkflowInput } from '../workflows/contract/model.js';
import { z } from 'zod';
import type { WrittenInput } from './engine-workflows.js';
import { formatTable, median } from './measure.js';
import type { BenchmarkOptions } from './options.js';

const goals = { addedPerStep: 1.15, threeSteps: 1.25, throughput: 0.9, launch: 2, events: 200, kilobytes: 200 };
const parallel = 50;
const downloadAssets = 500;

type Kind = 'local' | 'remote';
const kinds: readonly Kind[] = ['local', 'remote'];

/** A way to run a number of short steps as one workflow; resolves when it has ended. */
type Run = (kind: Kind, steps: number) => Promise<void>;

interface Row {
  readonly work: string;
  readonly ours: number;
  readonly written: number;
  readonly unit: string;
  readonly ratio: number;
  /** Of processor time. */
  readonly cpu: number;
  /** At most, or for throughput at least. */
  readonly goal?: { readonly ratio: number; readonly least?: boolean };
}

export async function measureEngine(folder: string, signal: AbortSignal, options: BenchmarkOptions): Promise<void> {
  const rounds = options.rounds ?? 5;
  const wanted = (work: string) => options.only === undefined || work.includes(options.only);
  const log = pino({ level: 'error' }, pino.destination(2));
  const satchel = await openSatchel({ dataFolder: path.join(folder, 'data'), mode: 'command', work: false, log });
  try {
    satchel.registry.register(benchStep, 'bench');
    await satchel.ensureWorking();
    const rows: Row[] = [];
    const bench = await openBench(satchel, folder);
    try {
      if (wanted('step')) rows.push(...(await measureAddedPerStep(bench, rounds, signal)));
      if (wanted('three')) rows.push(...(await measureThreeSteps(bench, rounds, signal)));
      if (wanted('parallel')) rows.push(...(await measureThroughput(bench, rounds, signal)));
      if (wanted('launch')) rows.push(await measureLaunch(bench, satchel, rounds, signal));
    } finally {
      await bench.close();
    }
    if (rows.length > 0) print(rows, rounds);
    const history = wanted('history') ? await measureHistory(satchel, signal) : undefined;
    if (history) printHistory(history);
    if (options.json !== undefined) {
      await writeFile(options.json, `${JSON.stringify({ rounds, rows, history }, undefined, 2)}\n`);
    }
  } finally {
    await satchel.close();
  }
}

/** Who waits for the first step of which workflow. */
const waiting = new Map<string, (at: number) => void>();

const benchStep = defineStep({
  id: 'bench/step',
  title: 'Do nothing',
  description: 'Does nothing, as fast as a step can.',
  config: z.strictObject({}),
  result: z.null(),
  local: true,
  examples: [],
  run: ({ workflow }) => {
    waiting.get(workflow.id)?.(performance.now());
    return Promise.resolve(null);
  },
});

interface Bench {
  readonly interpreted: Run;
  readonly written: Run;
  /** The same without the record of its end. */
  readonly bare: Run;
  /** A bare start, eager, of one remote step; milliseconds until the step runs. */
  startBare(): Promise<number>;
  close(): Promise<void>;
}

async function openBench(satchel: Satchel, folder: string): Promise<Bench> {
  const renderer = createRenderer({ childFile: path.join(packageRoot, 'dist', 'dam', 'rendering', 'render-child.js') });
  const { repository, overlay, settings, mailer, registry } = satchel;
  const services = { repository, blobs: repository.blobs, overlay, settings, renderer, mailer, externalUrl: () => '' };
  const activities = createActivities({ registry, services, log: pino({ level: 'silent' }) });
  const address = satchel.engine.temporal().address ?? '';
  const namespace = 'default';
  const dataConverter = createDataConverter([]);
  const connections: NativeConnection[] = [];
  const workers: { readonly worker: Worker; readonly ended: Promise<void> }[] = [];
  const open = async (taskQueue: string, workflowBundle: string): Promise<Client> => {
    const connection = await connectTemporal({ address });
    connections.push(connection);
    const steps = stepsAtOnce({}).light;
    const shared = { connection, namespace, dataConverter, activities };
    const worker = await createWorker({ ...shared, taskQueue, steps, drainSeconds: 0, workflowBundle });
    workers.push({ worker, ended: worker.run() });
    return new Client({ connection, namespace, dataConverter });
  };
  const interpretedQueue = 'bench-interpreted';
  const writtenQueue = 'bench-written';
  const interpreter = await open(interpretedQueue, path.join(packageRoot, 'dist', 'workflow-bundle.js'));
  const byHand = await open(writtenQueue, await bundleWritten(folder));

  const startWritten = (workflowId: string, kind: Kind, steps: number, finish: boolean) => {
    const { model, ...rest } = inputOf(workflowId, kind, 0);
    const { name, config, layer, id, major, title } = stepOf(kind, 0);
    const workflow = { ...rest, id: workflowId, model: model.id, modelVersion: model.version };
    const input: WrittenInput = {
      order: { workflow },
      step: { config, layer, id, major, title: `${title} ${name}` },
      steps,
      local: kind === 'local',
      finish,
    };
    return byHand.workflow.start('written', {
      workflowId,
      taskQueue: writtenQueue,
      args: [input],
      requestEagerStart: true,
    });
  };
  const written = async (kind: Kind, steps: number, finish: boolean) => {
    const handle = await startWritten(randomUUID(), kind, steps, finish);
    await handle.result();
  };
  return {
    async interpreted(kind, steps) {
      const workflowId = randomUUID();
      const input = inputOf(workflowId, kind, steps);
      const handle = await interpreter.workflow.start(input.model.id, {
        workflowId,
        taskQueue: interpretedQueue,
        args: [input],
        requestEagerStart: true,
      });
      await handle.result();
    },
    written: (kind, steps) => written(kind, steps, true),
    bare: (kind, steps) => written(kind, steps, false),
    async startBare() {
      const workflowId = randomUUID();
      const running = firstStep(workflowId);
      const started = performance.now();
      const handle = await startWritten(workflowId, 'remote', 1, false);
      const at = await running;
      await handle.result();
      return at - started;
    },
    async close() {
      for (const { worker } of workers) worker.shutdown();
      await Promise.all(workers.map(({ ended }) => ended));
      for (const connection of connections) await connection.close();
      await renderer.close();
    },
  };
}

function firstStep(workflowId: string): Promise<number> {
  return new Promise((resolve) => {
    waiting.set(workflowId, (at) => {
      waiting.delete(workflowId);
      resolve(at);
    });
  });
}

function inputOf(workflowId: string, kind: Kind, steps: number): WorkflowInput {
  const model: PinnedModel = {
    id: `bench/${kind}`,
    title: 'Benchmark',
    version: 'bench',
    layers: ['/libs'],
    transient: false,
    steps: Array.from({ length: steps }, (_, index) => stepOf(kind, index)),
  };
  // Nobody saved it: what is measured is Temporal's part.
  const request = `/var/workflow/requests/${workflowId}`;
  return { model, request, payload: '/content/dam', tenant: 'global', initiator: adminUser };
}

function stepOf(kind: Kind, index: number): PinnedStep {
  return {
    name: `step-${index}`,
    id: benchStep.id,
    major: 1,
    title: benchStep.title,
    config: {},
    layer: '/libs',
    local: kind === 'local',
    chunked: false,
    parallel: 2,
    timeoutSeconds: 600,
    maximumAttempts: 5,
  };
}

async function bundleWritten(folder: string): Promise<string> {
  const silent = () => undefined;
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('./engine-workflows.js', import.meta.url)),
    logger: { log: silent, trace: silent, debug: silent, info: silent, warn: console.warn, error: console.error },
  });
  const file = path.join(folder, 'written-bundle.js');
  await writeFile(file, code);
  return file;
}

/** What a step more costs: by the difference of long workflows and short ones, so that start and end do not count. */
async function measureAddedPerStep(bench: Bench, rounds: number, signal: AbortSignal): Promise<Row[]> {
  const rows: Row[] = [];
  const [short, long] = [3, 33];
  for (const kind of kinds) {
    const perStep = (run: Run) => async () => {
      const few = await time(() => run(kind, short));
      return ((await time(() => run(kind, long))) - few) / (long - short);
    };
    const [ours, written] = await alternate(rounds * 2, signal, perStep(bench.interpreted), perStep(bench.written));
    rows.push({ ...pair(`a step more, ${kind}`, ours, written), goal: { ratio: goals.addedPerStep } });
  }
  return rows;
}

async function measureThreeSteps(bench: Bench, rounds: number, signal: AbortSignal): Promise<Row[]> {
  const rows: Row[] = [];
  for (const kind of kinds) {
    const three = (run: Run) => () => time(() => run(kind, 3));
    const sides = [three(bench.interpreted), three(bench.written), three(bench.bare)] as const;
    const [ours, written, bare] = await alternate(rounds * 10, signal, ...sides);
    rows.push(
      { ...pair(`three steps, ${kind}, p50`, ours, written), goal: { ratio: goals.threeSteps } },
      pair(`  its end not recorded by hand`, ours, bare),
    );
  }
  return rows;
}

async function measureThroughput(bench: Bench, rounds: number, signal: AbortSignal): Promise<Row[]> {
  const rows: Row[] = [];
  const total = parallel * 2;
  for (const kind of kinds) {
    const perSecond = (run: Run) => async () => {
      let next = 0;
      const lane = async () => {
        while (next++ < total) await run(kind, 3);
      };
      const ms = await time(async () => {
        await Promise.all(Array.from({ length: parallel }, lane));
      });
      return (total / ms) * 1000;
    };
    const [ours, written] = await alternate(rounds, signal, perSecond(bench.interpreted), perSecond(bench.written));
    const row = pair(`${parallel} in parallel, ${kind}, workflows a second`, ours, written);
    rows.push({ ...row, unit: '/s', goal: { ratio: goals.throughput, least: true } });
  }
  return rows;
}

/** From the confirmed save of the request to the step, through the engine as doors use it. */
async function measureLaunch(bench: Bench, satchel: Satchel, rounds: number, signal: AbortSignal): Promise<Row> {
  await satchel.repository.withSession(adminUser, async (session) => {
    const model = '/apps/settings/workflow/models/bench/launch';
    await session.ensureNode(model, { primaryType: 'satchel:WorkflowModel' });
    const properties = { step: benchStep.id, local: false };
    await session.addNode(`${model}/only`, { primaryType: 'satchel:WorkflowStep', properties });
    await session.save();
  });
  const launch = async () => {
    const order = { model: 'bench/launch', payload: '/content/dam', initiator: adminUser };
    const { id } = await satchel.engine.launch(order);
    const saved = performance.now();
    const at = await firstStep(id);
    for await (const _ of satchel.engine.follow(adminUser, id, signal));
    return at - saved;
  };
  const [ours, written] = await alternate(rounds * 5, signal, launch, () => bench.startBare());
  return {
    ...pair('request saved → first step runs; a bare eager start', ours, written),
    goal: { ratio: goals.launch },
  };
}

interface History {
  readonly events: number;
  readonly bytes: number;
  readonly chunks: number;
  readonly seconds: number;
}

/** The real download model: 500 images, each rendered, and a mail. */
async function measureHistory({ repository, engine }: Satchel, signal: AbortSignal): Promise<History> {
  const root = '/content/dam/bench-history';
  const user = 'bench';
  await repository.withSession(adminUser, async (session) => {
    await createUser(session, { id: user, email: 'bench@example.com', groups: [groups.damUsers] });
    await session.ensureNode(root, { primaryType: 'sling:OrderedFolder' });
    for (let index = 0; index < downloadAssets; index++) {
      const color = { r: index % 256, g: Math.floor(index / 256), b: 100 };
      const image = await sharp({ create: { width: 64, height: 64, channels: 3, background: color } })
        .png()
        .toBuffer();
      const binary = await session.createBinary(image);
      await createAsset(session, root, `image-${String(index).padStart(3, '0')}.png`, { binary });
    }
    await session.save();
  });
  const started = performance.now();
  const { id } = await engine.requestDownload(user, {
    paths: [root],
    dynamic: [{ width: 32, height: 32, format: 'webp' }],
  });
  let state: string | undefined;
  for await (const view of engine.follow(user, id, signal)) state = view.state;
  if (state !== 'completed') throw new Error(`the download is ${state ?? 'gone'}`);
  const seconds = (performance.now() - started) / 1000;
  const connection = await connectTemporal({ address: engine.temporal().address ?? '' });
  try {
    const handle = new Client({ connection }).workflow.getHandle(id);
    const { historyLength, historySize } = await handle.describe();
    const { events } = await handle.fetchHistory();
    const chunks = (events ?? []).filter(({ activityTaskScheduledEventAttributes: scheduled }) =>
      scheduled?.activityType?.name?.startsWith('dam/render@'),
    ).length;
    return { events: historyLength, bytes: historySize ?? 0, chunks, seconds };
  } finally {
    await connection.close();
  }
}

/** What one side gave in each round, and the processor time of this process meanwhile. */
interface Samples {
  readonly values: readonly number[];
  readonly cpu: readonly number[];
}

/** All sides in turns, each round in the opposite order of the last, after two rounds that warm up. */
async function alternate<const Sides extends readonly (() => Promise<number>)[]>(
  rounds: number,
  signal: AbortSignal,
  ...sides: Sides
): Promise<{ [Side in keyof Sides]: Samples }> {
  const samples = sides.map(() => ({ values: [] as number[], cpu: [] as number[] }));
  for (let round = -2; round < rounds; round++) {
    const turns = [...sides.entries()];
    for (const [index, side] of round % 2 === 0 ? turns : turns.reverse()) {
      signal.throwIfAborted();
      const before = process.cpuUsage();
      const value = await side();
      const { user, system } = process.cpuUsage(before);
      if (round < 0) continue;
      samples[index]?.values.push(value);
      samples[index]?.cpu.push(user + system);
    }
  }
  return samples as { [Side in keyof Sides]: Samples };
}

async function time(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function pair(work: string, ours: Samples, written: Samples): Row {
  return {
    work,
    ours: median(ours.values),
    written: median(written.values),
    unit: ' ms',
    ratio: medianRatio(ours.values, written.values),
    cpu: medianRatio(ours.cpu, written.cpu),
  };
}

/** Of what followed one another: what else the machine did then fell on both. */
function medianRatio(ours: readonly number[], written: readonly number[]): number {
  return median(ours.map((value, round) => value / (written[round] ?? NaN)));
}

function print(rows: readonly Row[], rounds: number): void {
  console.log(`engine: the interpreter against hand-written code with the same activities; ${rounds} rounds, medians`);
  const cells = rows.map(({ work, ours, written, unit, ratio, cpu, goal }) => [
    work,
    `${ours.toFixed(unit === ' ms' ? 2 : 1)}${unit}`,
    `${written.toFixed(unit === ' ms' ? 2 : 1)}${unit}`,
    ratio.toFixed(2),
    goal ? `${goal.least ? '≥' : '≤'} ${goal.ratio}` : '–',
    goal ? met(goal.least ? ratio >= goal.ratio : ratio <= goal.ratio) : '–',
    cpu.toFixed(2),
  ]);
  console.log(formatTable([['', 'interpreter', 'by hand', 'ratio', 'goal', 'met', 'processor time'], ...cells]));
  console.log(
    'ratios are medians of rounds; processor time is that of both sides’ process, without the Temporal server',
  );
}

function printHistory({ events, bytes, chunks, seconds }: History): void {
  const kilobytes = bytes / 1024;
  console.log(
    `history of a download of ${downloadAssets} assets, each rendered in ${chunks} chunks, one mail (${seconds.toFixed(1)} s): ` +
      `${events} events (goal ≤ ${goals.events}: ${met(events <= goals.events)}), ` +
      `${kilobytes.toFixed(0)} KB (goal ≤ ${goals.kilobytes}: ${met(kilobytes <= goals.kilobytes)})`,
  );
}

function met(yes: boolean): string {
  return yes ? 'yes' : 'no';
}
