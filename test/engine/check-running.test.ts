import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../engine/api.js';
import { compareModels } from '../../engine/instances/compare-models.js';
import { adminUser } from '../../repository/api.js';
import type { PinnedNode, StepRecord } from '../../workflows/contract/model.js';
import { initialRecords } from '../../workflows/contract/step-records.js';
import { useTemporalServer } from '../support/temporal.js';
import { createWorld, type World } from './engine-world.js';
import { addTree, model, participant, step } from './model-world.js';
import { stepOf } from './pinned-jobs.js';

const one = (name: string, config = {}) => stepOf(name, 'test/one', { config });
const goto = (name: string, target: string): PinnedNode => ({
  kind: 'goto',
  name,
  title: name,
  layer: '/libs',
  target,
  maximum: 3,
});
const or = (name: string, ...steps: readonly PinnedNode[]): PinnedNode => ({
  kind: 'or',
  name,
  title: name,
  layer: '/libs',
  branches: [{ name: `${name}/yes`, title: 'yes', layer: '/libs', steps, condition: 'metadata.yes' }],
});

const compare = (
  pinned: readonly PinnedNode[],
  current: readonly PinnedNode[],
  reached: Record<string, StepRecord['state']>,
) =>
  compareModels(
    { steps: pinned },
    { steps: current },
    initialRecords({ steps: pinned }).map((record) => ({ ...record, state: reached[record.name] ?? 'waiting' })),
  ).map(({ node, change, place }) => `${node} ${change} ${place}`);

describe('a pinned model against the one of today', () => {
  const abc = [one('a'), one('b'), one('c')];
  const atB = { a: 'completed', b: 'running' } as const;

  it.each<{ says: string; now: readonly PinnedNode[]; expected: readonly string[] }>([
    {
      says: 'nothing of equal ones, whichever layer placed them',
      now: abc.map((node) => ({ ...node, layer: '/conf/x' })),
      expected: [],
    },
    { says: 'what changed behind it', now: [one('a', { x: 1 }), one('b'), one('c')], expected: ['a changed behind'] },
    {
      says: 'what changed where it is: that has begun',
      now: [one('a'), one('b', { x: 1 }), one('c')],
      expected: ['b changed behind'],
    },
    { says: 'what changed ahead', now: [one('a'), one('b'), one('c', { x: 1 })], expected: ['c changed ahead'] },
    { says: 'what was removed', now: [one('b')], expected: ['a removed behind', 'c removed ahead'] },
    {
      says: 'what was added',
      now: [one('n'), one('a'), one('b'), one('m'), one('c')],
      expected: ['n added behind', 'm added ahead'],
    },
    { says: 'another order', now: [one('a'), one('c'), one('b')], expected: ['b changed behind', 'c changed ahead'] },
  ])('says $says', ({ now, expected }) => {
    expect(compare(abc, now, atB)).toEqual(expected);
  });

  it('knows that a goto ahead leads back', () => {
    const loop = [one('a'), one('b'), goto('again', 'a'), one('c')];
    const changed = [one('a', { x: 1 }), one('b'), goto('again', 'a'), one('c')];
    expect(compare(loop, changed, atB)).toEqual(['a changed ahead']);
    expect(compare(loop, changed, { a: 'completed', b: 'completed', again: 'completed' })).toEqual([
      'a changed behind',
    ]);
  });

  it('looks into branches, which are behind with their split', () => {
    const [before, after] = [[or('o', one('o/yes/x'))], [or('o', one('o/yes/x', { y: 1 }))]];
    expect(compare(before, after, {})).toEqual(['o/yes/x changed ahead']);
    expect(compare(before, after, { o: 'running', 'o/yes/x': 'running' })).toEqual(['o/yes/x changed behind']);
    expect(compare(before, after, { o: 'completed', 'o/yes/x': 'skipped' })).toEqual(['o/yes/x changed behind']);
  });
});

describe('running workflows', () => {
  const server = useTemporalServer();
  let world: World;
  let engine: Engine;
  const path = '/apps/settings/workflow/models/test/asking';

  beforeAll(async () => {
    world = await createWorld();
    await world.addAsset('/content/dam/plain/one.txt', 'one');
    await world.repository.withSession(adminUser, async (session) => {
      const last = step({ step: 'dam/generate-renditions' });
      await addTree(session, path, model({ ask: participant({ assignee: 'bob', notify: false }), last }));
      await session.save();
    });
    engine = await world.createEngine({ address: server().address });
    await engine.start();
  }, 240_000);
  afterAll(async () => {
    await engine.close();
    await world.close();
  });

  const check = async () =>
    (await engine.checkRunning(adminUser, { model: 'test/asking' })).map(({ id, verdict, differences }) => ({
      id,
      verdict,
      nodes: differences.map(({ node, place }) => `${node} ${place}`),
    }));
  const change = (node: string, properties: Record<string, string>) =>
    world.repository.withSession(adminUser, async (session) => {
      await session.setProperties(`${path}/${node}`, properties);
      await session.save();
    });

  it('are told from the model of today, each by where it is', async () => {
    const job = await engine.launch({ model: 'test/asking', payload: '/content/dam/plain', initiator: adminUser });
    const asked = async () => (await engine.job(adminUser, job.id)).steps[0]?.state;
    await expect.poll(asked, { timeout: 20_000 }).toBe('running');
    expect(await check()).toEqual([{ id: job.id, verdict: 'same', nodes: [] }]);
    await change('ask', { 'jcr:title': 'Ask again' });
    expect(await check()).toEqual([{ id: job.id, verdict: 'behind', nodes: ['ask behind'] }]);
    await change('last', { 'jcr:title': 'Other' });
    expect(await check()).toEqual([{ id: job.id, verdict: 'ahead', nodes: ['ask behind', 'last ahead'] }]);
    await change('last', { step: 'test/none' });
    const [broken] = await engine.checkRunning(adminUser, { model: 'test/asking' });
    expect(broken).toMatchObject({ verdict: 'model gone', problem: expect.stringContaining('test/none') as string });
    await expect(engine.checkRunning('ada', { model: 'test/asking' })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await engine.terminate(adminUser, job.id);
    expect(await check()).toEqual([]);
  });
});
