import { CancellationScope } from '@temporalio/workflow';
import { executeStep } from './execute-step.js';
import { failureOf } from './failure-of.js';
import { recordOf, visitOf, type Run } from './run.js';

/**
 * Undoes the steps that completed, the newest first, once each however often it ran. A compensation that fails stands in
 * the step's record, and the others still run; a cancellation does not stop them.
 */
export async function compensate(run: Run): Promise<void> {
  await CancellationScope.nonCancellable(async () => {
    for (const name of new Set(run.completed.toReversed())) {
      const node = run.nodes.get(name);
      const compensation = node && 'compensation' in node ? node.compensation : undefined;
      if (!compensation) continue;
      const record = recordOf(run, name);
      const { result } = record;
      try {
        await executeStep(run, compensation, {
          visit: visitOf(record),
          compensates: { name, ...(result !== undefined && { result }) },
        });
        // One that ran again and failed then stays the one that failed.
        if (record.state === 'completed') record.state = 'compensated';
      } catch (error) {
        record.error ??= failureOf(error);
      }
      run.show();
    }
  });
}
