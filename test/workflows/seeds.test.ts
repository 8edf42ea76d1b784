/** Runs that begin where an earlier one was: after a retry, or when a long run went on as new. */
import { ApplicationFailure } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import type { JsonObject, PinnedModel, PinnedNode, StepInput, WorkflowSeed } from '../../workflows/contract/model.js';
import { useTemporalServer } from '../support/temporal.js';
import { and, branch, goTo, local, model, or, step, useInterpreter, type StepFunction } from './interpreter-world.js';

/** A server that suggests to go on as new after few events. */
const server = useTemporalServer({ dynamicConfig: ['limit.historyCount.suggestContinueAsNew=30'] });
const { run, client } = useInterpreter({ address: () => server().address });

/** A run can go on as new only between workflow tasks, and local steps need none. */
const remote = (name: string) => step(name, { id: 'test/any' });

function trail(broken: () => readonly string[] = () => []) {
  const ran: string[] = [];
  const inputs: StepInput[] = [];
  const any: StepFunction = (input) => {
    const { name, visit } = input.step;
    inputs.push(input);
    if (broken().includes(name)) return Promise.reject(ApplicationFailure.nonRetryable('broke', 'IMAGE_UNREADABLE'));
    ran.push(visit === undefined ? name : `${name}~${visit}`);
    return Promise.resolve({ result: name, partial: false, metadata: { [name]: visit ?? 1 } });
  };
  return { ran, inputs, steps: { 'test/any@1': any } };
}

/** Runs a model whose `broken` steps fail, then again from where it failed, when they do not. */
async function failAndRetry(pinned: PinnedModel, broken: readonly string[]) {
  let failing = broken;
  const { ran, inputs, steps } = trail(() => failing);
  const failed = await run(pinned, { steps });
  const before = ran.splice(0);
  inputs.splice(0);
  failing = [];
  const seed: WorkflowSeed = {
    steps: failed.state.steps,
    metadata: failed.state.metadata ?? {},
    partial: false,
    keysOf: failed.workflowId,
  };
  const retried = await run(pinned, {
    steps,
    input: { seed },
    recordAs: `retry-of-${broken[0]?.replaceAll('/', '-')}`,
  });
  return { failed, retried, before, ran, inputs };
}

describe('a retry from a failed step', () => {
  it('runs what did not complete, under the keys of the run before it', async () => {
    const pinned = model([local('one'), local('two'), local('three')]);
    const { before, ran, inputs, retried, failed } = await failAndRetry(pinned, ['two']);
    expect(before).toEqual(['one']);
    expect(ran).toEqual(['two', 'three']);
    expect(inputs.map(({ workflow }) => workflow.keysOf)).toEqual([failed.workflowId, failed.workflowId]);
    expect(retried.result).toEqual({ state: 'completed' });
    expect(retried.state.steps.map(({ state }) => state)).toEqual(['completed', 'completed', 'completed']);
    expect(retried.state.metadata).toEqual({ one: 1, two: 1, three: 1 });
  });

  it('goes into the branches it was in, and does not decide again', async () => {
    const pinned = model([
      or('or', [branch('or/a', [local('or/a/one'), local('or/a/two')], 'true'), branch('or/b', [local('or/b/one')])]),
      and('and', [branch('and/a', [local('and/a/one')]), branch('and/b', [local('and/b/one')])]),
    ]);
    const { before, ran, retried } = await failAndRetry(pinned, ['or/a/two']);
    expect(before).toEqual(['or/a/one']);
    expect(ran[0]).toBe('or/a/two');
    expect(new Set(ran)).toEqual(new Set(['or/a/two', 'and/a/one', 'and/b/one']));
    expect(retried.result).toEqual({ state: 'completed' });
  });

  it('is the same visit of a step that failed, and a new one of what was undone', async () => {
    const pinned = model([
      local('one', { compensation: local('undo-one') }),
      local('two', { onError: 'compensate' }),
      local('three'),
    ]);
    const { before, ran } = await failAndRetry(pinned, ['two']);
    expect(before).toEqual(['one', 'undo-one']);
    expect(ran).toEqual(['one~2', 'two', 'three']);
  });

  it('runs a container anew under the same keys', async () => {
    const inner: PinnedNode = {
      kind: 'container',
      name: 'inner',
      title: 'Inner',
      layer: '/libs',
      model: model([local('one'), local('two')], { id: 'test/inner' }),
    };
    const { inputs, failed } = await failAndRetry(model([inner]), ['two']);
    expect(inputs.map(({ workflow }) => workflow.keysOf)).toEqual(Array(2).fill(`${failed.workflowId}/inner`));
  });
});

