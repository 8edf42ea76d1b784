/** Task queues and encryption, on a real server that several engines share, as processes do. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { Context } from '@temporalio/activity';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineStep } from '../../activities/define-step.js';
import { openSatchel } from '../../compose.js';
import type { Engine, JobView } from '../../engine/api.js';
import type { Queue } from '../../engine/configuration.js';
import { parseEncryptionKeys, type EncryptionKey } from '../../engine/temporal/encryption-key.js';
import { stepsAtOnce } from '../../engine/worker.js';
import { adminUser } from '../../repository/api.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { names } from '../../workflows/contract/model.js';
import { useTemporalServer } from '../support/temporal.js';
import { gate } from '../workflows/interpreter-world.js';
import { createWorld, type World } from './engine-world.js';

const server = useTemporalServer();
const secret = 'ada.secret@example.com';

/** Answers the queue it ran on. */
const queueStep = (name: string, queue?: 'heavy') =>
  defineStep({
    id: `test/${name}`,
    title: name,
    description: 'Answers its queue.',
    config: z.strictObject({}),
    result: z.strictObject({ queue: z.string() }),
    ...(queue && { queue }),
    examples: [],
    run: () => Promise.resolve({ queue: Context.current().info.taskQueue }),
  });

let reached = gate();
let released = gate();
/** Tells a secret in its progress, its result and, when it is told to, in its failure. */
const tellStep = defineStep({
  id: 'test/tell',
  title: 'Tell',
  description: 'Reports, waits until the test says go, then answers or fails.',
  config: z.strictObject({ fail: z.boolean().default(false) }),
  result: z.strictObject({ told: z.string() }),
  examples: [],
  async run({ config, progress, signal }) {
    progress({ message: `mail for ${secret}` });
    reached.open();
    await new Promise<void>((resolve, reject) => {
      void released.opened.then(resolve);
      signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
    if (config.fail) throw new SatchelError('MAIL_REJECTED', `${secret} was refused`);
    return { told: secret };
  },
});

let world: World;
let connection: Connection;
const engines = new Set<Engine>();

beforeAll(async () => {
  world = await createWorld([queueStep('light'), queueStep('heavy', 'heavy'), tellStep]);
  await world.addAsset('/content/dam/plain/one.txt', 'one');
  await addModel('test/queues', [{ step: 'test/light' }, { step: 'test/heavy' }]);
  await addModel('test/telling', [{ step: 'test/tell' }]);
  await addModel('test/failing', [{ step: 'test/tell', fail: true }]);
  connection = await Connection.connect({ address: server().address });
}, 240_000);

afterAll(async () => {
  released.open();
  for (const engine of [...engines]) await close(engine);
  await connection.close();
  await world.close();
});

async function addModel(id: string, steps: readonly { step: string; fail?: boolean }[]): Promise<void> {
  await world.repository.withSession(adminUser, async (session) => {
    const path = `/apps/settings/workflow/models/${id}`;
    await session.ensureNode(path, { primaryType: 'satchel:WorkflowModel', properties: { 'jcr:title': 'Test' } });
    for (const [index, { step, fail }] of steps.entries()) {
      const node = `${path}/step-${index}`;
      await session.addNode(node, { primaryType: 'satchel:WorkflowStep', properties: { step } });
      if (fail) await session.addNode(`${node}/config`, { properties: { fail } });
    }
    await session.save();
  });
}

async function open(options: { queues?: Queue[]; keys?: readonly EncryptionKey[] }): Promise<Engine> {
  const engine = await world.createEngine(
    { address: server().address, ...(options.keys && { encryptionKey: options.keys }) },
    { queues: options.queues ?? ['light', 'heavy'], drainSeconds: 0 },
  );
  engines.add(engine);
  return engine;
}

async function close(engine: Engine): Promise<void> {
  engines.delete(engine);
  await engine.close();
}

async function launch(engine: Engine, model: string): Promise<string> {
  return (await engine.launch({ model, payload: '/content/dam/plain', initiator: adminUser })).id;
}

async function views(engine: Engine, id: string): Promise<JobView[]> {
  const seen: JobView[] = [];
  for await (const view of engine.follow(adminUser, id, new AbortController().signal)) seen.push(view);
  return seen;
}

const queuesOf = (view: JobView | undefined) => view?.steps.map(({ result }) => (result as { queue: string }).queue);

describe('task queues', () => {
  it('are both worked on by one process, unless it is told otherwise', async () => {
    const engine = await open({});
    await engine.start();
    const view = (await views(engine, await launch(engine, 'test/queues'))).at(-1);
    expect(queuesOf(view)).toEqual([names.taskQueue, names.heavyTaskQueue]);
    await close(engine);
  });

  it('may have processes of their own: a heavy step waits for one that works on these', async () => {
    const light = await open({ queues: ['light'] });
    await light.start();
    const id = await launch(light, 'test/queues');
    await expect
      .poll(async () => (await light.job(adminUser, id)).steps.map(({ state }) => state), { timeout: 20_000 })
      .toEqual(['completed', 'running']);
    const pending = await new Client({ connection }).workflow.getHandle(id).describe();
    expect(pending.raw.pendingActivities?.map(({ lastWorkerIdentity }) => lastWorkerIdentity)).toEqual(['']);

    const heavy = await open({ queues: ['heavy'] });
    await heavy.start();
    expect(queuesOf((await views(light, id)).at(-1))).toEqual([names.taskQueue, names.heavyTaskQueue]);
    await close(heavy);
    await close(light);
  });

  it('take as many steps at once as the configuration says, else by the number of CPUs', () => {
    expect(stepsAtOnce({}, 1)).toEqual({ light: 8, heavy: 2 });
    expect(stepsAtOnce({}, 16)).toEqual({ light: 64, heavy: 16 });
    expect(stepsAtOnce({ lightSteps: 3, heavySteps: 1 }, 16)).toEqual({ light: 3, heavy: 1 });
  });
});

describe('a request', () => {
  it('that a process saved which does not work is launched by one that does', async () => {
    const working = await open({});
    await working.start();
    const resting = await open({});
    const id = await launch(resting, 'test/queues');
    expect((await views(working, id)).at(-1)?.state).toBe('completed');
    await close(resting);
    await close(working);
  });
});

describe('a worker of its own', () => {
  it('is refused where it could share its work with nobody', async () => {
    const dataFolder = join(world.folder, 'alone');
    const log = pino({ level: 'silent' });
    await expect(openSatchel({ dataFolder, mode: 'worker', work: true, log })).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining('repository.postgres.url') as string,
    });
  });
});

