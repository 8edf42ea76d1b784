/** A simulation does what the workflow would do, and leaves no trace. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineStep } from '../../activities/define-step.js';
import type { Engine, SimulatedStep, SimulationOrder } from '../../engine/api.js';
import { adminUser, groups } from '../../repository/api.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { createWorld, type World } from './engine-world.js';
import {
  addTree,
  and,
  branch,
  container,
  external,
  goto,
  model,
  or,
  participant,
  step,
  type Tree,
} from './model-world.js';

let world: World;
let engine: Engine;
const ran: string[] = [];

const writeStep = defineStep({
  id: 'test/write',
  title: 'Write',
  description: 'Writes below the content, and reads what was written before.',
  config: z.strictObject({ name: z.string() }),
  result: z.strictObject({ siblings: z.number() }),
  simulated: true,
  examples: [],
  run: async ({ config, session }) => {
    const open = await session();
    let siblings = 0;
    for await (const _ of open.children('/content/dam/plain')) siblings++;
    await open.addNode(`/content/dam/plain/${config.name}`);
    await open.save();
    return { siblings };
  },
});
const failStep = defineStep({
  id: 'test/fail',
  title: 'Fail',
  description: 'Fails.',
  config: z.strictObject({}),
  result: z.null(),
  simulated: true,
  examples: [],
  run: () => Promise.reject(new SatchelError('IMAGE_UNREADABLE', 'No picture.')),
});
const outsideStep = defineStep({
  id: 'test/outside',
  title: 'Call somebody',
  description: 'Acts outside.',
  config: z.strictObject({}),
  result: z.null(),
  examples: [],
  run: async ({ workflow }) => {
    ran.push(workflow.id);
    return null;
  },
});

beforeAll(async () => {
  world = await createWorld([writeStep, failStep, outsideStep]);
  await world.addAsset('/content/dam/plain/one.txt', 'one');
  await world.addAsset('/content/dam/plain/two.txt', 'two, which is longer');
  engine = await world.createEngine({ address: '127.0.0.1:1' });
}, 240_000);

afterAll(async () => {
  await engine.close();
  await world.close();
});

/** Everything a simulation could leave behind. */
async function traces() {
  const blobs: string[] = [];
  for await (const { sha256 } of world.repository.blobs.list()) blobs.push(sha256);
  return { head: await world.repository.head(), blobs: blobs.sort(), mails: await world.mailbox.list() };
}

async function withoutTrace<T>(work: () => Promise<T>): Promise<T> {
  const before = await traces();
  const answer = await work();
  expect(await traces()).toEqual(before);
  return answer;
}

const simulate = (model: string, more: Partial<SimulationOrder> = {}) =>
  withoutTrace(() => engine.simulate({ model, payload: '/content/dam/plain', initiator: adminUser, ...more }));

async function addModel(id: string, tree: Tree): Promise<void> {
  await world.repository.withSession(adminUser, async (session) => {
    await addTree(session, `/apps/settings/workflow/models/${id}`, model(tree));
    await session.save();
  });
}

const write = (name: string) => step({ step: 'test/write', config: { name } });
const short = ({ name, state, note }: SimulatedStep) => `${name} ${state}${note === undefined ? '' : `: ${note}`}`;

describe('a simulated download', () => {
  it('plans, packs and composes its mail, and nothing of it stays', async () => {
    const simulation = await simulate('dam/download-asset', { initiator: 'ada' });
    expect(simulation.outcome).toEqual({ state: 'completed' });
    expect(simulation.steps.map(({ id, state }) => [id, state])).toEqual(
      ['dam/plan-download', 'dam/render', 'dam/package', 'dam/deliver', 'notify/email'].map((id) => [id, 'completed']),
    );
    const [, , packed, , mailed] = simulation.steps;
    expect(packed?.archives).toMatchObject([{ file: 'plain.zip', files: 2 }]);
    expect(mailed?.mails).toMatchObject([{ to: 'ada@example.com', locale: 'en' }]);
    // What a person may not read is counted, and not named.
    expect(packed?.changes).toEqual([]);
    expect(packed?.changesInAll).toBeGreaterThan(0);
    const asAdmin = await simulate('dam/download-asset');
    expect(asAdmin.steps[2]?.changes).toContainEqual({
      path: expect.stringMatching(/^\/var\/dam\/downloads\/.*\/archives$/) as string,
      change: 'added',
    });
  });

  it('of an earlier one writes into no folder, and says so', async () => {
    const outFolder = join(world.folder, 'out');
    const job = await engine.requestDownload('ada', { paths: ['/content/dam/plain'], outFolder, notify: false });
    const simulation = await simulate('dam/download-asset', { initiator: 'ada', payload: job.payload });
    expect(simulation.outcome.state).toBe('completed');
    expect(simulation.notes).toEqual([expect.stringContaining(outFolder)]);
    await expect(stat(outFolder)).rejects.toThrow();
    await engine.cancel('ada', job.id);
  });

  it.each([
    { initiator: 'eve', model: 'dam/download-asset', payload: '/content/dam/plain', code: 'PATH_NOT_FOUND' },
    { initiator: 'ada', model: 'dam/none', payload: '/content/dam/plain', code: 'UNKNOWN_MODEL' },
    { initiator: 'ada', model: 'dam/update-renditions', payload: '/content/dam/none', code: 'PATH_NOT_FOUND' },
    { initiator: 'nobody', model: 'dam/update-renditions', payload: '/content/dam/plain', code: 'UNKNOWN_USER' },
  ])('is refused as a launch is: $code', async ({ code, ...order }) => {
    await withoutTrace(() => expect(engine.simulate(order)).rejects.toMatchObject({ code }));
  });
});

