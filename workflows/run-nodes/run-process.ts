import type { PinnedStep } from '../contract/model.js';
import { executeStep } from '../execute-step.js';
import { visitOf, type Run, type WritableRecord } from '../run.js';

export async function runProcess(run: Run, step: PinnedStep, record: WritableRecord): Promise<void> {
  record.result = await executeStep(run, step, {
    visit: visitOf(record),
    onChunks: (chunks) => (record.chunks = chunks),
  });
}
