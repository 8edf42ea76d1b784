import { ApplicationFailure, Context } from '@temporalio/activity';
import { WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure, WorkflowNotFoundError } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import type { StepInput, WorkflowState } from '../../workflows/contract/model.js';
import { names } from '../../workflows/contract/model.js';
import { done, gate, model, step, useInterpreter, type StepFunction } from './interpreter-world.js';

const { run, client } = useInterpreter();

const failing =
  (code: string, nonRetryable: boolean): StepFunction =>
  () =>
    Promise.reject(ApplicationFailure.create({ message: `it is ${code}`, type: code, nonRetryable }));

/** Resolves when the activity is cancelled, as a well-behaved step does. */
const untilCancelled: StepFunction = async () => {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), 50);
  try {
    return await context.cancelled;
  } finally {
    clearInterval(timer);
  }
};

const statesOf = ({ steps }: Pick<WorkflowState, 'steps'>) => steps.map(({ name, state }) => `${name} ${state}`);

describe('the interpreter', () => {
  it('runs the steps of a model in order, remote and local alike, and records results and times', async () => {
    const seen: StepInput[] = [];
    const remember: StepFunction = (input) => {
      seen.push(input);
      return Promise.resolve({ result: { order: seen.length }, partial: false });
    };
    const pinned = model([
      step('one', { config: { size: 3 }, layer: '/apps' }),
      step('two', { local: true, major: 2 }),
      step('three'),
    ]);
    const ended = await run(pinned, {
      steps: { 'test/one@1': remember, 'test/two@2': remember, 'test/three@1': remember },
      recordAs: 'remote-and-local-steps',
    });

    expect(ended.result).toEqual({ state: 'completed' });
    expect(seen.map((input) => input.step.name)).toEqual(['one', 'two', 'three']);
    expect(seen[0]).toEqual({
      step: { name: 'one', id: 'test/one', major: 1, title: 'Step one', config: { size: 3 }, layer: '/apps' },
      workflow: {
        id: ended.workflowId,
        model: 'test/model',
        modelVersion: 'v1',
        request: `/var/workflow/requests/${ended.workflowId}`,
        payload: '/content/dam',
        tenant: 'aurora',
        initiator: 'ada',
      },
    });
    expect(ended.state.steps.map(({ result }) => result)).toEqual([{ order: 1 }, { order: 2 }, { order: 3 }]);
    for (const { started, ended: end } of ended.state.steps) {
      expect(Date.parse(end ?? '')).toBeGreaterThanOrEqual(Date.parse(started ?? ''));
    }
    expect(ended.finished).toHaveLength(1);
    expect(ended.finished[0]).toMatchObject({
      transient: false,
      followed: false,
      outcome: { state: 'completed' },
      steps: ended.state.steps,
    });
  });

  it('is listed under the model’s id, and each activity under its step’s title', async () => {
    const ended = await run(model([step('one')]), { steps: { 'test/one@1': done } });
    const handle = client().workflow.getHandle(ended.workflowId);
    expect((await handle.describe()).type).toBe('test/model');
    const { events } = await handle.fetchHistory();
    const scheduled = events?.find((event) => event.activityTaskScheduledEventAttributes);
    expect(scheduled?.activityTaskScheduledEventAttributes?.activityType?.name).toBe('test/one@1');
    expect(Buffer.from(scheduled?.userMetadata?.summary?.data ?? []).toString()).toBe('"Step one"');
  });

  it('goes on after a step in which something failed alone, and ends partial', async () => {
    const steps = { 'test/one@1': () => Promise.resolve({ result: { failed: 1 }, partial: true }), 'test/two@1': done };
    const ended = await run(model([step('one'), step('two')]), { steps });
    expect(ended.result).toEqual({ state: 'partial' });
    expect(statesOf(ended.state)).toEqual(['one completed', 'two completed']);
  });

  it('tries a step again when its error allows it', async () => {
    let attempts = 0;
    const flaky: StepFunction = (input) =>
      ++attempts < 3
        ? failing('MAIL_UNAVAILABLE', false)(input)
        : Promise.resolve({ result: attempts, partial: false });
    const ended = await run(model([step('one', { maximumAttempts: 3 })]), { steps: { 'test/one@1': flaky } });
    expect(ended.result).toEqual({ state: 'completed' });
    expect(ended.state.steps[0]?.result).toBe(3);
  });

  it.each([
    { title: 'an error that no retry helps', nonRetryable: true, maximumAttempts: 5, expectedAttempts: 1 },
    {
      title: 'an error that may pass, until its attempts are used up',
      nonRetryable: false,
      maximumAttempts: 2,
      expectedAttempts: 2,
    },
  ])('fails on $title', async ({ nonRetryable, maximumAttempts, expectedAttempts }) => {
    let attempts = 0;
    const broken: StepFunction = (input) => {
      attempts++;
      return failing('IMAGE_UNREADABLE', nonRetryable)(input);
    };
    const ended = await run(model([step('one', { maximumAttempts }), step('two')]), {
      steps: { 'test/one@1': broken, 'test/two@1': done },
      recordAs: 'failed-step',
    });
    expect(attempts).toBe(expectedAttempts);
    const failure = { code: 'IMAGE_UNREADABLE', message: 'it is IMAGE_UNREADABLE' };
    expect(ended.error).toBeInstanceOf(WorkflowFailedError);
    expect((ended.error as WorkflowFailedError).cause).toMatchObject({ type: 'IMAGE_UNREADABLE', nonRetryable: true });
    expect(ended.state.outcome).toEqual({ state: 'failed', step: 'one', ...failure });
    expect(ended.state.steps[0]).toMatchObject({ state: 'failed', error: failure });
    expect(statesOf(ended.state)[1]).toBe('two waiting');
    expect(ended.finished[0]?.outcome).toEqual(ended.state.outcome);
  });

  it('names a failure without a known code STEP_FAILED, and one without an end STEP_TIMED_OUT', async () => {
    const odd = await run(model([step('one')]), { steps: { 'test/one@1': failing('SomethingElse', true) } });
    expect(odd.state.outcome).toMatchObject({ state: 'failed', code: 'STEP_FAILED', message: 'it is SomethingElse' });

    const slow = await run(model([step('one', { timeoutSeconds: 1, maximumAttempts: 1 })]), {
      steps: { 'test/one@1': untilCancelled },
    });
    expect(slow.state.outcome).toMatchObject({ state: 'failed', code: 'STEP_TIMED_OUT', step: 'one' });
  });

  it('cancels the running step, leaves out the rest and still records the end', async () => {
    const running = gate();
    const steps = {
      'test/one@1': done,
      'test/two@1': (input: StepInput) => {
        running.open();
        return untilCancelled(input);
      },
      'test/three@1': done,
    };
    const ended = await run(
      model([step('one'), step('two'), step('three')]),
      { steps, recordAs: 'cancelled' },
      async (handle) => {
        await running.opened;
        await handle.cancel();
      },
    );
    expect((ended.error as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
    expect(statesOf(ended.state)).toEqual(['one completed', 'two cancelled', 'three waiting']);
    expect(ended.finished.map(({ outcome }) => outcome)).toEqual([{ state: 'cancelled' }]);
  });

  describe('with a chunked step', () => {
    it('runs every chunk once, never more than it may at a time, and keeps results in order', async () => {
      let running = 0;
      let most = 0;
      const chunk: StepFunction = async (input) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        return { result: input.chunk?.index ?? -1, partial: input.chunk?.index === 4 };
      };
      const pinned = model([step('one', { chunked: true, parallel: 3 })]);
      const ended = await run(pinned, {
        steps: { 'test/one@1': chunk },
        chunks: () => Promise.resolve(9),
        recordAs: 'chunks',
      });
      expect(ended.state.steps[0]).toMatchObject({
        chunks: { done: 9, total: 9 },
        result: [0, 1, 2, 3, 4, 5, 6, 7, 8],
      });
      expect(most).toBeLessThanOrEqual(3);
      expect(ended.result).toEqual({ state: 'partial' });
    });

    it('skips the step when there is nothing to do', async () => {
      const ended = await run(model([step('one', { chunked: true })]), { steps: {}, chunks: () => Promise.resolve(0) });
      expect(ended.result).toEqual({ state: 'completed' });
      expect(ended.state.steps[0]).toMatchObject({ state: 'completed', chunks: { done: 0, total: 0 }, result: [] });
    });

    it('cancels the other chunks when one fails, and waits for them before it fails', async () => {
      let cancelled = 0;
      const secondStarted = gate();
      const chunk: StepFunction = async (input) => {
        if (input.chunk?.index === 0) {
          await secondStarted.opened;
          return failing('IMAGE_TOO_LARGE', true)(input);
        }
        secondStarted.open();
        return untilCancelled(input).finally(() => cancelled++);
      };
      const pinned = model([step('one', { chunked: true, parallel: 2 })]);
      const ended = await run(pinned, {
        steps: { 'test/one@1': chunk },
        chunks: () => Promise.resolve(5),
        recordAs: 'failed-chunk',
      });
      expect(ended.state.outcome).toMatchObject({ state: 'failed', code: 'IMAGE_TOO_LARGE' });
      expect(cancelled).toBe(1);
    });

    it('fails when its chunks cannot be counted', async () => {
      const ended = await run(model([step('one', { chunked: true })]), {
        steps: {},
        chunks: () => Promise.reject(ApplicationFailure.nonRetryable('no such step', 'UNKNOWN_STEP')),
      });
      expect(ended.state.outcome).toMatchObject({ state: 'failed', code: 'UNKNOWN_STEP', step: 'one' });
    });
  });

  describe('with a transient model', () => {
    const completion = model([step('mail')], { id: 'test/completed', title: 'Report' });
    const failure = failing('STEP_FAILED', true);
    it.each([
      { ends: 'well', one: done, outcome: { state: 'completed' } },
      {
        ends: 'badly',
        one: failure,
        outcome: { state: 'failed', code: 'STEP_FAILED', message: 'it is STEP_FAILED', step: 'one' },
      },
    ])('starts the completion model when it ends $ends, with how it ended', async ({ ends, one, outcome }) => {
      const reports: StepInput[] = [];
      const mail: StepFunction = (input) => {
        reports.push(input);
        return done(input);
      };
      const pinned = model([step('one')], { transient: true, completion });
      const ended = await run(pinned, {
        steps: { 'test/one@1': one, 'test/mail@1': mail },
        recordAs: `transient-ends-${ends}`,
      });
      expect(reports).toHaveLength(1);
      expect(reports[0]?.workflow).toMatchObject({
        id: `${ended.workflowId}-completed`,
        model: 'test/completed',
        request: `/var/workflow/requests/${ended.workflowId}`,
        completed: {
          workflowId: ended.workflowId,
          model: 'test/model',
          title: 'Test model',
          payload: '/content/dam',
          outcome,
        },
      });
      expect(ended.finished.map(({ followed, workflow }) => [workflow.model, followed])).toEqual([
        ['test/model', true],
        ['test/completed', false],
      ]);
      const { typedSearchAttributes } = await client().workflow.getHandle(`${ended.workflowId}-completed`).describe();
      expect(typedSearchAttributes.getAll()).toContainEqual({
        key: { name: names.searchAttributes.tenant, type: 'KEYWORD' },
        value: 'aurora',
      });
    });

    it('reports a cancellation too', async () => {
      const running = gate();
      const reports: StepInput[] = [];
      const ended = await run(
        model([step('one')], { transient: true, completion }),
        {
          steps: {
            'test/one@1': (input) => {
              running.open();
              return untilCancelled(input);
            },
            'test/mail@1': (input) => {
              reports.push(input);
              return done(input);
            },
          },
        },
        async (handle) => {
          await running.opened;
          await handle.cancel();
        },
      );
      expect(ended.state.outcome).toEqual({ state: 'cancelled' });
      expect(reports[0]?.workflow.completed?.outcome).toEqual({ state: 'cancelled' });
    });

    it('says nothing when its model names no completion', async () => {
      const ended = await run(model([step('one')], { transient: true }), { steps: { 'test/one@1': done } });
      expect(ended.finished.map(({ followed }) => followed)).toEqual([false]);
      await expect(client().workflow.getHandle(`${ended.workflowId}-completed`).describe()).rejects.toBeInstanceOf(
        WorkflowNotFoundError,
      );
    });
  });
});
