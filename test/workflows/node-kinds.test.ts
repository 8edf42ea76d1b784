import { ApplicationFailure, Context } from '@temporalio/activity';
import { WorkflowUpdateFailedError, WorkflowUpdateStage, type WorkflowHandle } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import type {
  ConditionInput,
  ExternalOrder,
  JsonObject,
  PinnedModel,
  PinnedNode,
  StepInput,
  WorkflowState,
  WorkItemInput,
  WorkItemOrder,
} from '../../workflows/contract/model.js';
import { names } from '../../workflows/contract/model.js';
import {
  and,
  branch,
  done,
  gate,
  goTo,
  local,
  model,
  or,
  participant,
  step,
  useInterpreter,
  type StepFunction,
} from './interpreter-world.js';

const { run, client } = useInterpreter();

/** Steps that remember the order they ran in; those named in `broken` fail. */
function trail(broken: readonly string[] = []) {
  const ran: string[] = [];
  const inputs: StepInput[] = [];
  const any: StepFunction = (input) => {
    const { name, visit } = input.step;
    ran.push(visit === undefined ? name : `${name}~${visit}`);
    inputs.push(input);
    return broken.includes(name)
      ? Promise.reject(ApplicationFailure.nonRetryable(`${name} broke`, 'IMAGE_UNREADABLE'))
      : Promise.resolve({ result: { of: name }, partial: false });
  };
  return { ran, inputs, steps: { 'test/any@1': any } };
}

const untilCancelled: StepFunction = async () => {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), 50);
  try {
    return await context.cancelled;
  } finally {
    clearInterval(timer);
  }
};

const statesOf = ({ steps }: Pick<WorkflowState, 'steps'>) =>
  Object.fromEntries(steps.map(({ name, state }) => [name, state]));
const recordOf = ({ steps }: Pick<WorkflowState, 'steps'>, name: string) =>
  steps.find((record) => record.name === name);

const update = (handle: WorkflowHandle, name: string, order?: WorkItemOrder | ExternalOrder) =>
  order
    ? handle.executeUpdate<undefined, [unknown]>(name, { args: [order] })
    : handle.executeUpdate<undefined, []>(name);

/** The code an update was refused with. */
const refusal = async (asked: Promise<unknown>) => {
  const error: unknown = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(WorkflowUpdateFailedError);
  return ((error as WorkflowUpdateFailedError).cause as ApplicationFailure).type;
};

const external = (changes: Partial<Extract<PinnedNode, { kind: 'external' }>> = {}): PinnedNode => ({
  kind: 'external',
  name: 'print',
  title: 'Print it',
  layer: '/libs',
  timeoutSeconds: 600,
  ...changes,
});

const container = (inner: PinnedModel): PinnedNode => ({
  kind: 'container',
  name: 'publish',
  title: 'Publish',
  layer: '/libs',
  model: inner,
});

describe('a step', () => {
  it('runs on the task queue for heavy work when it asks for it', async () => {
    const heavy: string[] = [];
    const ended = await run(model([step('one', { queue: 'heavy' }), step('two')]), {
      steps: { 'test/one@1': done, 'test/two@1': done },
      heavy: {
        'test/one@1': (input) => {
          heavy.push(input.step.name);
          return done(input);
        },
      },
      recordAs: 'heavy-step',
    });
    expect(ended.result).toEqual({ state: 'completed' });
    expect(heavy).toEqual(['one']);
  });
});

