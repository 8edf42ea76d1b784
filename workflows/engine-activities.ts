/** The engine's own activities, beside the steps; implemented in activities/satchel. Types alone come from there. */
import {
  ActivityCancellationType,
  proxyActivities,
  proxyLocalActivities,
  type ActivityInterfaceFor,
  type ActivityOptions,
  type LocalActivityOptions,
} from '@temporalio/workflow';
import {
  activityType,
  names,
  type ConditionInput,
  type FinishInput,
  type PinnedStep,
  type StepInput,
  type StepOutput,
  type WorkItemInput,
} from './contract/model.js';
import type { Run } from './run.js';

interface EngineActivities {
  [names.chunksActivity]: (input: StepInput) => Promise<number>;
  [names.conditionActivity]: (input: ConditionInput) => Promise<number>;
  [names.openWorkItemActivity]: (input: WorkItemInput) => Promise<void>;
  [names.closeWorkItemActivity]: (input: WorkItemInput) => Promise<void>;
  [names.notifyWorkItemActivity]: (input: WorkItemInput) => Promise<void>;
  [names.finishActivity]: (input: FinishInput) => Promise<void>;
}

const patient = { initialInterval: '200ms', maximumInterval: '30s' } as const;

/** Short work of the engine itself. What must not be lost is repeated until the repository takes it. */
function engine(run: Run, summary: string, maximumAttempts?: number) {
  return proxy<EngineActivities>(isLocal(run), {
    startToCloseTimeout: '30s',
    retry: maximumAttempts === undefined ? patient : { ...patient, maximumAttempts },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary,
  });
}

/**
 * Local activities only where nothing else runs at the same time. The history does not hold in which order those that ran
 * at once told the workflow of their ends, and SDK 1.24 cannot cancel one in the workflow task that began it (TMPRL1100
 * "Invalid transition in state machine"): either would leave a workflow that no worker can replay.
 */
function isLocal({ forked }: Run): boolean {
  return forked === 0;
}

function proxy<A extends object>(
  local: boolean,
  options: LocalActivityOptions & ActivityOptions,
): ActivityInterfaceFor<A> {
  return local ? proxyLocalActivities<A>(options) : proxyActivities<A>(options);
}

export function finish(run: Run, input: FinishInput): Promise<void> {
  return engine(run, 'Record the end')[names.finishActivity](input);
}

export function countChunks(run: Run, step: PinnedStep, order: StepInput): Promise<number> {
  return engine(run, step.title, step.maximumAttempts)[names.chunksActivity](order);
}

/** @returns the index of the first condition that is true, or -1 */
export function firstTrue(run: Run, title: string, input: ConditionInput): Promise<number> {
  return engine(run, title, 5)[names.conditionActivity](input);
}

/** Opening it again gives it to another assignee. */
export function openWorkItem(run: Run, input: WorkItemInput): Promise<void> {
  const { title } = input.step;
  const summary = input.given ? `${title}: ${input.given.how} to ${input.assignee}` : `${title}: for ${input.assignee}`;
  return engine(run, summary)[names.openWorkItemActivity](input);
}

export function closeWorkItem(run: Run, input: WorkItemInput): Promise<void> {
  const { step, ended } = input;
  return engine(run, `${step.title}: ${ended?.state ?? 'closed'}`)[names.closeWorkItemActivity](input);
}

/** A mail: never a local activity. */
export function notifyWorkItem(input: WorkItemInput): Promise<void> {
  const { step, assignee, notice } = input;
  const activities = proxyActivities<EngineActivities>({
    startToCloseTimeout: '2m',
    retry: { initialInterval: '1s', maximumInterval: '10m', maximumAttempts: 20 },
    summary: `${step.title}: ${notice?.why ?? 'tell'} ${assignee}`,
  });
  return activities[names.notifyWorkItemActivity](input);
}

/** The activity of a step, local where it may be, or on the task queue it asks for. */
export function activityOf(run: Run, step: PinnedStep): (input: StepInput) => Promise<StepOutput> {
  const local = step.local && isLocal(run);
  const activities = proxy<Record<string, (input: StepInput) => Promise<StepOutput>>>(local, {
    startToCloseTimeout: `${step.timeoutSeconds}s`,
    retry: { initialInterval: '500ms', maximumInterval: '30s', maximumAttempts: step.maximumAttempts },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary: step.title,
    ...(!local && { heartbeatTimeout: '30s' }),
    ...(!local && step.queue && { taskQueue: names.heavyTaskQueue }),
  });
  const activity = activities[activityType(step)];
  if (!activity) throw new TypeError(`no activity ${activityType(step)}`);
  return activity;
}
