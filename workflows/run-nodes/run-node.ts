import { isCancellation } from '@temporalio/workflow';
import { NodeFailure } from '../node-failure.js';
import type { PinnedGoto, PinnedNode, PinnedStep } from '../contract/model.js';
import { isProcess } from '../contract/step-records.js';
import { executeStep } from '../execute-step.js';
import { failureOf } from '../failure-of.js';
import { now, recordOf, visitOf, type Run, type WritableRecord } from '../run.js';
import { runAndSplit } from './run-and-split.js';
import { runContainer } from './run-container.js';
import { runExternal } from './run-external.js';
import { runGoto } from './run-goto.js';
import { runOrSplit } from './run-or-split.js';
import { runParticipant } from './run-participant.js';

/**
 * Runs one node and keeps its record. A step, the most frequent of them, takes no detour: the SDK takes a stack trace of every promise
 * of workflow code, which is most of what an interpreted step costs more than a written one.
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
  // Splits and gotos are not work themselves: the run may go on as new between the nodes in them.
  const works = node.kind !== 'and' && node.kind !== 'or' && node.kind !== 'goto';
  if (works) run.busy++;
  try {
    let position: number | undefined;
    if (isProcess(node)) {
      record.result = await executeStep(run, node, { visit: visitOf(record), record });
      run.completed.push(node.name);
    } else if (node.kind === 'goto') {
      position = await runGoto(run, node, record, sequence);
    } else {
      await runOther(run, node, record);
    }
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
    if (works) run.busy--;
  }
}

function runOther(run: Run, node: Exclude<PinnedNode, PinnedStep | PinnedGoto>, record: WritableRecord): Promise<void> {
  switch (node.kind) {
    case 'and':
      return runAndSplit(run, node);
    case 'or':
      return runOrSplit(run, node, record);
    case 'participant':
      return runParticipant(run, node, record);
    case 'container':
      return runContainer(run, node, record);
    case 'external':
      return runExternal(run, node, record);
  }
}