describe('an AND split', () => {
  it('runs its branches at once, and goes on when the last has ended', async () => {
    const rightRuns = gate();
    const { ran, steps } = trail();
    const meet: StepFunction = async (input) => {
      if (input.step.name === 'split/left/a') await rightRuns.opened;
      else rightRuns.open();
      return done(input);
    };
    const split = and('split', [
      branch('split/left', [step('split/left/a', { id: 'test/meet' }), local('split/left/b')]),
      branch('split/right', [step('split/right/a', { id: 'test/meet' })]),
    ]);
    const ended = await run(model([split, local('after')]), {
      steps: { ...steps, 'test/meet@1': meet },
      recordAs: 'and-split',
    });
    expect(ended.result).toEqual({ state: 'completed' });
    expect(ran).toEqual(['split/left/b', 'after']);
    expect(new Set(Object.values(statesOf(ended.state)))).toEqual(new Set(['completed']));
  });

  it('cancels the other branches when one fails, and fails once they ended', async () => {
    const otherRuns = gate();
    let cancelled = false;
    const steps: Record<string, StepFunction> = {
      'test/wait@1': async (input) => {
        otherRuns.open();
        try {
          return await untilCancelled(input);
        } finally {
          cancelled = true;
        }
      },
      'test/break@1': async () => {
        await otherRuns.opened;
        throw ApplicationFailure.nonRetryable('no picture', 'IMAGE_UNREADABLE');
      },
    };
    const split = and('split', [
      branch('split/left', [step('split/left/a', { id: 'test/wait' }), local('split/left/b')]),
      branch('split/right', [step('split/right/a', { id: 'test/break' })]),
    ]);
    const ended = await run(model([split, local('after')]), { steps, recordAs: 'and-split-fails' });
    expect(cancelled).toBe(true);
    expect(ended.state.outcome).toEqual({
      state: 'failed',
      code: 'IMAGE_UNREADABLE',
      message: 'no picture',
      step: 'split/right/a',
    });
    expect(statesOf(ended.state)).toEqual({
      split: 'failed',
      'split/left/a': 'cancelled',
      'split/left/b': 'waiting',
      'split/right/a': 'failed',
      after: 'waiting',
    });
  });
});

describe('an OR split', () => {
  const split = or('split', [
    branch('split/a', [local('split/a/one')], 'first'),
    branch('split/else', [local('split/else/one')]),
    branch('split/b', [local('split/b/one')], 'second'),
  ]);

  it.each([
    { holds: ['first', 'second'], taken: 'split/a' },
    { holds: ['second'], taken: 'split/b' },
    { holds: [], taken: 'split/else' },
  ])('takes $taken when $holds hold', async ({ holds, taken }) => {
    const { ran, steps } = trail();
    const asked: ConditionInput[] = [];
    const ended = await run(model([local('before'), split]), {
      steps,
      holds: (condition, input) => {
        asked.push(input);
        return holds.includes(condition);
      },
      recordAs: `or-split-${taken.slice(-1)}`,
    });
    expect(ran).toEqual(['before', `${taken}/one`]);
    expect(recordOf(ended.state, 'split')).toMatchObject({ state: 'completed', branch: taken });
    const states = statesOf(ended.state);
    for (const name of ['split/a', 'split/else', 'split/b']) {
      expect(states[`${name}/one`]).toBe(name === taken ? 'completed' : 'skipped');
    }
    expect(asked[0]).toMatchObject({
      conditions: ['first', 'second'],
      scope: {
        metadata: {},
        results: { before: { of: 'before' } },
        visits: { before: 1, split: 1, 'split/a/one': 0, 'split/else/one': 0, 'split/b/one': 0 },
      },
    });
  });

  it('takes no branch when no condition holds and every branch has one', async () => {
    const { ran, steps } = trail();
    const ended = await run(
      model([or('split', [branch('split/a', [local('split/a/one')], 'never')]), local('after')]),
      {
        steps,
      },
    );
    expect(ran).toEqual(['after']);
    expect(statesOf(ended.state)).toEqual({ split: 'completed', 'split/a/one': 'skipped', after: 'completed' });
  });

  it('fails when its condition cannot be evaluated', async () => {
    const ended = await run(model([or('split', [branch('split/a', [], 'odd')])]), {
      steps: {},
      holds: () => {
        throw ApplicationFailure.nonRetryable('odd: no such name', 'INVALID_MODEL');
      },
    });
    expect(ended.state.outcome).toMatchObject({ state: 'failed', code: 'INVALID_MODEL', step: 'split' });
  });
});

