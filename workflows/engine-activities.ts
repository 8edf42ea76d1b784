/** The engine's own activities, beside the steps; implemented in activities/satchel. Types alone come from there. */
import { ActivityCancellationType, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
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
function engine(summary: string, maximumAttempts?: number) {
  return proxyLocalActivities<EngineActivities>({
    startToCloseTimeout: '30s',
    retry: maximumAttempts === undefined ? patient : { ...patient, maximumAttempts },
    summary,
  });
}

export function finish(input: FinishInput): Promise<void> {
  return engine('Record the end')[names.finishActivity](input);
}

export function countChunks(step: PinnedStep, order: StepInput): Promise<number> {
  return engine(step.title, step.maximumAttempts)[names.chunksActivity](order);
}

/** @returns the index of the first condition that is true, or -1 */
export function firstTrue(title: string, input: ConditionInput): Promise<number> {
  return engine(title, 5)[names.conditionActivity](input);
}

/** Opening it again gives it to another assignee. */
export function openWorkItem(input: WorkItemInput): Promise<void> {
  const { title } = input.step;
  const summary = input.given ? `${title}: ${input.given.how} to ${input.assignee}` : `${title}: for ${input.assignee}`;
  return engine(summary)[names.openWorkItemActivity](input);
}

export function closeWorkItem(input: WorkItemInput): Promise<void> {
  const { step, ended } = input;
  return engine(`${step.title}: ${ended?.state ?? 'closed'}`)[names.closeWorkItemActivity](input);
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

/** The activity of a step, local or on the task queue it asks for. */
export function activityOf(step: PinnedStep): (input: StepInput) => Promise<StepOutput> {
  const options = {
    startToCloseTimeout: `${step.timeoutSeconds}s`,
    retry: { initialInterval: '500ms', maximumInterval: '30s', maximumAttempts: step.maximumAttempts },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary: step.title,
  } as const;
  type Steps = Record<string, (input: StepInput) => Promise<StepOutput>>;
  const activities = step.local
    ? proxyLocalActivities<Steps>(options)
    : proxyActivities<Steps>({
        ...options,
        heartbeatTimeout: '30s',
        ...(step.queue && { taskQueue: names.heavyTaskQueue }),
      });
  const activity = activities[activityType(step)];
  if (!activity) throw new TypeError(`no activity ${activityType(step)}`);
  return activity;
}
