import { condition } from '@temporalio/workflow';
import type { PinnedExternal } from '../contract/model.js';
import { executeStep } from '../execute-step.js';
import { failure, visitOf, type Run, type WritableRecord } from '../run.js';
import { createWaitingNode } from '../waiting-node.js';

/**
 * Waits for an answer from outside, after a step that asks for it where there is one. What answers before that step has
 * ended is not too early. The time counts from the step's end.
 */
export async function runExternal(run: Run, node: PinnedExternal, record: WritableRecord): Promise<void> {
  const { name, title, start, timeoutSeconds } = node;
  const waiting = createWaitingNode(name);
  run.waiting.set(name, waiting);
  try {
    if (start) await executeStep(run, start, { visit: visitOf(record) });
    const answered = await condition(() => waiting.hasOrders, Math.max(1, timeoutSeconds * 1000), {
      summary: `${title}: timeout`,
    });
    if (!answered) {
      throw failure('EXTERNAL_TIMEOUT', `"${title}" had no answer within ${timeoutSeconds} seconds.`);
    }
    let failed: string | undefined;
    await waiting.take(async ({ order }) => {
      if ('result' in order) record.result = order.result ?? null;
      if ('failure' in order) failed = order.failure;
    });
    if (failed !== undefined) throw failure('EXTERNAL_FAILED', failed);
  } finally {
    run.waiting.delete(name);
    waiting.close();
  }
}
