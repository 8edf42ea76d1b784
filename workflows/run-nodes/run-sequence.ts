import { CancellationScope, condition } from '@temporalio/workflow';
import { mustHalt } from '../continue-as-new.js';
import type { PinnedNode } from '../contract/model.js';
import { reset, skip } from '../reset-nodes.js';
import { recordOf, type Run } from '../run.js';
import { runNode } from './run-node.js';

/** Runs nodes one after the other, leaving out what an earlier run settled. */
export async function runSequence(run: Run, sequence: readonly PinnedNode[]): Promise<void> {
  let position = 0;
  for (let node = sequence[position]; node; node = sequence[position]) {
    if (isSettled(run, node)) {
      position++;
      continue;
    }
    if (run.paused || mustHalt(run) || CancellationScope.current().consideredCancelled) await beforeNode(run);
    const next = (await runNode(run, node, sequence)) ?? position + 1;
    if (next <= position) reset(run, sequence.slice(next, position + 1));
    else skip(run, sequence.slice(position + 1, next));
    position = next;
  }
}

/** What was cancelled ends here, a paused workflow waits; so does, for ever, one that is about to go on as new. */
async function beforeNode(run: Run): Promise<void> {
  const scope = CancellationScope.current();
  if (scope.consideredCancelled) await scope.cancelRequested;
  if (run.paused) await condition(() => !run.paused);
  if (!mustHalt(run)) return;
  run.halt();
  await condition(() => false);
}

/** What is completed, skipped, or failed where the model goes on: only an earlier run can have left that here. */
function isSettled(run: Run, node: PinnedNode): boolean {
  const { state } = recordOf(run, node.name);
  return state === 'completed' || state === 'skipped' || (state === 'failed' && node.onError === 'continue');
}
