/**
 * Workflows of all kinds while processes are killed (SIGKILL) and the Temporal server is killed and started again, twice. All complete;
 * every step ran at least once and became visible once; every request became one workflow.
 *
 * 20 workflows on LevelDB, whose one process is killed. SATCHEL_CHAOS=1: 200 there, and 200 on PostgreSQL, with three workers of which one
 * after another is killed. SATCHEL_SEED=n repeats the moments of a run.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { instancesRoot, requestsRoot } from '../../activities/satchel/request-node.js';
import { openSatchel } from '../../compose.js';
import type { JobSummary } from '../../engine/api.js';
import { startEmbeddedServer } from '../../engine/temporal/embedded-server.js';
import { findProcesses } from '../../engine/temporal/find-process.js';
import { findTemporalBinary } from '../../engine/temporal/find-temporal-binary.js';
import { installTemporalRuntime } from '../../engine/temporal/install-runtime.js';
import { adminUser, type Session } from '../../repository/api.js';
import { postgresServer, stopPostgresServer } from '../support/postgres-server.js';
import { chance } from './support/chance.js';
import { createRecorder, keysOf, mixOf, saveRequests, visibleKeys, type Recorder } from './support/recording-steps.js';
import { startChild, type SatchelChild } from './support/satchel-child.js';
import { createSatchelWorld, killTemporalServer } from './support/satchel-world.js';

const long = process.env['SATCHEL_CHAOS'] === '1';
const seed = Number(process.env['SATCHEL_SEED'] ?? '1');
const count = long ? 200 : 20;
/** No step fails for good because it was killed often. */
const maximumAttempts = 100;

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

type Blow = 'process' | 'temporal';

/** What happens, in order, each once so many steps were begun: spread over the first four fifths of the work. */
function planBlows(processes: number, steps: number): { readonly blow: Blow; readonly after: number }[] {
  const temporalAt = new Set([Math.floor(processes / 3), Math.floor((processes * 2) / 3) + 1]);
  const order = Array.from({ length: processes + 2 }, (_, index): Blow =>
    temporalAt.has(index) ? 'temporal' : 'process',
  );
  const slice = (steps * 0.8) / order.length;
  return order.map((blow, index) => ({
    blow,
    after: chance(seed, `blow ${index}`, Math.ceil(slice * index) + 1, Math.floor(slice * (index + 1))),
  }));
}

/** Deals one blow after another, each when its moment has come. */
async function dealBlows(
  recorder: Recorder,
  blows: ReturnType<typeof planBlows>,
  deal: Readonly<Record<Blow, (index: number) => Promise<void>>>,
): Promise<void> {
  for (const [index, { blow, after }] of blows.entries()) {
    await until(`${after} executions`, async () => (await recorder.executions()).length >= after);
    await deal[blow](index);
  }
}

async function until(what: string, reached: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + (long ? 900_000 : 120_000);
  while (!(await reached())) {
    if (Date.now() > deadline) throw new Error(`There was no ${what} in time.`);
    await wait(50);
  }
}

const allEnded = (jobs: readonly JobSummary[]) =>
  jobs.length === count && jobs.every(({ state }) => state !== 'queued' && state !== 'running');

interface Left {
  readonly ids: readonly string[];
  readonly visible: readonly string[];
  readonly executions: readonly string[];
  /** Ids of all workflow runs that Temporal knows. */
  readonly launched: readonly string[];
  /** States of the instance records, and requests that are still open. */
  readonly states: readonly string[];
  readonly open: number;
}

function expectNothingLostOrDoubled({ ids, visible, executions, launched, states, open }: Left): void {
  expect(states).toEqual(Array(count).fill('completed'));
  expect(open).toBe(0);
  expect([...launched].sort()).toEqual([...ids].sort());
  const models = mixOf(count);
  const expected = ids.flatMap((id, index) => keysOf(id, models[index] ?? 'record/remote')).sort();
  expect([...visible].sort()).toEqual(expected);
  expect([...new Set(executions)].sort()).toEqual(expected);
  console.log(
    `chaos, seed ${seed}: ${count} workflows, ${expected.length} steps, ${executions.length} executions, ${launched.length} launches`,
  );
}

async function readRecords(session: Session): Promise<Pick<Left, 'visible' | 'states' | 'open'>> {
  const states: string[] = [];
  for await (const node of session.children(instancesRoot)) states.push(node.text('state') ?? '');
  let open = 0;
  for await (const _ of session.children(requestsRoot)) open++;
  return { visible: await visibleKeys(session), states, open };
}

async function launchedRuns(address: string): Promise<string[]> {
  const connection = await Connection.connect({ address });
  try {
    const ids: string[] = [];
    for await (const { workflowId } of new Client({ connection }).workflow.list()) ids.push(workflowId);
    return ids;
  } finally {
    await connection.close();
  }
}

