import type { PinnedBranch, PinnedOrSplit } from '../contract/model.js';
import { evaluate } from '../conditions.js';
import { skip } from '../reset-nodes.js';
import type { Run, WritableRecord } from '../run.js';

/** The first branch whose condition is true, else the one without a condition; the others are skipped. */
export async function runOrSplit(run: Run, split: PinnedOrSplit, record: WritableRecord): Promise<void> {
  const taken =
    record.branch === undefined
      ? await chooseBranch(run, split)
      : split.branches.find(({ name }) => name === record.branch);
  for (const branch of split.branches) if (branch !== taken) skip(run, branch.steps);
  if (!taken) return;
  record.branch = taken.name;
  await run.runSequence(taken.steps);
}

async function chooseBranch(run: Run, split: PinnedOrSplit): Promise<PinnedBranch | undefined> {
  const { branches } = split;
  const conditional = branches.filter(({ condition }) => condition !== undefined);
  const conditions = conditional.map(({ condition = '' }) => condition);
  const index = conditions.length === 0 ? -1 : await evaluate(run, split, conditions);
  return conditional[index] ?? branches.find(({ condition }) => condition === undefined);
}
