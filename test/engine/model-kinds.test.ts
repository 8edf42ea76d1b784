import { describe, expect, it } from 'vitest';
import type { PinnedNode } from '../../workflows/contract/model.js';
import {
  and,
  branch,
  container,
  external,
  goto,
  model,
  modelRoot,
  modelWorld,
  or,
  participant,
  step,
  type Tree,
} from './model-world.js';

const everything = model({
  first: step({ step: 'test/plain', compensate: step({ step: 'test/quick' }), onError: 'compensate', queue: 'heavy' }),
  both: and({
    left: branch({ render: step({ step: 'test/plain' }) }),
    right: branch({ 'jcr:title': 'Right', mail: step({ step: 'notify/email', config: { template: 'x' } }) }),
  }),
  approval: or({
    onError: 'continue',
    yes: branch({ condition: 'metadata.approved', package: step({ step: 'test/sized', config: { width: 3 } }) }),
    no: branch({ tell: step({ step: 'test/plain' }) }),
  }),
  again: goto({ target: 'first', condition: 'visits.again < 2', maximum: 3 }),
  ask: participant({ assignee: 'dam-users', 'jcr:description': 'Look at it', dueSeconds: 60, notify: false }),
  inner: container({ model: 'test/inner' }),
  wait: external({ timeoutSeconds: 30, start: step({ step: 'test/plain' }) }),
});
const inner = model({ 'jcr:title': 'Inner', only: step({ step: 'test/plain' }) });

const paths = (nodes: readonly PinnedNode[]): string[] =>
  nodes.flatMap((node) => [
    node.name,
    ...(node.kind === 'and' || node.kind === 'or'
      ? node.branches.flatMap(({ name, steps }) => [name, ...paths(steps)])
      : []),
  ]);

const load = async (overlays: Readonly<Record<string, Tree>> = {}) => {
  const world = await modelWorld({
    [`${modelRoot}/test/model`]: everything,
    [`${modelRoot}/test/inner`]: inner,
    ...overlays,
  });
  return world.examine('test/model');
};
const overlay = '/conf/aurora/settings/workflow/models/test/model';

describe('a model of all kinds', () => {
  it('is pinned as a tree, each node named by its path', async () => {
    const { model: pinned, problems, warnings } = await load();
    expect([...problems, ...warnings]).toEqual([]);
    expect(paths(pinned.steps)).toEqual([
      ...['first', 'both', 'both/left', 'both/left/render', 'both/right', 'both/right/mail'],
      ...['approval', 'approval/yes', 'approval/yes/package', 'approval/no', 'approval/no/tell'],
      ...['again', 'ask', 'inner', 'wait'],
    ]);
    const [first, both, approval, again, ask, contained, wait] = pinned.steps;
    const layer = '/libs';
    expect(first).toMatchObject({
      onError: 'compensate',
      queue: 'heavy',
      compensation: { name: 'first/compensate', id: 'test/quick', local: true },
    });
    expect(both).toMatchObject({
      kind: 'and',
      title: 'both',
      layer,
      branches: [{ title: 'left' }, { title: 'Right' }],
    });
    expect(approval).toMatchObject({
      kind: 'or',
      onError: 'continue',
      branches: [{ condition: 'metadata.approved', steps: [{ config: { width: 3 } }] }, { name: 'approval/no' }],
    });
    expect(again).toEqual({
      kind: 'goto',
      name: 'again',
      title: 'again',
      layer,
      target: 'first',
      condition: 'visits.again < 2',
      maximum: 3,
    });
    expect(ask).toEqual({
      kind: 'participant',
      name: 'ask',
      title: 'ask',
      layer,
      assignee: 'dam-users',
      description: 'Look at it',
      dueSeconds: 60,
      notify: false,
    });
    expect(contained).toMatchObject({ kind: 'container', model: { id: 'test/inner', title: 'Inner' } });
    expect(wait).toMatchObject({
      kind: 'external',
      timeoutSeconds: 30,
      start: { name: 'wait/start', id: 'test/plain' },
    });
  });

  it('has the defaults of its kinds', async () => {
    const world = await modelWorld({
      [`${modelRoot}/test/model`]: model({
        a: step({ step: 'test/plain' }),
        again: goto({ target: 'a' }),
        ask: participant({ assignee: 'admin' }),
        wait: external({}),
      }),
    });
    const [, again, ask, wait] = (await world.examine('test/model')).model.steps;
    expect(again).toMatchObject({ maximum: 10 });
    expect(ask).toMatchObject({ notify: true, description: '' });
    expect(wait).toMatchObject({ timeoutSeconds: 86_400 });
  });

  it('lets a tenant add, hide and reorder in a branch, and change one property of a node without saying what it is', async () => {
    const { model: pinned, problems } = await load({
      [overlay]: {
        approval: {
          yes: {
            check: { step: 'test/quick', 'sling:orderBefore': 'package' },
            package: { config: { width: 5 } },
          },
          no: { 'sling:hideResource': true },
        },
        again: { maximum: 7 },
        first: { 'sling:hideChildren': ['compensate'] },
      },
    });
    expect(problems).toEqual([]);
    expect(paths(pinned.steps).filter((name) => name.startsWith('approval'))).toEqual([
      ...['approval', 'approval/yes', 'approval/yes/check', 'approval/yes/package'],
    ]);
    expect(pinned.steps[0]).not.toHaveProperty('compensation');
    expect(pinned.steps[2]).toMatchObject({
      layer: '/libs',
      branches: [{ steps: [{ id: 'test/quick', layer: '/conf/aurora' }, { config: { width: 5 } }] }],
    });
    expect(pinned.steps[3]).toMatchObject({ kind: 'goto', maximum: 7, layer: '/libs' });
  });

  it('takes the kind from the topmost layer that says one', async () => {
    const { model: pinned, problems } = await load({
      [overlay]: {
        ask: { 'jcr:primaryType': 'satchel:WorkflowStep', step: 'test/plain', 'sling:hideProperties': ['*', '!step'] },
      },
    });
    expect(problems).toEqual([]);
    expect(pinned.steps[4]).toMatchObject({ name: 'ask', id: 'test/plain', layer: '/conf/aurora' });
  });

  it('blames the layer that says what is wrong', async () => {
    const { problems } = await load({
      [overlay]: { again: { maximum: 0 }, approval: { yes: { package: { config: { width: 'wide' } } } } },
    });
    expect(problems).toMatchObject([
      { kind: 'wrong-configuration', path: `${overlay}/approval/yes/package` },
      { kind: 'wrong-value', path: `${overlay}/again` },
    ]);
  });
});
