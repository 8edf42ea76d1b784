import { activityOf, countChunks } from './engine-activities.js';
import type { JsonValue, PinnedStep, StepInput } from './contract/model.js';
import { runBounded } from './run-bounded.js';
import { takeOver, type Run, type WritableRecord } from './run.js';

export interface StepExecution {
  /** The how many-th time it runs in this workflow. */
  readonly visit: number;
  readonly compensates?: NonNullable<StepInput['compensates']>;
  /** Told of chunks, and of what failed alone. */
  readonly record?: WritableRecord;
}

/** Runs a step's activity, or one for each of its chunks. @returns the step's result, or each chunk's */
export async function executeStep(run: Run, step: PinnedStep, execution: StepExecution): Promise<JsonValue> {
  const { name, id, major, title, config, layer } = step;
  const { visit, compensates, record } = execution;
  const order: StepInput = {
    step: { name, id, major, title, config, layer, ...(visit > 1 && { visit }) },
    workflow: run.workflow(),
    ...(compensates && { compensates }),
  };
  if (!step.chunked) {
    const output = await activityOf(run, step)(order);
    takeOver(run, output, record);
    return output.result;
  }
  const total = await countChunks(run, step, order);
  let done = 0;
  const show = () => {
    if (record) record.chunks = { done, total };
  };
  show();
  return runBounded(run, total, step.parallel, async (index) => {
    const output = await activityOf(run, step)({ ...order, chunk: { index, count: total } });
    takeOver(run, output, record);
    done++;
    show();
    return output.result;
  });
}
