/**
 * Runs steps as Temporal activities. One function serves all activity types, so that a plugin loaded later needs no new
 * worker. Only here do errors become `ApplicationFailure`: the code of an error decides whether Temporal tries again.
 */
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { RepositoryError, repositoryErrorCodes } from '../repository/errors.js';
import { SatchelError, errorCodes, isErrorCode } from '../workflows/contract/errors.js';
import {
  activityType,
  names,
  type ConditionInput,
  type FinishInput,
  type JsonValue,
  type StepInput,
  type StepOutput,
  type StepProgress,
  type WorkItemInput,
} from '../workflows/contract/model.js';
import type { AnyStep, StepLogger, StepServices } from './define-step.js';
import type { StepRegistry } from './registry.js';
import { createConditions } from './satchel/conditions.js';
import { createFinish } from './satchel/finish.js';
import { createWorkItemActivities } from './satchel/work-items.js';
import { withStepContext, type StepAttempt } from './step-context.js';

/** Results travel through the history: references and counts, not lists. */
const maxResultBytes = 32 * 1024;

/** How often a running step gives a sign of life by itself, with what it reported last. */
const heartbeatMs = 1_000;
/** The SDK sends on two reports a second, yet encodes every one: a step may report a thousand times as often. */
const progressMs = 250;

export interface ActivityOptions {
  readonly registry: StepRegistry;
  readonly services: StepServices;
  readonly log: Logger;
}

export interface SatchelActivities {
  /** Every step, by its activity type `id@major`. */
  default(input: StepInput): Promise<StepOutput>;
  readonly [names.chunksActivity]: (input: StepInput) => Promise<number>;
  readonly [names.conditionActivity]: (input: ConditionInput) => Promise<number>;
  readonly [names.finishActivity]: (input: FinishInput) => Promise<void>;
  readonly [names.openWorkItemActivity]: (input: WorkItemInput) => Promise<void>;
  readonly [names.closeWorkItemActivity]: (input: WorkItemInput) => Promise<void>;
  readonly [names.notifyWorkItemActivity]: (input: WorkItemInput) => Promise<void>;
}

export function createActivities({ registry, services, log }: ActivityOptions): SatchelActivities {
  const finish = createFinish(services.repository);
  const workItems = createWorkItemActivities(services);
  const evaluate = createConditions(services.repository);
  return {
    default: (input) => asActivity((context) => runStep(attemptOf(input, context))),
    [names.chunksActivity]: (input) => asActivity((context) => countChunks(attemptOf(input, context))),
    [names.conditionActivity]: (input) => asActivity(() => evaluate(input)),
    [names.finishActivity]: (input) => asActivity(() => finish(input)),
    [names.openWorkItemActivity]: (input) => asActivity(() => workItems.open(input)),
    [names.closeWorkItemActivity]: (input) => asActivity(() => workItems.close(input)),
    [names.notifyWorkItemActivity]: (input) =>
      asActivity((context) => workItems.notify(input, context.cancellationSignal)),
  };

  function attemptOf(input: StepInput, context: Context): StepAttempt {
    const { id, major, name } = input.step;
    const step = registry.get(id, major);
    if (!step) {
      const known = registry
        .list()
        .map((registered) => activityType({ id: registered.step.id, major: registered.step.major ?? 1 }));
      throw new SatchelError(
        'UNKNOWN_STEP',
        `No step ${activityType({ id, major })} is loaded; loaded are ${known.join(', ')}. Load the plugin that defines it, then launch again.`,
      );
    }
    const { attempt } = context.info;
    const ids = { workflow: input.workflow.id, model: input.workflow.model, step: name, attempt };
    return {
      step,
      input,
      services,
      attempt,
      signal: context.cancellationSignal,
      log: stepLogger(log.child(input.chunk ? { ...ids, chunk: input.chunk.index } : ids)),
      onProgress: heartbeatOf(context),
    };
  }
}

function heartbeatOf(context: Context): (progress: StepProgress) => void {
  let next = 0;
  return (progress) => {
    const now = performance.now();
    if (now < next) return;
    next = now + progressMs;
    context.heartbeat(progress);
  };
}

