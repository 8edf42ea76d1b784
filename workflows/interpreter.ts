/**
 * The one workflow: it interprets any pinned model, node by node. The Temporal workflow type is the model's id, which is why
 * this is the bundle's default export. Steps run in activities; here is only their order and their end. What each kind of
 * node does is in run-nodes/, one file a kind.
 *
 * This code is replayed against the histories of running workflows. A change that alters which commands it gives, or their
 * order, goes behind `patched('<what-changed>')`, and the recorded histories in test/histories must still replay.
 */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  ParentClosePolicy,
  allHandlersFinished,
  condition,
  defineQuery,
  isCancellation,
  setCurrentDetails,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { answerUpdates } from './answer-updates.js';
import { compensate } from './compensate.js';
import { boundedResults, goOnAsNew, untilHalted } from './continue-as-new.js';
import { metadataChanges } from './contract/metadata.js';
import { names, type Outcome, type WorkflowInput, type WorkflowResult, type WorkflowState } from './contract/model.js';
import { describeProgress } from './describe-progress.js';
import { finish } from './engine-activities.js';
import { failureOf } from './failure-of.js';
import { NodeFailure } from './node-failure.js';
import { runSequence } from './run-nodes/run-sequence.js';
import { createRun, type Run } from './run.js';

/** @returns how it ended, when it ended well @throws ApplicationFailure with a code, or CancelledFailure */
export default async function interpretModel(input: WorkflowInput): Promise<WorkflowResult> {
  const run = createRun(input, {
    runSequence: (nodes) => runSequence(run, nodes),
    show: () => setCurrentDetails(describeProgress(run.state(), run.model)),
  });
  setHandler(defineQuery<WorkflowState>(names.stateQuery), () => run.state());
  answerUpdates(run);

  const ended = await Promise.race([runModel(run), untilHalted(run)]);
  if (!ended) return goOnAsNew(run);
  run.outcome = ended;
  run.show();
  await CancellationScope.nonCancellable(() => recordEnd(run, ended));
  switch (ended.state) {
    case 'failed':
      throw ApplicationFailure.nonRetryable(`${ended.step}: ${ended.message}`, ended.code);
    case 'cancelled':
      throw new CancelledFailure('The workflow was cancelled');
    default: {
      if (input.container === undefined) return ended;
      return { ...ended, metadata: metadataChanges(input.metadata ?? {}, run.metadata) };
    }
  }
}

async function runModel(run: Run): Promise<Outcome> {
  try {
    await run.runSequence(run.model.steps);
    return { state: run.partial ? 'partial' : 'completed' };
  } catch (error) {
    if (isCancellation(error)) return { state: 'cancelled' };
    const failed = error instanceof NodeFailure ? error : undefined;
    if (failed?.compensate) await compensate(run);
    return { state: 'failed', ...failureOf(error), step: failed?.node ?? '' };
  }
}

/** A container's workflow is recorded with the one around it, which outlives it. */
async function recordEnd(run: Run, outcome: Outcome): Promise<void> {
  const { model, records: steps, metadata } = run;
  const workflow = run.workflow();
  const isOutermost = workflow.container === undefined;
  const followed = isOutermost && model.transient && model.completion !== undefined;
  await finish(run, { workflow, transient: model.transient, followed, outcome, steps, metadata });
  if (followed) await reportCompletion(run, outcome);
  // Whoever is being answered gets the answer.
  if (!allHandlersFinished()) await condition(allHandlersFinished);
}

/** The completion model runs on its own: it outlives this workflow, and its end changes nothing here. */
async function reportCompletion(run: Run, outcome: Outcome): Promise<void> {
  const { completion, id: model, title } = run.model;
  if (!completion) return;
  const { id: workflowId, request, payload, tenant, initiator } = run.workflow();
  const steps = boundedResults(run.records);
  const input: WorkflowInput = {
    model: completion,
    request,
    payload,
    tenant,
    initiator,
    completed: { workflowId, model, title, payload, outcome, steps },
  };
  try {
    await startChild(completion.id, {
      workflowId: `${workflowId}-completed`,
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      typedSearchAttributes: workflowInfo().typedSearchAttributes,
      staticSummary: completion.title,
    });
  } catch (error) {
    // A reset of this workflow runs its end again; the notification was given the first time.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