describe('the one process of a LevelDB is killed, and Temporal with it or alone', () => {
  it(
    `${count} workflows complete, no step or launch is lost or doubled (SATCHEL_SEED=${seed})`,
    async () => {
      const world = await createSatchelWorld();
      cleanups.push(() => world.close());
      const recorder = await createRecorder(path.join(world.folder, 'recorder'), { ms: 150, maximumAttempts });
      await mkdir(world.dataFolder);
      await writeFile(path.join(world.dataFolder, 'satchel.json'), JSON.stringify({ plugins: [recorder.plugin] }));
      const models = mixOf(count);
      const ids = await saveRequests(world.dataFolder, models);
      const steps = ids.flatMap((id, index) => keysOf(id, models[index] ?? 'record/remote')).length;

      const start = async () => {
        const started = await startChild(world.dataFolder, ['start', '--port', '0']);
        cleanups.push(started.kill);
        return started;
      };
      let child = await start();
      await dealBlows(recorder, planBlows(long ? 8 : 2, steps), {
        process: async () => {
          await child.kill();
          child = await start();
        },
        temporal: async () => {
          const database = `--db-filename ${path.join(world.dataFolder, 'temporal.db')} `;
          await killTemporalServer(world.dataFolder);
          await until(
            'end of the server',
            async () => (await findProcesses('server start-dev', database)).length === 0,
          );
          await until('new server', async () => (await findProcesses('server start-dev', database)).length > 0);
        },
      });
      const limit = ['--limit', String(count)];
      await until('end of all workflows', async () => {
        const { jobs } = (await world.satchel.json(['jobs', 'list', ...limit])) as { readonly jobs: JobSummary[] };
        return allEnded(jobs);
      });
      const launched = await launchedRuns(String(child.facts['temporal']));
      child.process.kill('SIGTERM');
      await child.ended;
      const records = await world.readRepository(readRecords);
      expectNothingLostOrDoubled({ ids, ...records, executions: await recorder.executions(), launched });
    },
    long ? 1_800_000 : 240_000,
  );
});

describe.runIf(long)('three workers over PostgreSQL are killed at random, and their Temporal server', () => {
  it(`${count} workflows complete, no step or launch is lost or doubled (SATCHEL_SEED=${seed})`, async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'satchel-chaos-'));
    cleanups.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const { url } = await postgresServer();
    cleanups.push(stopPostgresServer);
    installTemporalRuntime(pino({ level: 'silent' }));
    const binary = (await findTemporalBinary()).path;
    const temporalFolder = path.join(folder, 'temporal');
    await mkdir(temporalFolder);
    let server = await startEmbeddedServer({ dataFolder: temporalFolder, binary });
    cleanups.push(() => server.stop());
    const { address } = server;

    const recorder = await createRecorder(path.join(folder, 'recorder'), { ms: 150, maximumAttempts });
    const blobs = path.join(folder, 'blobs');
    const configuration = {
      plugins: [recorder.plugin],
      temporal: { address },
      repository: { postgres: { url }, blobs },
    };
    const dataFolderOf = async (name: string) => {
      const dataFolder = path.join(folder, name);
      await mkdir(dataFolder);
      await writeFile(path.join(dataFolder, 'satchel.json'), JSON.stringify(configuration));
      return dataFolder;
    };
    const own = await dataFolderOf('own');
    const models = mixOf(count);
    const ids = await saveRequests(own, models);
    const steps = ids.flatMap((id, index) => keysOf(id, models[index] ?? 'record/remote')).length;

    const commands = [['worker'], ['worker', '--queue', 'light'], ['worker', '--queue', 'heavy']];
    const places = await Promise.all(commands.map((_, index) => dataFolderOf(`worker-${index}`)));
    const workers: SatchelChild[] = [];
    const start = async (index: number) => {
      const started = await startChild(places[index] ?? '', commands[index] ?? []);
      cleanups.push(started.kill);
      workers[index] = started;
    };
    await Promise.all(commands.map((_, index) => start(index)));
    await dealBlows(recorder, planBlows(8, steps), {
      process: async (blow) => {
        const index = chance(seed, `worker of blow ${blow}`, 0, commands.length - 1);
        await workers[index]?.kill();
        await start(index);
      },
      temporal: async () => {
        process.kill(server.pid, 'SIGKILL');
        await until('end of the server', async () => !(await server.isRunning()));
        server = await startEmbeddedServer({ dataFolder: temporalFolder, binary });
        expect(server.address).toBe(address);
      },
    });
    const satchel = await openSatchel({
      dataFolder: own,
      mode: 'command',
      work: false,
      log: pino({ level: 'silent' }),
    });
    try {
      await until('end of all workflows', async () => allEnded(await satchel.engine.jobs(adminUser, { limit: count })));
      const records = await satchel.repository.withSession({ service: 'workflow' }, readRecords);
      const launched = await launchedRuns(address);
      expectNothingLostOrDoubled({ ids, ...records, executions: await recorder.executions(), launched });
    } finally {
      await satchel.close();
    }
  }, 1_800_000);
});
