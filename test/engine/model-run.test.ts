/** Models of content run as they say, on a real Temporal server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineStep } from '../../activities/define-step.js';
import type { Engine, JobView } from '../../engine/api.js';
import { adminUser } from '../../repository/api.js';
import { useTemporalServer } from '../support/temporal.js';
import { createWorld, type World } from './engine-world.js';
import { addTree, branch, container, goto, model, or, step, type Tree } from './model-world.js';

const server = useTemporalServer();
let world: World;
let engine: Engine;

/** Counts in the metadata how often it ran. */
const countStep = defineStep({
  id: 'test/count',
  title: 'Count',
  description: 'Counts in the metadata.',
  config: z.strictObject({}),
  result: z.strictObject({ count: z.int() }),
  examples: [],
  run: ({ metadata, setMetadata }) => {
    const count = Number(metadata['count'] ?? 0) + 1;
    setMetadata('count', count);
    return Promise.resolve({ count });
  },
});

const payload = '/content/dam/plain/one.txt';
const count = step({ step: 'test/count' });

beforeAll(async () => {
  world = await createWorld([countStep]);
  await world.addAsset(payload, 'one');
  engine = await world.createEngine({ address: server().address });
  await engine.start();
}, 240_000);

afterAll(async () => {
  await engine.close();
  await world.close();
});

async function run(path: string, tree: Tree, id: string): Promise<JobView> {
  await world.repository.withSession(adminUser, async (session) => {
    await addTree(session, path, tree);
    await session.save();
  });
  const { id: job } = await engine.launch({ model: id, payload, initiator: adminUser });
  let last: JobView | undefined;
  for await (const view of engine.follow(adminUser, job, new AbortController().signal)) last = view;
  if (!last) throw new Error('followed nothing');
  return last;
}
const states = ({ steps }: JobView) => Object.fromEntries(steps.map(({ name, state }) => [name, state]));

describe('a model of content', () => {
  it('takes the way that its conditions say, over the payload, the metadata, results and visits', async () => {
    const tree = model({
      first: count,
      again: goto({
        target: 'first',
        condition: 'visits.first < 3 && results.first.count == metadata.count',
        maximum: 9,
      }),
      decision: or({
        none: branch({ condition: 'metadata.count > 3', never: count }),
        asset: branch({ condition: 'payload.type == "dam:Asset" && payload.path.endsWith("one.txt")', inside: count }),
        other: branch({ never: count }),
      }),
      inner: container({ model: 'test/inner' }),
    });
    await world.repository.withSession(adminUser, async (session) => {
      await addTree(session, '/apps/settings/workflow/models/test/inner', model({ only: count }));
      await session.save();
    });
    const view = await run('/apps/settings/workflow/models/test/ways', tree, 'test/ways');
    expect(view.state).toBe('completed');
    expect(states(view)).toEqual({
      first: 'completed',
      again: 'completed',
      decision: 'completed',
      'decision/none/never': 'skipped',
      'decision/asset/inside': 'completed',
      'decision/other/never': 'skipped',
      inner: 'completed',
    });
    expect(view.steps.find(({ name }) => name === 'decision/asset/inside')).toMatchObject({ result: { count: 4 } });
  });

  it('ends with a code that names the node when a condition cannot be answered', async () => {
    const tree = model({ decision: or({ yes: branch({ condition: 'metadata.missing', never: count }) }) });
    const view = await run('/apps/settings/workflow/models/test/unanswered', tree, 'test/unanswered');
    expect(view.state).toBe('failed');
    expect(view.steps[0]?.error).toMatchObject({
      code: 'CONDITION_FAILED',
      message: expect.stringContaining('of test/unanswered/decision failed: there is no "missing"') as string,
    });
  });

  it('of AEM runs its processes, its loop and its split', async () => {
    const process = { type: 'PROCESS', metaData: { PROCESS: 'test/count' } };
    const tree: Tree = {
      'jcr:primaryType': 'cq:WorkflowModel',
      title: 'Classic',
      nodes: {
        node0: { type: 'START' },
        node1: process,
        node2: { type: 'OR_SPLIT' },
        node3: { type: 'AND_SPLIT' },
        node4: process,
        node5: process,
        node6: { type: 'AND_JOIN' },
        node7: { type: 'END' },
      },
      transitions: {
        a: { from: 'node0', to: 'node1' },
        b: { from: 'node1', to: 'node2' },
        c: { from: 'node2', to: 'node1', rule: 'function check(){\n  return true;\n}' },
        d: { from: 'node2', to: 'node3', rule: 'function check(){\n  return true;\n}' },
        e: { from: 'node3', to: 'node4' },
        f: { from: 'node3', to: 'node5' },
        g: { from: 'node4', to: 'node6' },
        h: { from: 'node5', to: 'node6' },
        i: { from: 'node6', to: 'node7' },
      },
    };
    const view = await run('/var/workflow/models/acme/classic', tree, '/var/workflow/models/acme/classic');
    expect(view).toMatchObject({ state: 'completed', model: 'acme/classic', title: expect.anything() as unknown });
    expect(new Set(Object.values(states(view)))).toEqual(new Set(['completed']));
    // Once, and as often again as a transition back may be taken.
    expect(view.steps.find(({ name }) => name === 'node1')).toMatchObject({ result: { count: 11 } });
  });
});
