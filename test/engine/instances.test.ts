import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineStep } from '../../activities/define-step.js';
import { findRecord, readLaunchers } from '../../activities/satchel/request-node.js';
import type { Engine } from '../../engine/api.js';
import { createJobReader } from '../../engine/jobs.js';
import { grant } from '../../repository/access/policy.js';
import { adminUser } from '../../repository/api.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { useTemporalServer } from '../support/temporal.js';
import { gate } from '../workflows/interpreter-world.js';
import { createWorld, type World } from './engine-world.js';
import { finalView, launchPinned, modelOf, stepOf } from './pinned-jobs.js';

const server = useTemporalServer();
let world: World;
let engine: Engine;

/** Every run of a counting step: its node and idempotency key. */
const runs: { readonly step: string; readonly key: string; readonly job: string }[] = [];
const stepsOf = (job: string) => runs.filter((run) => run.job === job).map(({ step }) => step);
const failing = new Set<string>();
/** Steps of which part fails alone. */
const missing = new Set<string>();
const held = new Map<string, ReturnType<typeof gate>>();
const reached = new Map<string, ReturnType<typeof gate>>();

/** Runs once; fails for as long as the test says so, or waits until it lets it go. */
const countStep = defineStep({
  id: 'test/count',
  title: 'Count',
  description: 'Counts how often it runs.',
  config: z.strictObject({ hold: z.string().optional() }),
  result: z.strictObject({ step: z.string() }),
  examples: [],
  run: async ({ config, step, idempotencyKey, workflow, signal, partial }) => {
    runs.push({ step: step.name, key: idempotencyKey, job: workflow.id });
    if (missing.has(step.name)) partial();
    if (failing.has(step.name)) throw new SatchelError('IMAGE_UNREADABLE', `${step.name} cannot.`);
    if (config.hold !== undefined) {
      reached.get(config.hold)?.open();
      await Promise.race([
        held.get(config.hold)?.opened,
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
      ]);
    }
    return { step: step.name };
  },
});

/** What a step was given as metadata. */
const seen: unknown[] = [];
const readStep = defineStep({
  id: 'test/read-metadata',
  title: 'Read',
  description: 'Reads the metadata map.',
  config: z.strictObject({}),
  result: z.null(),
  examples: [],
  run: async ({ metadataValue, workflow }) => {
    seen.push({ small: await metadataValue('small'), large: await metadataValue('large'), map: workflow.metadata });
    return null;
  },
});

function hold(name: string): void {
  held.set(name, gate());
  reached.set(name, gate());
}

beforeAll(async () => {
  world = await createWorld([countStep, readStep]);
  await world.addAsset('/content/dam/plain/one.txt', 'one');
  await world.repository.withSession(adminUser, async (session) => {
    const path = '/apps/settings/workflow/models/test/reading';
    await session.ensureNode(path, { primaryType: 'satchel:WorkflowModel' });
    await session.addNode(`${path}/read`, {
      primaryType: 'satchel:WorkflowStep',
      properties: { step: 'test/read-metadata' },
    });
    await grant(session, path, 'ada', ['jcr:read', 'satchel:launchWorkflow']);
    await session.save();
  });
  engine = await world.createEngine({ address: server().address });
  await engine.start();
}, 240_000);

afterAll(async () => {
  for (const waiting of held.values()) waiting.open();
  await engine.close();
  await world.close();
});

describe('a launch', () => {
  const reading = { model: 'test/reading', payload: '/content/dam/plain', initiator: 'ada' };
  const large = 'ä'.repeat(3000);

  it('takes metadata, large values by reference, and a comment', async () => {
    const job = await engine.launch({ ...reading, metadata: { small: 1, large }, comment: 'please' });
    const view = await finalView(engine, 'ada', job.id);
    expect(view).toMatchObject({ state: 'completed', comments: [{ by: 'ada', text: 'please' }] });
    expect(view.metadata['small']).toBe(1);
    expect(JSON.stringify(view.metadata)).not.toContain(large);
    expect(seen.pop()).toMatchObject({ small: 1, large, map: { small: 1 } });

    await engine.comment('ada', job.id, 'thank you');
    await expect(engine.comment('bob', job.id, 'hm')).rejects.toMatchObject({ code: 'UNKNOWN_JOB' });
    await expect(engine.comment('ada', job.id, '')).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    expect((await engine.job('ada', job.id)).comments.map(({ text }) => text)).toEqual(['please', 'thank you']);

    const again = await engine.rerun(adminUser, job.id);
    expect(again).toMatchObject({ initiator: 'ada', model: 'test/reading' });
    expect(await finalView(engine, 'ada', again.id)).toMatchObject({ state: 'completed', rerunOf: job.id });
    expect(seen.pop()).toMatchObject({ small: 1, large });
  });

  it.each([
    { metadata: { '1st': true }, problem: 'a name that conditions cannot speak of' },
    {
      metadata: Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`n${index}`, 'x'.repeat(150)])),
      problem: 'too much',
    },
    { metadata: { huge: 'x'.repeat(5 * 2 ** 20) }, problem: 'a value that is too large' },
  ])('is refused with $problem', async ({ metadata }) => {
    await expect(engine.launch({ ...reading, metadata })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });
});