describe('a simulated model', () => {
  it('sees what its steps before wrote, in branches, loops and containers', async () => {
    await addModel('test/inner', { deep: write('deep') });
    await addModel('test/all', {
      first: write('first'),
      both: and({ left: branch({ l: write('l') }), right: branch({ r: write('r') }) }),
      ask: participant({ assignee: groups.damUsers }),
      decide: or({
        yes: branch({ condition: 'metadata.approved', y: write('y') }),
        no: branch({ n: write('n') }),
      }),
      again: goto({ target: 'again2', condition: 'visits.again < 1', maximum: 2 }),
      passed: write('passed'),
      again2: step({ step: 'test/outside' }),
      box: container({ model: 'test/inner' }),
      agency: external({ timeoutSeconds: 30 }),
    });
    const order = { answers: { ask: { approved: true }, agency: { accepted: 1 } } };
    const simulation = await simulate('test/all', order);
    expect(simulation.steps.map(short)).toEqual([
      'first completed',
      'both completed: all branches, here one after the other',
      'both/left/l completed',
      'both/right/r completed',
      'ask assumed: is given to dam-users: completed with {"approved":true}',
      'decide completed: takes decide/yes, as metadata.approved',
      'decide/no/n skipped',
      'decide/yes/y completed',
      'again completed: goes to again2',
      'again2 assumed: was not run: it does not say that all it does goes through what it is given ("simulated")',
      'box completed: runs test/inner',
      'box/deep completed',
      'agency assumed: is answered with {"accepted":1}',
      'passed not reached',
    ]);
    const written = simulation.steps.filter(({ id, state }) => id === 'test/write' && state === 'completed');
    expect(written.map(({ result }) => (result as { siblings: number }).siblings)).toEqual([2, 3, 4, 5, 6]);
    expect(written[0]?.changes).toEqual([{ path: '/content/dam/plain/first', change: 'added' }]);
    expect(ran).toEqual([]);
    const asked = simulation.steps.find(({ name }) => name === 'ask');
    expect(asked?.mails.map(({ to }) => to).sort()).toEqual(['ada@example.com', 'bob@example.com']);
    expect(simulation.metadata).toEqual({ approved: true });
    const other = await simulate('test/all', { metadata: { approved: false } });
    expect(other.steps.map(({ name }) => name)).toContain('decide/no/n');
    expect(other.steps.find(({ name }) => name === 'decide/yes/y')?.state).toBe('skipped');
  });

  it('that would fail says where and why, and what is not reached', async () => {
    await addModel('test/fails', { a: write('a'), b: step({ step: 'test/fail' }), c: write('c') });
    const simulation = await simulate('test/fails');
    expect(simulation.outcome).toEqual({
      state: 'failed',
      code: 'IMAGE_UNREADABLE',
      message: 'No picture.',
      step: 'b',
    });
    expect(simulation.steps.map(short)).toEqual(['a completed', 'b failed', 'c not reached']);
  });

  it('goes on where its model says so', async () => {
    await addModel('test/goes-on', { b: step({ step: 'test/fail', onError: 'continue' }), c: write('c') });
    const simulation = await simulate('test/goes-on');
    expect(simulation.outcome).toEqual({ state: 'partial' });
    expect(simulation.steps.map(short)).toEqual(['b failed', 'c completed']);
  });

  it('takes answers only for what asks', async () => {
    await addModel('test/plain', { a: write('a') });
    const asked = engine.simulate({
      model: 'test/plain',
      payload: '/content/dam/plain',
      initiator: adminUser,
      answers: { a: { x: 1 } },
    });
    await expect(asked).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining('"a"') as string,
    });
  });
});
