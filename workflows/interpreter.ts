/**
 * The one workflow: it interprets any pinned model, one step after the other. The Temporal workflow type is the model's
 * id, which is why this is the bundle's default export. Steps run in activities; here is only their order and their end.
 *
 * This code is replayed against the histories of running workflows. A change that alters which commands it gives, or their
 * order, goes behind `patched('<what-changed>')`, and the recorded histories in test/histories must still replay.
 */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ActivityCancellationType,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  ParentClosePolicy,
  defineQuery,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import {
  activityType,
  names,
  type CompletedWorkflow,
  type FinishInput,
  type Outcome,
  type PinnedStep,
  type StepInput,
  type StepOutput,
  type StepRecord,
  type WorkflowInput,
  type WorkflowState,
} from './contract/model.js';
import { describeProgress } from './describe-progress.js';
import { initialRecords, isProcess } from './contract/step-records.js';
import { failureOf } from './failure-of.js';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** The engine's own activities, beside the steps; implemented in activities/satchel. */
interface EngineActivities {
  [names.chunksActivity](input: StepInput): Promise<number>;
  [names.finishActivity](input: FinishInput): Promise<void>;
}

/** @returns how it ended, when it ended well @throws ApplicationFailure with a code, or CancelledFailure */
export default async function interpretModel(input: WorkflowInput): Promise<Outcome> {
  const { model, ...rest } = input;
  const info = workflowInfo();
  const workflow: StepInput['workflow'] = {
    ...rest,
    id: info.workflowId,
    model: model.id,
    modelVersion: model.version,
  };
  const records: Writable<StepRecord>[] = initialRecords(model);
  let outcome: WorkflowState['outcome'] = { state: 'running' };
  const state = (): WorkflowState => ({ model: model.id, version: model.version, outcome, steps: records });
  setHandler(defineQuery<WorkflowState>(names.stateQuery), state);
  const show = () => setCurrentDetails(describeProgress(state()));

  const ended = await runSteps();
  outcome = ended;
  show();
  await CancellationScope.nonCancellable(async () => {
    const steps = records;
    const followed = model.transient && model.completion !== undefined;
    await finish({ workflow, transient: model.transient, followed, outcome: ended, steps });
    if (followed)
      await reportCompletion({ ...workflow, workflowId: workflow.id, title: model.title, outcome: ended, steps });
  });
  switch (ended.state) {
    case 'failed':
      throw ApplicationFailure.nonRetryable(`${ended.step}: ${ended.message}`, ended.code);
    case 'cancelled':
      throw new CancelledFailure('The workflow was cancelled');
    default:
      return ended;
  }

  async function runSteps(): Promise<Outcome> {
    let partial = false;
    for (const [position, step] of model.steps.entries()) {
      const record = records[position];
      if (!record || !isProcess(step)) break;
      record.state = 'running';
      record.started = now();
      show();
      try {
        if (await runStep(step, record)) partial = true;
        record.state = 'completed';
      } catch (error) {
        if (isCancellation(error)) {
          record.state = 'cancelled';
          return { state: 'cancelled' };
        }
        record.state = 'failed';
        record.error = failureOf(error);
        return { state: 'failed', ...record.error, step: step.name };
      } finally {
        record.ended = now();
      }
    }
    return { state: partial ? 'partial' : 'completed' };
  }

  /** @returns whether something in it failed alone */
  async function runStep(step: PinnedStep, record: Writable<StepRecord>): Promise<boolean> {
    const { name, id, major, title, config, layer } = step;
    const order: StepInput = { step: { name, id, major, title, config, layer }, workflow };
    const run = activityOf(step);
    if (!step.chunked) {
      const { result, partial } = await run(order);
      record.result = result;
      return partial;
    }
    const count = await countChunks(step, order);
    let done = 0;
    record.chunks = { done, total: count };
    const outputs = await runBounded(count, step.parallel, async (index) => {
      const output = await run({ ...order, chunk: { index, count } });
      record.chunks = { done: ++done, total: count };
      show();
      return output;
    });
    record.result = outputs.map(({ result }) => result);
    return outputs.some(({ partial }) => partial);
  }

  /** The completion model runs on its own: it outlives this workflow, and its end changes nothing here. */
  async function reportCompletion(completed: CompletedWorkflow): Promise<void> {
    if (!model.completion) return;
    const { request, payload, tenant, initiator } = rest;
    const childInput: WorkflowInput = { model: model.completion, request, payload, tenant, initiator, completed };
    try {
      await startChild(model.completion.id, {
        workflowId: `${info.workflowId}-completed`,
        args: [childInput],
        parentClosePolicy: ParentClosePolicy.ABANDON,
        typedSearchAttributes: info.typedSearchAttributes,
        staticSummary: model.completion.title,
      });
    } catch (error) {
      // A reset of this workflow runs its end again; the notification was given the first time.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }
}

/** Recording the end is one save, repeated until the repository takes it. */
async function finish(input: FinishInput): Promise<void> {
  const activities = proxyLocalActivities<EngineActivities>({
    startToCloseTimeout: '30s',
    retry: { initialInterval: '200ms', maximumInterval: '30s' },
    summary: 'Record the end',
  });
  await activities[names.finishActivity](input);
}

async function countChunks(step: PinnedStep, order: StepInput): Promise<number> {
  const activities = proxyLocalActivities<EngineActivities>({
    startToCloseTimeout: '30s',
    retry: { initialInterval: '200ms', maximumInterval: '30s', maximumAttempts: step.maximumAttempts },
    summary: step.title,
  });
  return activities[names.chunksActivity](order);
}

function activityOf(step: PinnedStep): (input: StepInput) => Promise<StepOutput> {
  const options = {
    startToCloseTimeout: `${step.timeoutSeconds}s`,
    retry: { initialInterval: '500ms', maximumInterval: '30s', maximumAttempts: step.maximumAttempts },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary: step.title,
  } as const;
  type Steps = Record<string, (input: StepInput) => Promise<StepOutput>>;
  const activities = step.local
    ? proxyLocalActivities<Steps>(options)
    : proxyActivities<Steps>({ ...options, heartbeatTimeout: '30s' });
  const activity = activities[activityType(step)];
  if (!activity) throw new TypeError(`no activity ${activityType(step)}`);
  return activity;
}

/** Runs `work` for 0 to count-1, at most `parallel` at a time. The first failure cancels the others and is thrown once they ended. */
async function runBounded<T>(count: number, parallel: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  await CancellationScope.cancellable(async () => {
    const scope = CancellationScope.current();
    const lane = async () => {
      while (next < count && !failure) {
        const index = next++;
        try {
          results[index] = await work(index);
        } catch (error) {
          failure ??= { error };
          scope.cancel();
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(parallel, count) }, lane));
  });
  if (failure) throw failure.error;
  return results;
}

/** Workflow time, the same in every replay. */
function now(): string {
  return new Date().toISOString();
}