describe('a goto', () => {
  it('goes back as often as it may, and tells steps the how many-th time they run', async () => {
    const { ran, steps } = trail();
    const pinned = model([local('one'), local('two'), goTo('again', 'two', 2), local('three')]);
    const ended = await run(pinned, { steps, recordAs: 'goto' });
    expect(ran).toEqual(['one', 'two', 'two~2', 'two~3', 'three']);
    expect(recordOf(ended.state, 'two')).toMatchObject({ state: 'completed', visits: 3 });
    expect(recordOf(ended.state, 'again')).toMatchObject({ state: 'completed', visits: 2 });
    expect(recordOf(ended.state, 'one')).not.toHaveProperty('visits');
  });

  it('goes while its condition holds, over a split that decides anew each time', async () => {
    const { ran, steps } = trail();
    const pinned = model([
      local('one'),
      or('split', [
        branch('split/first', [local('split/first/a')], 'first'),
        branch('split/later', [local('split/later/a')]),
      ]),
      goTo('again', 'one', 10, 'again'),
      local('end'),
    ]);
    const visits = ({ scope }: ConditionInput) => Number(scope.visits['one']);
    const ended = await run(pinned, {
      steps,
      holds: (condition, input) => (condition === 'first' ? visits(input) === 1 : visits(input) < 3),
    });
    expect(ran).toEqual(['one', 'split/first/a', 'one~2', 'split/later/a', 'one~3', 'split/later/a~2', 'end']);
    expect(statesOf(ended.state)).toMatchObject({ 'split/first/a': 'skipped', 'split/later/a': 'completed' });
  });

  it('goes on, and skips what lies between', async () => {
    const { ran, steps } = trail();
    const ended = await run(model([goTo('jump', 'three', 1), local('one'), local('two'), local('three')]), { steps });
    expect(ran).toEqual(['three']);
    expect(statesOf(ended.state)).toEqual({ jump: 'completed', one: 'skipped', two: 'skipped', three: 'completed' });
  });
});

describe('a participant', () => {
  /** Answers once the item is open. */
  async function withItem(
    node: PinnedNode,
    answer: (handle: WorkflowHandle) => Promise<void>,
    { more = [], recordAs }: { more?: readonly PinnedNode[]; recordAs?: string } = {},
  ) {
    const items: [string, WorkItemInput][] = [];
    const open = gate();
    const { ran, steps, inputs } = trail();
    const ended = await run(
      model([node, ...more]),
      {
        steps,
        workItems: (what, input) => {
          items.push([what, input]);
          if (what === 'open' && input.given?.by === 'nobody') {
            throw ApplicationFailure.nonRetryable('no such user', 'UNKNOWN_USER');
          }
          if (what === 'notify' || !('notify' in input.step && input.step.notify)) open.open();
        },
        ...(recordAs !== undefined && { recordAs }),
      },
      async (handle) => {
        await open.opened;
        await answer(handle);
      },
    );
    return { ...ended, items, ran, inputs };
  }
  /** Accepted once the item waits, which its opening is only just before. */
  const complete = async (handle: WorkflowHandle, order: Omit<WorkItemOrder, 'step'>) =>
    update(handle, names.completeWorkItemUpdate, { step: 'approve', ...order });

  it('waits until somebody completes it, and keeps who and what they said', async () => {
    const ended = await withItem(
      participant('approve', { notify: true, dueSeconds: 3600 }),
      async (handle) => {
        expect(await refusal(update(handle, names.completeWorkItemUpdate, { step: 'other', by: 'bo' }))).toBe(
          'UNKNOWN_WORK_ITEM',
        );
        expect(await refusal(update(handle, names.completeWorkItemUpdate, { step: 'after', by: 'bo' }))).toBe(
          'UNKNOWN_WORK_ITEM',
        );
        expect(await refusal(complete(handle, { by: '' }))).toBe('INVALID_REQUEST');
        expect(await refusal(complete(handle, { by: 'bo', metadata: { text: 'x'.repeat(20_000) } }))).toBe(
          'METADATA_TOO_LARGE',
        );
        expect(await refusal(update(handle, names.completeExternalUpdate, { step: 'approve' }))).toBe(
          'UNKNOWN_WORK_ITEM',
        );
        await complete(handle, { by: 'bo', comment: 'Looks good', metadata: { approved: true } });
      },
      { more: [local('after')], recordAs: 'participant' },
    );
    expect(ended.result).toEqual({ state: 'completed' });
    expect(recordOf(ended.state, 'approve')).toMatchObject({
      state: 'completed',
      decision: { by: 'bo', comment: 'Looks good', metadata: { approved: true } },
    });
    expect(ended.state.metadata).toEqual({ approved: true });
    expect(ended.inputs[0]?.workflow.metadata).toEqual({ approved: true });
    expect(ended.items.map(([what]) => what)).toEqual(['open', 'notify', 'close']);
    const [open, notice, close] = ended.items.map(([, item]) => item);
    expect(open).toMatchObject({ assignee: 'editors', visit: 1, step: { name: 'approve', description: 'Look at it' } });
    expect(Date.parse(open?.due ?? '')).toBeGreaterThan(Date.now());
    expect(notice?.notice).toEqual({ why: 'opened', count: 1 });
    expect(close?.ended).toEqual({ state: 'completed', by: 'bo' });
  });

  it('is given to somebody else and back, and refuses what cannot be', async () => {
    const ended = await withItem(
      participant('approve'),
      async (handle) => {
        const ask = (name: string, order: Partial<WorkItemOrder>) =>
          update(handle, name, { step: 'approve', by: 'bo', ...order });
        expect(await refusal(ask(names.returnWorkItemUpdate, {}))).toBe('INVALID_REQUEST');
        expect(await refusal(ask(names.delegateWorkItemUpdate, {}))).toBe('INVALID_REQUEST');
        expect(await refusal(ask(names.delegateWorkItemUpdate, { by: 'nobody', to: 'ghost' }))).toBe('UNKNOWN_USER');
        await ask(names.delegateWorkItemUpdate, { to: 'cy', comment: 'yours' });
        await ask(names.returnWorkItemUpdate, { by: 'cy' });
        await ask(names.completeWorkItemUpdate, {});
      },
      { recordAs: 'participant-delegated' },
    );
    expect(ended.items.map(([what, { assignee, given }]) => [what, assignee, given?.how, given?.by])).toEqual([
      ['open', 'editors', undefined, undefined],
      ['open', 'ghost', 'delegated', 'nobody'],
      ['open', 'cy', 'delegated', 'bo'],
      ['open', 'editors', 'returned', 'cy'],
      ['close', 'editors', undefined, undefined],
    ]);
    expect(ended.result).toEqual({ state: 'completed' });
  });

  it('closes the item when the workflow is cancelled', async () => {
    const ended = await withItem(
      participant('approve'),
      async (handle) => {
        await handle.cancel();
      },
      {
        recordAs: 'participant-cancelled',
      },
    );
    expect(ended.state.outcome).toEqual({ state: 'cancelled' });
    expect(ended.items.at(-1)?.[1].ended).toEqual({ state: 'cancelled' });
    expect(ended.finished).toHaveLength(1);
  });

  it('says that nothing waits once it was completed', async () => {
    const running = gate();
    const cancelled = await run(
      model([participant('approve'), step('two')]),
      {
        steps: {
          'test/two@1': (input) => {
            running.open();
            return untilCancelled(input);
          },
        },
        workItems: async (what, { workflow }) => {
          if (what === 'open') void completeLater(workflow.id);
        },
      },
      async (handle) => {
        await running.opened;
        expect(await refusal(update(handle, names.completeWorkItemUpdate, { step: 'approve', by: 'bo' }))).toBe(
          'NOT_WAITING',
        );
        await handle.cancel();
      },
    );
    expect(statesOf(cancelled.state)).toEqual({ approve: 'completed', two: 'cancelled' });

    /** From outside, and so after the item's opening was told to the workflow. */
    async function completeLater(workflowId: string): Promise<void> {
      await update(client().workflow.getHandle(workflowId), names.completeWorkItemUpdate, {
        step: 'approve',
        by: 'bo',
      });
    }
  });
});

