import type { PinnedAndSplit } from '../contract/model.js';
import { runBounded } from '../run-bounded.js';
import type { Run } from '../run.js';

/** All branches at once. One that fails cancels the others; the split fails once they ended. */
export async function runAndSplit(run: Run, { branches }: PinnedAndSplit): Promise<void> {
  await runBounded(run, branches.length, branches.length, (index) => run.runSequence(branches[index]?.steps ?? []));
}