describe('encryption', () => {
  const [older, newer] = [newKeys(), newKeys()];

  it('keeps everything but search attributes from who reads the server, and from no person with the right', async () => {
    const engine = await open({ keys: older });
    await engine.start();
    [reached, released] = [gate(), gate()];
    const id = await launch(engine, 'test/failing');
    await reached.opened;
    await expect
      .poll(async () => (await engine.job(adminUser, id)).steps[0]?.progress, { timeout: 20_000 })
      .toEqual({ message: `mail for ${secret}` });
    const handle = new Client({ connection }).workflow.getHandle(id);
    expect(holdsSecret((await handle.describe()).raw)).toBe(false);
    released.open();
    const view = (await views(engine, id)).at(-1);
    expect(view).toMatchObject({
      state: 'failed',
      error: { code: 'MAIL_REJECTED', message: `${secret} was refused`, step: 'step-0' },
    });
    const description = await handle.describe();
    expect(description.raw.workflowExecutionInfo?.searchAttributes?.indexedFields).toHaveProperty(
      names.searchAttributes.payload,
    );
    const history = await handle.fetchHistory();
    expect(holds(history, 'test/failing')).toBe(true);
    expect(holdsSecret(history)).toBe(false);
    const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
    expect(holds(started?.input, '/content/dam/plain')).toBe(false);
    await close(engine);
  });

  it('lets keys be replaced while workflows run, and refuses to work without the one they need', async () => {
    const before = await open({ keys: older });
    await before.start();
    [reached, released] = [gate(), gate()];
    const id = await launch(before, 'test/telling');
    await reached.opened;
    await close(before);

    for (const keys of [newer, undefined]) {
      const wrong = await open(keys ? { keys } : {});
      await expect(wrong.start()).rejects.toMatchObject({
        code: 'NOT_DECRYPTED',
        message: expect.stringMatching(
          new RegExp(`Workflow ${id} was encrypted with key ${older[0]?.id ?? ''}`),
        ) as string,
      });
      expect(wrong.temporal()).toMatchObject({ state: 'stopped' });
      await close(wrong);
    }

    const after = await open({ keys: [...newer, ...older] });
    await after.start();
    released.open();
    expect((await views(after, id)).at(-1)).toMatchObject({
      state: 'completed',
      steps: [{ result: { told: secret } }],
    });
    await close(after);
  });
});

function newKeys(): readonly EncryptionKey[] {
  const keys = parseEncryptionKeys(randomBytes(32).toString('base64'));
  if (typeof keys === 'string') throw new Error(keys);
  return keys;
}

const holdsSecret = (value: unknown) => holds(value, secret);

/** Whether a text is anywhere in it, also in bytes. */
function holds(value: unknown, text: string): boolean {
  if (typeof value === 'string') return value.includes(text);
  if (value instanceof Uint8Array) return Buffer.from(value).includes(text);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some((inner) => holds(inner, text));
}