describe('an external wait', () => {
  it('runs its start step, takes the answer also while that runs, and keeps it as its result', async () => {
    const asking = gate();
    const answered = gate();
    const ended = await run(
      model([external({ start: step('print/start', { id: 'test/ask' }) }), local('after')]),
      {
        steps: {
          'test/any@1': done,
          'test/ask@1': async (input) => {
            asking.open();
            await answered.opened;
            return done(input);
          },
        },
        recordAs: 'external',
      },
      async (handle) => {
        await asking.opened;
        // Accepted before the second is sent: two updates may arrive in any order.
        const answer = await handle.startUpdate<undefined, [ExternalOrder]>(names.completeExternalUpdate, {
          args: [{ step: 'print', result: { pages: 3 } }],
          waitForStage: WorkflowUpdateStage.ACCEPTED,
        });
        expect(await refusal(update(handle, names.completeExternalUpdate, { step: 'print' }))).toBe('NOT_WAITING');
        answered.open();
        await answer.result();
      },
    );
    expect(recordOf(ended.state, 'print')).toMatchObject({ state: 'completed', result: { pages: 3 } });
  });

  it('fails with what it was told', async () => {
    const asked = gate();
    const ended = await run(
      model([external({ start: local('print/start', { id: 'test/ask' }) })]),
      {
        steps: {
          'test/ask@1': (input) => {
            asked.open();
            return done(input);
          },
        },
        recordAs: 'external-fails',
      },
      async (handle) => {
        await asked.opened;
        await update(handle, names.completeExternalUpdate, { step: 'print', failure: 'out of paper' });
      },
    );
    expect(ended.state.outcome).toEqual({
      state: 'failed',
      code: 'EXTERNAL_FAILED',
      message: 'out of paper',
      step: 'print',
    });
  });
});

