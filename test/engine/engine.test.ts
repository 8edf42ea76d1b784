import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineStep } from '../../activities/define-step.js';
import { instancesRoot, requestsRoot } from '../../activities/satchel/request-node.js';
import type { Engine, JobView } from '../../engine/api.js';
import { grant } from '../../repository/access/policy.js';
import { adminUser } from '../../repository/api.js';
import { names } from '../../workflows/contract/model.js';
import { useTemporalServer } from '../support/temporal.js';
import { gate } from '../workflows/interpreter-world.js';
import { createWorld, type World } from './engine-world.js';

const server = useTemporalServer();
let world: World;
let engine: Engine;

/** A step that a test holds until it lets it go, or until it is cancelled. */
const reached = gate();
const released = gate();
const waitStep = defineStep({
  id: 'test/wait',
  title: 'Wait',
  description: 'Waits until the test says go.',
  config: z.strictObject({}),
  result: z.null(),
  examples: [],
  run: async ({ signal, progress }) => {
    progress({ files: { done: 3, total: 7 }, message: 'three of seven' });
    reached.open();
    await new Promise<void>((resolve, reject) => {
      void released.opened.then(resolve);
      signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
    return null;
  },
});

async function finalView(of: Engine, user: string, id: string): Promise<JobView> {
  let last: JobView | undefined;
  for await (const view of of.follow(user, id, new AbortController().signal)) last = view;
  if (!last) throw new Error('followed nothing');
  return last;
}

async function addModel(id: string, properties: Record<string, string | boolean>, step: string): Promise<void> {
  await world.repository.withSession(adminUser, async (session) => {
    const path = `/apps/settings/workflow/models/${id}`;
    await session.ensureNode(path, { primaryType: 'satchel:WorkflowModel', properties });
    await session.addNode(`${path}/only`, { primaryType: 'satchel:WorkflowStep', properties: { step } });
    await session.save();
  });
}

beforeAll(async () => {
  world = await createWorld([waitStep]);
  await world.addAsset('/content/dam/plain/one.txt', 'one');
  await world.addAsset('/content/dam/plain/two.txt', 'two');
  engine = await world.createEngine({ address: server().address });
}, 240_000);

afterAll(async () => {
  released.open();
  await engine.close();
  await world.close();
});

describe('requests while Temporal is away', () => {
  it('are kept, survive the process, and become one workflow each once it is there', async () => {
    const before = await world.createEngine({ address: '127.0.0.1:1' });
    const ids: string[] = [];
    for (let count = 0; count < 5; count++) {
      const job = await before.requestDownload('ada', { paths: ['/content/dam/plain'], notify: false });
      expect(job.state).toBe('queued');
      ids.push(job.id);
    }
    await before.start({ wait: false });
    const waiting = await before.job('ada', ids[0] ?? '');
    expect(waiting).toMatchObject({ state: 'queued', waiting: true });
    expect(waiting.steps.map(({ state }) => state)).toEqual(Array(5).fill('waiting'));
    await before.close();

    // One was launched, and the process died before it could note it.
    const connection = await Connection.connect({ address: server().address });
    const client = new Client({ connection });
    const [first = ''] = ids;
    const pinned = await world.repository.withSession(adminUser, async (session) => {
      const binary = (await session.getNode(`${requestsRoot}/${first}`)).binary('pinned');
      return binary ? (JSON.parse(Buffer.from(await session.readBinary(binary)).toString()) as unknown) : undefined;
    });
    const input = {
      model: pinned,
      request: `${requestsRoot}/${first}`,
      payload: `/var/dam/downloads/${first}`,
      tenant: 'global',
      initiator: 'ada',
    };
    await client.workflow.start('dam/download-asset', { workflowId: first, taskQueue: names.taskQueue, args: [input] });

    await engine.start();
    expect(engine.temporal()).toMatchObject({ state: 'connected', embedded: false });
    for (const id of ids) expect((await finalView(engine, 'ada', id)).state).toBe('completed');
    for (const id of ids) {
      const runs = [];
      for await (const run of client.workflow.list({ query: `WorkflowId = "${id}"` })) runs.push(run.runId);
      expect(runs).toHaveLength(1);
    }
    await connection.close();
  });
});

describe('a download', () => {
  it('runs the model’s steps, keeps an instance record and mails the requester', async () => {
    const job = await engine.requestDownload('ada', { paths: ['/content/dam/plain'], name: 'plain' });
    const view = await finalView(engine, 'ada', job.id);
    expect(view).toMatchObject({ state: 'completed', model: 'dam/download-asset', tenant: 'global', waiting: false });
    expect(view.steps.map(({ id, state, layer }) => [id, state, layer])).toEqual(
      ['dam/plan-download', 'dam/render', 'dam/package', 'dam/deliver', 'notify/email'].map((id) => [
        id,
        'completed',
        '/libs',
      ]),
    );
    expect(view.archives?.parts.map(({ file, entries }) => [file, entries.length])).toEqual([['plain.zip', 3]]);
    expect(view.mails).toMatchObject([{ to: 'ada@example.com', state: 'sent', locale: 'en' }]);
    await world.repository.withSession(adminUser, async (session) => {
      const [request, instance] = await session.findNodes([`${requestsRoot}/${job.id}`, `${instancesRoot}/${job.id}`]);
      expect(request).toBeUndefined();
      expect(instance?.text('state')).toBe('completed');
      expect((await session.getNode(job.payload)).text('state')).toBe('completed');
    });
  });

  it('is seen by its requester and administrators only', async () => {
    const job = await engine.requestDownload('ada', { paths: ['/content/dam/plain'], notify: false });
    await finalView(engine, 'ada', job.id);
    expect((await engine.jobs('ada', { limit: 1 })).map(({ id }) => id)).toEqual([job.id]);
    expect(await engine.jobs('bob')).toEqual([]);
    expect((await engine.jobs(adminUser, { limit: 100 })).map(({ id }) => id)).toContain(job.id);
    await expect(engine.job('bob', job.id)).rejects.toMatchObject({ code: 'UNKNOWN_JOB' });
    await expect(engine.cancel('bob', job.id)).rejects.toMatchObject({ code: 'UNKNOWN_JOB' });
    await expect(engine.job('ada', '../x')).rejects.toMatchObject({ code: 'UNKNOWN_JOB' });
  });

  it.each([
    { user: 'ada', input: { paths: [] }, code: 'INVALID_REQUEST' },
    { user: 'ada', input: { paths: ['/content/dam/none'] }, code: 'PATH_NOT_FOUND' },
    { user: 'eve', input: { paths: ['/content/dam/plain'] }, code: 'PATH_NOT_FOUND' },
    { user: 'nobody', input: { paths: ['/content/dam/plain'] }, code: 'UNKNOWN_USER' },
    {
      user: 'ada',
      input: { paths: ['/content/dam/plain'], email: ['eve@example.com'] },
      code: 'RECIPIENT_NOT_ALLOWED',
    },
    { user: 'ada', input: { paths: ['/content/dam/plain'], tenant: 'nowhere' }, code: 'UNKNOWN_TENANT' },
    {
      user: 'ada',
      input: { paths: ['/content/dam/plain'], originals: false, renditions: ['x*'] },
      code: 'NOTHING_SELECTED',
    },
  ])('is refused with $code before anything is saved: $user asks for $input', async ({ user, input, code }) => {
    const before = await engine.jobs(adminUser, { limit: 1000 });
    await expect(engine.requestDownload(user, input)).rejects.toMatchObject({ code });
    expect(await engine.jobs(adminUser, { limit: 1000 })).toEqual(before);
  });

  it('is refused to who may read the assets but not launch the workflow', async () => {
    await world.repository.withSession(adminUser, async (session) => {
      await grant(session, '/content/dam', 'eve', ['jcr:read']);
      await session.save();
    });
    await expect(engine.planDownload('eve', { paths: ['/content/dam/plain'] })).resolves.toMatchObject({
      totals: { assets: 2 },
    });
    await expect(engine.requestDownload('eve', { paths: ['/content/dam/plain'] })).rejects.toMatchObject({
      code: 'NOT_ALLOWED',
      message: expect.stringContaining('satchel:launchWorkflow') as string,
    });
  });
});

describe('a running workflow', () => {
  it('shows what its step reports, and is cancelled', async () => {
    await addModel('test/waiting', { 'jcr:title': 'Waiting' }, 'test/wait');
    const job = await engine.launch({ model: 'test/waiting', payload: '/content/dam/plain', initiator: adminUser });
    await reached.opened;
    const seen: JobView[] = [];
    let cancelled = false;
    for await (const view of engine.follow(adminUser, job.id, new AbortController().signal)) {
      seen.push(view);
      if (!cancelled && view.steps[0]?.progress) {
        expect(view).toMatchObject({ state: 'running', title: 'Waiting' });
        expect(view.steps[0].progress).toEqual({ files: { done: 3, total: 7 }, message: 'three of seven' });
        cancelled = true;
        await engine.cancel(adminUser, job.id);
      }
    }
    expect(seen.at(-1)).toMatchObject({ state: 'cancelled', steps: [{ state: 'cancelled' }] });
  });

  it('that waits for Temporal is cancelled at once, and is never started', async () => {
    const away = await world.createEngine({ address: '127.0.0.1:1' });
    const job = await away.requestDownload('ada', { paths: ['/content/dam/plain'] });
    await away.cancel('ada', job.id);
    expect(await away.job('ada', job.id)).toMatchObject({ state: 'cancelled', waiting: false });
    await away.close();
    const marker = await engine.requestDownload('ada', { paths: ['/content/dam/plain'], notify: false });
    await finalView(engine, 'ada', marker.id);
    const connection = await Connection.connect({ address: server().address });
    await expect(new Client({ connection }).workflow.getHandle(job.id).describe()).rejects.toThrow();
    await connection.close();
  });
});

describe('a transient workflow', () => {
  it('mails how it ended, and leaves neither request nor instance', async () => {
    const job = await engine.launch({
      model: 'dam/update-renditions',
      payload: '/content/dam/plain',
      initiator: 'ada',
    });
    const view = await finalView(engine, 'ada', job.id);
    expect(view).toMatchObject({ state: 'completed', model: 'dam/update-renditions' });
    const gone = async () =>
      world.repository.withSession(adminUser, async (session) =>
        (await session.findNodes([`${requestsRoot}/${job.id}`, `${instancesRoot}/${job.id}`])).every((node) => !node),
      );
    await expect.poll(gone, { timeout: 20_000 }).toBe(true);
    const [newest] = await world.mailbox.list({ limit: 1 });
    expect(newest).toMatchObject({
      to: ['ada@example.com'],
      subject: expect.stringContaining('Update renditions') as string,
    });
    expect((await engine.jobs(adminUser)).map(({ id }) => id)).not.toContain(job.id);
  });

  it('mails in failure too', async () => {
    await addModel('test/failing', { 'jcr:title': 'Failing', transient: true }, 'dam/package');
    const job = await engine
      .launch({ model: 'test/failing', payload: '/content/dam/plain', initiator: 'ada' })
      .catch((error: unknown) => error);
    // Only administrators may launch what nobody granted.
    expect(job).toMatchObject({ code: 'NOT_ALLOWED' });
    await world.repository.withSession(adminUser, async (session) => {
      await grant(session, '/apps/settings/workflow/models', 'ada', ['satchel:launchWorkflow', 'jcr:read']);
      await session.save();
    });
    const mailsBefore = (await world.mailbox.list()).length;
    const launched = await engine.launch({ model: 'test/failing', payload: '/content/dam/plain', initiator: 'ada' });
    const view = await finalView(engine, 'ada', launched.id);
    expect(view).toMatchObject({ state: 'failed', error: { step: 'only' } });
    await expect.poll(async () => (await world.mailbox.list()).length, { timeout: 20_000 }).toBe(mailsBefore + 1);
  });
});