describe('a paused workflow', () => {
  it('starts no further step until it is resumed', async () => {
    hold('pause');
    const steps = [stepOf('first', 'test/count', { config: { hold: 'pause' } }), stepOf('second', 'test/count')];
    const id = await launchPinned(world, engine, modelOf('test/two', steps));
    await reached.get('pause')?.opened;
    await expect(engine.pause('bob', id)).rejects.toMatchObject({ code: 'UNKNOWN_JOB' });
    await engine.pause('ada', id);
    expect((await engine.listJobs('ada', { state: 'paused' })).jobs.map((job) => job.id)).toEqual([id]);
    held.get('pause')?.open();
    const first = async () => (await engine.job('ada', id)).steps[0]?.state;
    await expect.poll(first, { timeout: 20_000 }).toBe('completed');
    expect(await engine.job('ada', id)).toMatchObject({
      state: 'running',
      paused: true,
      steps: [{}, { state: 'waiting' }],
    });
    expect(stepsOf(id)).toEqual(['first']);
    await engine.resume('ada', id);
    const view = await finalView(engine, 'ada', id);
    expect(view.state).toBe('completed');
    expect(view.paused).toBeUndefined();
    expect(stepsOf(id)).toEqual(['first', 'second']);
    await expect(engine.pause('ada', id)).rejects.toMatchObject({ code: 'JOB_ENDED' });
    expect((await engine.listJobs('ada', { state: 'paused' })).jobs).toEqual([]);
  });
});

describe('a retry', () => {
  const steps = ['one', 'two', 'three'].map((name) => stepOf(name, 'test/count'));

  it('goes on where the workflow failed: what completed is not run again, and the keys are the same', async () => {
    failing.add('two');
    const id = await launchPinned(world, engine, modelOf('test/three', steps), { metadata: { kept: 'yes' } });
    expect(await finalView(engine, 'ada', id)).toMatchObject({ state: 'failed', error: { step: 'two' } });
    failing.delete('two');
    await expect(engine.retry('bob', id)).rejects.toMatchObject({ code: 'UNKNOWN_JOB' });

    const retries = await Promise.allSettled([engine.retry('ada', id), engine.retry('ada', id)]);
    const [retried, ...others] = retries.flatMap((retry) => (retry.status === 'fulfilled' ? [retry.value] : []));
    expect(others).toEqual([]);
    expect(retries.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'NOT_RETRYABLE' } });
    const view = await finalView(engine, 'ada', retried?.id ?? '');
    expect(view).toMatchObject({ state: 'completed', retryOf: id, metadata: { kept: 'yes' } });
    expect(view.steps.map(({ state, result }) => [state, result])).toEqual(
      steps.map(({ name }) => ['completed', { step: name }]),
    );
    expect(stepsOf(id)).toEqual(['one', 'two']);
    expect(stepsOf(view.id)).toEqual(['two', 'three']);
    const [first, second] = runs.filter(({ step, job }) => step === 'two' && [id, view.id].includes(job));
    expect(second?.key).toBe(first?.key);
    expect((await engine.job('ada', id)).retriedAs).toBe(view.id);
    await expect(engine.retry('ada', view.id)).rejects.toMatchObject({ code: 'NOT_RETRYABLE' });
  });

  it('ends in part, as what completed in part is not run again', async () => {
    missing.add('one');
    failing.add('two');
    const id = await launchPinned(world, engine, modelOf('test/three', steps));
    expect(await finalView(engine, 'ada', id)).toMatchObject({ state: 'failed', steps: [{ partial: true }, {}, {}] });
    failing.delete('two');
    missing.delete('one');
    const { id: next } = await engine.retry('ada', id);
    expect(await finalView(engine, 'ada', next)).toMatchObject({ state: 'partial' });
  });

  it('is of the launchers that led to the first run, as a rerun is', async () => {
    failing.add('two');
    const model = modelOf('test/three', steps);
    const id = await launchPinned(world, engine, model, { launchers: ['on-upload'] });
    await finalView(engine, 'ada', id);
    const { id: next } = await engine.retry('ada', id);
    await finalView(engine, 'ada', next);
    failing.delete('two');
    await world.repository.withSession(adminUser, async (session) => {
      const record = await findRecord(session, next);
      expect(await readLaunchers(session, record?.path ?? '')).toEqual(['on-upload']);
    });
  });

  it('of a retry that failed keeps the keys of the first run', async () => {
    failing.add('three');
    const id = await launchPinned(world, engine, modelOf('test/three', steps));
    await finalView(engine, 'ada', id);
    const second = await engine.retry('ada', id);
    expect((await finalView(engine, 'ada', second.id)).state).toBe('failed');
    failing.delete('three');
    const third = await engine.retry('ada', second.id);
    expect((await finalView(engine, 'ada', third.id)).state).toBe('completed');
    const keys = [id, second.id, third.id].map((job) => runs.findLast((run) => run.job === job)?.key);
    expect(new Set(keys).size).toBe(1);
    expect(stepsOf(third.id)).toEqual(['three']);
  });

  it('is refused for what runs, and for transient workflows, which keep nothing to go on from', async () => {
    hold('running');
    const running = [stepOf('only', 'test/count', { config: { hold: 'running' } })];
    const id = await launchPinned(world, engine, modelOf('test/running', running));
    await reached.get('running')?.opened;
    await expect(engine.retry('ada', id)).rejects.toMatchObject({ code: 'NOT_RETRYABLE' });
    held.get('running')?.open();
    await finalView(engine, 'ada', id);

    hold('transient');
    const transient = modelOf('test/transient', [stepOf('only', 'test/count', { config: { hold: 'transient' } })], {
      transient: true,
    });
    const second = await launchPinned(world, engine, transient);
    await reached.get('transient')?.opened;
    await expect(engine.retry('ada', second)).rejects.toMatchObject({
      code: 'NOT_RETRYABLE',
      message: expect.stringContaining('transient') as string,
    });
    held.get('transient')?.open();
  });
});

