import { activityOf, countChunks } from './engine-activities.js';
import type { JsonValue, PinnedStep, StepInput } from './contract/model.js';
import { runBounded } from './run-bounded.js';
import { takeOver, type Run } from './run.js';

export interface StepExecution {
  /** The how many-th time it runs in this workflow. */
  readonly visit: number;
  readonly compensates?: NonNullable<StepInput['compensates']>;
  readonly onChunks?: (chunks: { readonly done: number; readonly total: number }) => void;
}

/** Runs a step's activity, or one for each of its chunks. @returns the step's result, or each chunk's */
export async function executeStep(run: Run, step: PinnedStep, execution: StepExecution): Promise<JsonValue> {
  const { name, id, major, title, config, layer } = step;
  const { visit, compensates, onChunks } = execution;
  const order: StepInput = {
    step: { name, id, major, title, config, layer, ...(visit > 1 && { visit }) },
    workflow: run.workflow(),
    ...(compensates && { compensates }),
  };
  if (!step.chunked) {
    const output = await activityOf(run, step)(order);
    takeOver(run, output);
    return output.result;
  }
  const total = await countChunks(run, step, order);
  let done = 0;
  onChunks?.({ done, total });
  return runBounded(run, total, step.parallel, async (index) => {
    const output = await activityOf(run, step)({ ...order, chunk: { index, count: total } });
    takeOver(run, output);
    onChunks?.({ done: ++done, total });
    return output.result;
  });
}