describe('a container', () => {
  it('runs its model as a child workflow, whose changes of the metadata map are taken over', async () => {
    const seen: StepInput[] = [];
    const set: StepFunction = (input) => {
      seen.push(input);
      return Promise.resolve({ result: null, partial: false, metadata: { inner: true, gone: null } });
    };
    const inner = model([local('one', { id: 'test/set' })], { id: 'test/inner', transient: true });
    const ended = await run(model([container(inner), local('two', { id: 'test/set' })]), {
      steps: { 'test/set@1': set },
      input: { metadata: { kept: 1, gone: 2 } },
      recordAs: 'container',
    });
    expect(ended.result).toEqual({ state: 'completed' });
    expect(recordOf(ended.state, 'publish')).toMatchObject({
      child: `${ended.workflowId}/publish`,
      result: { state: 'completed' },
    });
    expect(ended.state.metadata).toEqual({ kept: 1, inner: true });
    expect(seen.map(({ workflow }) => [workflow.model, workflow.container, workflow.metadata])).toEqual([
      ['test/inner', 'publish', { kept: 1, gone: 2 }],
      ['test/model', undefined, { kept: 1, inner: true }],
    ]);
    // The end of the inner workflow is recorded as that of a container, not of the request.
    expect(ended.finished.map(({ workflow }) => [workflow.model, workflow.container])).toEqual([
      ['test/inner', 'publish'],
      ['test/model', undefined],
    ]);
  });

  it('fails as its workflow fails', async () => {
    const { steps } = trail(['one']);
    const ended = await run(model([container(model([local('one')], { id: 'test/inner' }))]), {
      steps,
      recordAs: 'container-fails',
    });
    expect(ended.state.outcome).toEqual({
      state: 'failed',
      code: 'IMAGE_UNREADABLE',
      message: 'one: one broke',
      step: 'publish',
    });
  });

  it('cancels its workflow with its own, and fails when that was cancelled alone', async () => {
    const inner = model([step('one')], { id: 'test/inner' });
    const both = async (cancel: (handle: WorkflowHandle) => Promise<unknown>) => {
      const running = gate();
      const steps: Record<string, StepFunction> = {
        'test/one@1': (input) => {
          running.open();
          return untilCancelled(input);
        },
      };
      return run(model([container(inner)]), { steps }, async (handle) => {
        await running.opened;
        await cancel(handle);
      });
    };
    const together = await both((handle) => handle.cancel());
    expect(together.state.outcome).toEqual({ state: 'cancelled' });
    expect((await client().workflow.getHandle(`${together.workflowId}/publish`).describe()).status.name).toBe(
      'CANCELLED',
    );

    const alone = await both((handle) => client().workflow.getHandle(`${handle.workflowId}/publish`).cancel());
    expect(alone.state.outcome).toMatchObject({ state: 'failed', code: 'CANCELLED', step: 'publish' });
  });
});

