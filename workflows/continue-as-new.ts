/**
 * A long run goes on as a new one of the same workflow id, with a history of its own, before a node: when nothing else of
 * it is being worked on, so that the records say all there is to say.
 */
import {
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  patched,
  workflowInfo,
} from '@temporalio/workflow';
import { jsonBytes } from './contract/metadata.js';
import { maxConditionResultBytes, type StepRecord, type WorkflowInput } from './contract/model.js';
import type { Run } from './run.js';

/** Events from which a branch waits for the others before its next node. Temporal ends a run at 51,200. */
const maxEvents = 25_000;
/** All results that a new run is told of. Temporal takes an input of 2 MiB. */
const maxSeedResultBytes = 1024 * 1024;

/** Whether a sequence stops before its next node. Asked only there. */
export function mustHalt({ busy }: Pick<Run, 'busy'>): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  if (historyLength <= maxEvents && !(continueAsNewSuggested && busy === 0)) return false;
  // Runs that began before there was such an end go on as they did.
  return patched('continue-as-new');
}

/**
 * Resolves once every sequence stopped or ended, and no update is being answered. Until one stopped nothing is looked at: the
 * conditions of a workflow are evaluated whenever anything happens to it.
 */
export async function untilHalted(run: Run): Promise<void> {
  const workflow = CancellationScope.current();
  await run.halted;
  const isHalted = () => run.busy === 0 && allHandlersFinished() && !workflow.consideredCancelled;
  // A cancellation is for the sequences: they end, and so does the workflow.
  await CancellationScope.nonCancellable(() => condition(isHalted));
}

/** Ends this run, and begins the next one where it is. */
export function goOnAsNew(run: Run): Promise<never> {
  const { seed: earlier, ...input } = run.input;
  return continueAsNew<(input: WorkflowInput) => Promise<unknown>>({
    ...input,
    seed: {
      steps: boundedResults(run.records),
      metadata: run.metadata,
      partial: run.partial,
      ...(run.paused && { paused: true }),
      ...(earlier?.keysOf !== undefined && { keysOf: earlier.keysOf }),
      continued: { completed: run.completed },
    },
  });
}

/** Without the results that are too large to be carried on; conditions do not see those anyway. */
export function boundedResults(records: readonly StepRecord[]): StepRecord[] {
  let left = maxSeedResultBytes;
  return records.map((record) => {
    const { result, ...rest } = record;
    const bytes = result === undefined ? 0 : jsonBytes(result);
    if (bytes > maxConditionResultBytes || bytes > left) return rest;
    left -= bytes;
    return record;
  });
}
