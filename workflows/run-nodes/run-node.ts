import { isCancellation } from '@temporalio/workflow';
import { NodeFailure } from '../node-failure.js';
import type { PinnedNode } from '../contract/model.js';
import { failureOf } from '../failure-of.js';
import { now, recordOf, working, type Run } from '../run.js';
import { runAndSplit } from './run-and-split.js';
import { runContainer } from './run-container.js';
import { runExternal } from './run-external.js';
import { runGoto } from './run-goto.js';
import { runOrSplit } from './run-or-split.js';
import { runParticipant } from './run-participant.js';
import { runProcess } from './run-process.js';

/**
 * Runs one node and keeps its record.
 * @returns the position in its sequence to go on at, from a goto that goes
 * @throws NodeFailure when it failed and its model says nothing else, or CancelledFailure
 */
export async function runNode(
  run: Run,
  node: PinnedNode,
  sequence: readonly PinnedNode[],
): Promise<number | undefined> {
  const record = recordOf(run, node.name);
  record.state = 'running';
  record.started = now();
  delete record.ended;
  if (node.kind !== 'goto' && record.visits !== undefined) record.visits++;
  run.show();
  try {
    const position = await work();
    record.state = 'completed';
    return position;
  } catch (error) {
    if (isCancellation(error)) {
      record.state = 'cancelled';
      throw error;
    }
    record.state = 'failed';
    record.error = failureOf(error);
    const inner = error instanceof NodeFailure ? error : undefined;
    const compensate = inner?.compensate ?? false;
    if (node.onError === 'continue' && !compensate) {
      run.partial = true;
      return undefined;
    }
    const { code, message } = record.error;
    throw new NodeFailure(code, message, inner?.node ?? node.name, compensate || node.onError === 'compensate');
  } finally {
    record.ended = now();
  }

  async function work(): Promise<number | undefined> {
    switch (node.kind) {
      case 'and':
        await runAndSplit(run, node);
        return undefined;
      case 'or':
        await runOrSplit(run, node, record);
        return undefined;
      case 'goto':
        return runGoto(run, node, record, sequence);
      case 'participant':
        await working(run, () => runParticipant(run, node, record));
        return undefined;
      case 'container':
        await working(run, () => runContainer(run, node, record));
        return undefined;
      case 'external':
        await working(run, () => runExternal(run, node, record));
        return undefined;
      default:
        await working(run, () => runProcess(run, node, record));
        run.completed.push(node.name);
        return undefined;
    }
  }
}