describe('a failure', () => {
  it('is gone on from where the model says so', async () => {
    const { ran, steps } = trail(['one']);
    const ended = await run(model([local('one', { onError: 'continue' }), local('two')]), {
      steps,
      recordAs: 'continue',
    });
    expect(ran).toEqual(['one', 'two']);
    expect(ended.result).toEqual({ state: 'partial' });
    expect(recordOf(ended.state, 'one')).toMatchObject({ state: 'failed', error: { code: 'IMAGE_UNREADABLE' } });
  });

  it('in a branch is gone on from by a split that says so', async () => {
    const { ran, steps } = trail(['split/a/one']);
    const split = and('split', [branch('split/a', [local('split/a/one'), local('split/a/two')])], 'continue');
    const ended = await run(model([split, local('after')]), { steps });
    expect(ran).toEqual(['split/a/one', 'after']);
    expect(ended.result).toEqual({ state: 'partial' });
    expect(statesOf(ended.state)).toEqual({
      split: 'failed',
      'split/a/one': 'failed',
      'split/a/two': 'waiting',
      after: 'completed',
    });
  });

  it('undoes what completed, newest first, also when undoing fails', async () => {
    const { ran, inputs, steps } = trail(['four', 'undo-two']);
    const undoable = (name: string) => local(name, { compensation: local(`undo-${name}`) });
    const pinned = model([
      undoable('one'),
      and('split', [branch('split/a', [undoable('two')]), branch('split/b', [local('plain')])], 'continue'),
      undoable('three'),
      local('four', { onError: 'compensate' }),
      undoable('five'),
    ]);
    const ended = await run(pinned, { steps, recordAs: 'compensate' });
    expect(ran.filter((name) => name.startsWith('undo'))).toEqual(['undo-three', 'undo-two', 'undo-one']);
    expect(ended.state.outcome).toMatchObject({ state: 'failed', code: 'IMAGE_UNREADABLE', step: 'four' });
    expect(statesOf(ended.state)).toEqual({
      one: 'compensated',
      split: 'completed',
      two: 'completed',
      plain: 'completed',
      three: 'compensated',
      four: 'failed',
      five: 'waiting',
    });
    expect(recordOf(ended.state, 'two')?.error).toEqual({ code: 'IMAGE_UNREADABLE', message: 'undo-two broke' });
    const undoing = inputs.find((input) => input.step.name === 'undo-three');
    expect(undoing?.compensates).toEqual({ name: 'three', result: { of: 'three' } });
  });
});

describe('the metadata map', () => {
  const setting =
    (changes: JsonObject): StepFunction =>
    () =>
      Promise.resolve({ result: null, partial: false, metadata: changes });

  it('holds what the launch and the steps put there', async () => {
    const seen: (JsonObject | undefined)[] = [];
    const ended = await run(model([local('one', { id: 'test/set' }), local('two')]), {
      steps: {
        'test/set@1': setting({ a: 2, b: null }),
        'test/any@1': (input) => {
          seen.push(input.workflow.metadata);
          return done(input);
        },
      },
      input: { metadata: { a: 1, b: 1, c: 1 } },
    });
    expect(seen).toEqual([{ a: 2, c: 1 }]);
    expect(ended.finished[0]?.metadata).toEqual({ a: 2, c: 1 });
  });

  it('is bounded', async () => {
    const steps = { 'test/any@1': setting({ text: 'x'.repeat(17_000) }) };
    const ended = await run(model([local('one')]), { steps });
    expect(ended.state.outcome).toMatchObject({ state: 'failed', code: 'METADATA_TOO_LARGE', step: 'one' });
    expect(ended.state.metadata).toBeUndefined();
  });
});

describe('pause and resume', () => {
  it('stops before the next node, and goes on there', async () => {
    const running = gate();
    const go = gate();
    const { ran, steps } = trail();
    const ended = await run(
      model([step('one'), local('two')]),
      {
        steps: {
          ...steps,
          'test/one@1': async (input) => {
            running.open();
            await go.opened;
            return done(input);
          },
        },
        recordAs: 'paused',
      },
      async (handle) => {
        await running.opened;
        await update(handle, names.pauseUpdate);
        const paused = await handle.query<WorkflowState>(names.stateQuery);
        expect(paused.outcome).toEqual({ state: 'paused' });
        go.open();
        await until(
          async () => recordOf(await handle.query<WorkflowState>(names.stateQuery), 'one')?.state === 'completed',
        );
        expect(statesOf(await handle.query<WorkflowState>(names.stateQuery))).toEqual({
          one: 'completed',
          two: 'waiting',
        });
        expect(ran).toEqual([]);
        await update(handle, names.resumeUpdate);
      },
    );
    expect(ran).toEqual(['two']);
    expect(ended.result).toEqual({ state: 'completed' });
  });

  it('is cancelled while it is paused', async () => {
    const running = gate();
    const go = gate();
    const ended = await run(
      model([step('one'), local('two')]),
      {
        steps: {
          'test/one@1': async (input) => {
            running.open();
            await go.opened;
            return done(input);
          },
        },
      },
      async (handle) => {
        await running.opened;
        await update(handle, names.pauseUpdate);
        go.open();
        await until(
          async () => recordOf(await handle.query<WorkflowState>(names.stateQuery), 'one')?.state === 'completed',
        );
        await handle.cancel();
      },
    );
    expect(ended.state.outcome).toEqual({ state: 'cancelled' });
    expect(statesOf(ended.state)).toEqual({ one: 'completed', two: 'waiting' });
  });
});

/** Asks again and again until it is so; the test's own time is the bound. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo()));
}