describe('a long run', () => {
  /** Of its last run. */
  const inputOf = async (handle: WorkflowHandle): Promise<JsonObject> => {
    const { events } = await client().workflow.getHandle(handle.workflowId).fetchHistory();
    const [started] = events ?? [];
    const payload = started?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data;
    return JSON.parse(Buffer.from(payload ?? []).toString()) as JsonObject;
  };

  it('goes on as new between nodes, and does all a short one does, once', async () => {
    const { ran, inputs, steps } = trail(() => ['broken']);
    const loop = [remote('one'), remote('two'), goTo('again', 'one', 15)];
    const pinned = model([
      local('before', { compensation: local('undo') }),
      local('broken', { onError: 'continue' }),
      or('or', [branch('or/a', loop, 'true'), branch('or/b', [local('never')])]),
      local('last'),
    ]);
    let last: JsonObject = {};
    const ended = await run(
      pinned,
      { steps, recordAs: 'went-on-as-new', input: { metadata: { launched: true } } },
      async (handle) => {
        await handle.result();
        last = await inputOf(handle);
      },
    );
    const rounds = Array.from({ length: 16 }, (_, index) => (index === 0 ? '' : `~${index + 1}`));
    expect(ran).toEqual(['before', ...rounds.flatMap((round) => [`one${round}`, `two${round}`]), 'last']);
    expect(inputs.filter(({ step }) => step.name === 'broken')).toHaveLength(1);
    expect(last['seed']).toMatchObject({ partial: true, continued: {} });
    expect(ended.result).toEqual({ state: 'partial' });
    expect(ended.state.metadata).toMatchObject({ launched: true, before: 1, two: 16, last: 1 });
    expect(ended.finished).toHaveLength(1);
  });

  it('goes on as new from within branches once all of them stopped', async () => {
    const { ran, steps } = trail();
    const long = (side: string) =>
      branch(`split/${side}`, [remote(`${side}1`), remote(`${side}2`), goTo(`${side}-again`, `${side}1`, 9)]);
    let last: JsonObject = {};
    const ended = await run(model([and('split', [long('a'), long('b')]), local('last')]), { steps }, async (handle) => {
      await handle.result();
      last = await inputOf(handle);
    });
    expect(last['seed']).toMatchObject({ continued: {} });
    expect(ended.result).toEqual({ state: 'completed' });
    expect(ran).toHaveLength(10 * 4 + 1);
    expect(new Set(ran).size).toBe(ran.length);
    expect(ran.at(-1)).toBe('last');
  });

  it('keeps no large results for its next run', async () => {
    const large: StepFunction = (input) =>
      Promise.resolve({ result: input.step.name === 'large' ? 'x'.repeat(9_000) : 'small', partial: false });
    const nodes = [local('large'), local('small'), remote('loop'), goTo('again', 'loop', 15)];
    const ended = await run(model(nodes), { steps: { 'test/any@1': large } });
    const [first, second] = ended.state.steps;
    expect(first).toMatchObject({ state: 'completed' });
    expect(first).not.toHaveProperty('result');
    expect(second?.result).toBe('small');
  });
});
