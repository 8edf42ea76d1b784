import type { PinnedGoto, PinnedNode } from '../contract/model.js';
import { evaluate } from '../conditions.js';
import { failure, type Run, type WritableRecord } from '../run.js';

/**
 * Decides whether a goto goes, which it does at most `maximum` times in one workflow.
 * @returns the position in `sequence` to go on at, or `undefined` for the node after it
 */
export async function runGoto(
  run: Run,
  node: PinnedGoto,
  record: WritableRecord,
  sequence: readonly PinnedNode[],
): Promise<number | undefined> {
  const { target, condition, maximum } = node;
  const position = sequence.findIndex(({ name }) => name === target);
  if (position < 0) throw failure('INVALID_MODEL', `There is no "${target}" to go to beside this node.`);
  const went = record.visits ?? 0;
  if (went >= maximum) return undefined;
  if (condition !== undefined && (await evaluate(run, node, [condition])) !== 0) return undefined;
  record.visits = went + 1;
  return position;
}