/** @throws SatchelError INVALID_STEP_CONFIG, INVALID_STEP_RESULT, and whatever the step throws */
export async function runStep(attempt: StepAttempt): Promise<StepOutput> {
  const { step, input } = attempt;
  let last: StepProgress = {};
  const { onProgress } = attempt;
  const report = (progress: StepProgress) => {
    last = progress;
    onProgress(progress);
  };
  // A step that waits for something says nothing, yet must learn of a cancellation, and that it lives must be known.
  const timer = setInterval(() => onProgress(last), heartbeatMs);
  try {
    const { result, ...output } = await withStepContext(
      { ...attempt, onProgress: report },
      configOf(step, input),
      (context) => step.run(context),
    );
    return { result: checkedResult(step, result), ...output };
  } finally {
    clearInterval(timer);
  }
}

/** How many times a chunked step runs. A step that no longer splits its work runs once. */
export async function countChunks(attempt: StepAttempt): Promise<number> {
  const { step, input } = attempt;
  const { chunks } = step;
  if (!chunks) return 1;
  const { result } = await withStepContext(attempt, configOf(step, input), (context) => chunks(context));
  if (!Number.isInteger(result) || result < 0) {
    throw new SatchelError(
      'INVALID_STEP_RESULT',
      `Step ${step.id} splits its work into ${result} chunks; it must be a whole number from 0.`,
    );
  }
  return result;
}

function configOf(step: AnyStep, input: StepInput): unknown {
  const parsed = step.config.safeParse(input.step.config);
  if (parsed.success) return parsed.data;
  throw new SatchelError(
    'INVALID_STEP_CONFIG',
    `Step ${input.step.name} (${step.id}, from ${input.step.layer}) has a configuration that does not fit: ${problemsOf(parsed.error)}.`,
  );
}

function checkedResult(step: AnyStep, result: JsonValue | undefined): JsonValue {
  const parsed = step.result.safeParse(result);
  if (!parsed.success) {
    throw new SatchelError(
      'INVALID_STEP_RESULT',
      `Step ${step.id} answered what its result schema forbids: ${problemsOf(parsed.error)}.`,
    );
  }
  const value = parsed.data ?? null;
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > maxResultBytes) {
    throw new SatchelError(
      'INVALID_STEP_RESULT',
      `Step ${step.id} answered ${bytes} bytes, more than ${maxResultBytes}. Save lists in the repository and answer their path.`,
    );
  }
  return value;
}

function problemsOf(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join('.') || 'value'}: ${message}`).join('; ');
}

/** The activity boundary: what is thrown inside leaves as a Temporal failure. */
async function asActivity<T>(work: (context: Context) => Promise<T>): Promise<T> {
  const context = Context.current();
  try {
    return await work(context);
  } catch (error) {
    if (!context.cancellationSignal.aborted) throw toApplicationFailure(error);
    const details = context.cancellationDetails;
    if (details?.workerShutdown && !details.cancelRequested) {
      // Not a cancellation of the workflow: the next worker goes on.
      throw ApplicationFailure.create({ message: 'The worker was stopped.', type: 'STEP_FAILED' });
    }
    throw new CancelledFailure('The step was cancelled');
  }
}

/** The code becomes the failure's type and decides about a retry; what has no code is STEP_FAILED and tried again. */
export function toApplicationFailure(error: unknown): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  if (error instanceof SatchelError) {
    return ApplicationFailure.create({
      message: error.message,
      type: error.code,
      nonRetryable: !errorCodes[error.code].retryable,
      details: [error.details],
      ...nextRetryDelayOf(error),
    });
  }
  if (error instanceof RepositoryError) {
    return ApplicationFailure.create({
      message: isErrorCode(error.code) ? error.message : `${error.code}: ${error.message}`,
      type: isErrorCode(error.code) ? error.code : 'STEP_FAILED',
      nonRetryable: !repositoryErrorCodes[error.code].retryable,
    });
  }
  const cause = error instanceof Error ? error : new Error(String(error));
  return ApplicationFailure.create({ message: cause.message, type: 'STEP_FAILED', cause });
}

/** An error that knows when trying again makes sense. */
function nextRetryDelayOf({ details }: SatchelError): { nextRetryDelay?: number } {
  const seconds = details['retryAfterSeconds'];
  return typeof seconds === 'number' ? { nextRetryDelay: Math.max(1, seconds * 1000) } : {};
}

function stepLogger(log: Logger): StepLogger {
  return {
    debug: (message, fields) => log.debug(fields ?? {}, message),
    info: (message, fields) => log.info(fields ?? {}, message),
    warn: (message, fields) => log.warn(fields ?? {}, message),
    error: (message, fields) => log.error(fields ?? {}, message),
  };
}