describe('a rerun of a download', () => {
  it('is a new download of the same request, under the rights of today', async () => {
    const job = await engine.requestDownload('ada', { paths: ['/content/dam/plain'], name: 'plain', notify: false });
    await finalView(engine, 'ada', job.id);
    const again = await engine.rerun('ada', job.id);
    expect(again.payload).not.toBe(job.payload);
    const view = await finalView(engine, 'ada', again.id);
    expect(view).toMatchObject({ state: 'completed', rerunOf: job.id });
    expect(view.archives?.parts.map(({ file }) => file)).toEqual(['plain.zip']);
  });
});

describe('what is outside', () => {
  const external = { kind: 'external', name: 'agency', title: 'Agency', layer: '/libs', timeoutSeconds: 600 } as const;

  it('answers once, from its initiator or an administrator', async () => {
    const id = await launchPinned(world, engine, modelOf('test/outside', [external]));
    const waiting = async () => (await engine.job('ada', id)).steps[0]?.state;
    await expect.poll(waiting, { timeout: 20_000 }).toBe('running');
    const answer = { step: 'agency', result: { accepted: true } };
    await expect(engine.completeExternal('bob', id, answer)).rejects.toMatchObject({ code: 'UNKNOWN_JOB' });
    await expect(engine.completeExternal('ada', id, { step: 'nothing' })).rejects.toMatchObject({
      code: 'UNKNOWN_WORK_ITEM',
    });
    await engine.completeExternal('ada', id, answer);
    const view = await finalView(engine, 'ada', id);
    expect(view.steps[0]).toMatchObject({ state: 'completed', result: { accepted: true } });
    await expect(engine.completeExternal('ada', id, answer)).rejects.toMatchObject({ code: 'NOT_WAITING' });
  });
});

describe('a container', () => {
  it('is shown with what it ran, in one record', async () => {
    const inner = modelOf('test/inner', [stepOf('deep', 'test/count')]);
    const box = { kind: 'container', name: 'box', title: 'Box', layer: '/libs', model: inner } as const;
    const id = await launchPinned(world, engine, modelOf('test/outer', [box, stepOf('after', 'test/count')]));
    const view = await finalView(engine, 'ada', id);
    expect(view).toMatchObject({ state: 'completed', steps: [{ state: 'completed' }, { state: 'completed' }] });
    expect(view.children[view.steps[0]?.child ?? '']).toMatchObject([{ name: 'deep', state: 'completed' }]);
    expect((await engine.listJobs('ada', { model: 'test/inner' })).jobs).toEqual([]);
  });

  it('keeps what it ran in the record, whatever Temporal still knows', async () => {
    failing.add('deeper');
    const inner = modelOf('test/inner', [stepOf('deeper', 'test/count')]);
    const middle = modelOf('test/middle', [
      { kind: 'container', name: 'inner box', title: 'Box', layer: '/libs', model: inner },
    ]);
    const box = { kind: 'container', name: 'box', title: 'Box', layer: '/libs', model: middle } as const;
    const id = await launchPinned(world, engine, modelOf('test/outer', [box]));
    expect((await finalView(engine, 'ada', id)).state).toBe('failed');
    failing.delete('deeper');
    const away = createJobReader({ repository: world.repository, client: () => undefined });
    const { children, steps } = await away.job('ada', id);
    expect(Object.keys(children)).toEqual([`${id}/box`, `${id}/box/inner box`]);
    expect(children[steps[0]?.child ?? '']).toMatchObject([{ name: 'inner box', state: 'failed' }]);
    expect(children[`${id}/box/inner box`]).toMatchObject([
      { name: 'deeper', state: 'failed', error: { code: 'IMAGE_UNREADABLE' } },
    ]);
  });
});
