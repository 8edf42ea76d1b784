import { CancellationScope } from '@temporalio/workflow';
import type { Run } from './run.js';

/** Runs `work` for 0 to count-1, at most `parallel` at a time. The first failure cancels the others and is thrown once they ended. */
export async function runBounded<T>(
  run: Run,
  count: number,
  parallel: number,
  work: (index: number) => Promise<T>,
): Promise<T[]> {
  const lanes = Math.min(parallel, count);
  const results: T[] = [];
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  if (lanes > 1) run.forked++;
  await CancellationScope.cancellable(async () => {
    const scope = CancellationScope.current();
    const lane = async () => {
      while (next < count && !failure) {
        const index = next++;
        try {
          results[index] = await work(index);
        } catch (error) {
          failure ??= { error };
          scope.cancel();
        }
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  });
  if (lanes > 1) run.forked--;
  if (failure) throw failure.error;
  return results;
}
