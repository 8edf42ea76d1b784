/**
 * What people and things outside may say to a running workflow. A validator refuses with a code before anything is written
 * to the history; what is accepted answers once it is in force.
 */
import { defineUpdate, setHandler } from '@temporalio/workflow';
import { mergeMetadata, metadataProblem, jsonBytes } from './contract/metadata.js';
import { names, type ExternalOrder, type WorkItemOrder } from './contract/model.js';
import { failure, type Run } from './run.js';
import type { WaitingNode, WaitingOrder } from './waiting-node.js';

/** What a person writes, in characters; and what comes from outside, as results of steps: bytes as JSON. */
const maxCommentLength = 4_000;
const maxIdLength = 255;
const maxResultBytes = 32 * 1024;

/** Only that it is in force. */
type Answer = undefined;

export function answerUpdates(run: Run): void {
  setHandler(defineUpdate<Answer>(names.pauseUpdate), () => setPaused(true), {
    description: 'Stops before the next step',
    validator: mustRun,
  });
  setHandler(defineUpdate<Answer>(names.resumeUpdate), () => setPaused(false), {
    description: 'Goes on after a pause',
    validator: mustRun,
  });
  const workItem = (update: string, kind: 'complete' | 'delegate' | 'return', description: string) =>
    setHandler(defineUpdate<Answer, [WorkItemOrder]>(update), (order) => findWaiting(order.step).ask({ kind, order }), {
      description,
      validator: (order: WorkItemOrder) => checkWorkItemOrder(order, kind),
    });
  workItem(names.completeWorkItemUpdate, 'complete', 'Completes a work item');
  workItem(names.delegateWorkItemUpdate, 'delegate', 'Gives a work item to somebody else');
  workItem(names.returnWorkItemUpdate, 'return', 'Gives a work item back');
  setHandler(
    defineUpdate<Answer, [ExternalOrder]>(names.completeExternalUpdate),
    (order) => findWaiting(order.step).ask({ kind: 'external', order }),
    { description: 'Says that what works outside is done', validator: checkExternalOrder },
  );

  function setPaused(paused: boolean): Answer {
    run.paused = paused;
    run.show();
    return undefined;
  }

  function mustRun(): void {
    if (run.outcome) throw failure('NOT_WAITING', 'The workflow is over.');
  }

  function findWaiting(step: string): WaitingNode {
    const waiting = run.waiting.get(step);
    if (waiting) return waiting;
    throw failure('NOT_WAITING', `"${step}" waits for nobody now.`);
  }

  function checkWorkItemOrder(order: WorkItemOrder, kind: WaitingOrder['kind']): void {
    checkWaits(order, 'participant');
    checkText('by', order.by, maxIdLength, true);
    checkText('comment', order.comment, maxCommentLength, false);
    if (kind === 'delegate') checkText('to', order.to, maxIdLength, true);
    const { metadata } = order;
    if (metadata === undefined) return;
    if (typeof metadata !== 'object' || Array.isArray(metadata)) {
      throw failure('INVALID_REQUEST', 'metadata: must be an object.');
    }
    const problem = metadataProblem(mergeMetadata(run.metadata, metadata));
    if (problem !== undefined) throw failure('METADATA_TOO_LARGE', problem);
  }

  function checkExternalOrder(order: ExternalOrder): void {
    checkWaits(order, 'external');
    checkText('failure', order.failure, maxCommentLength, false);
    const bytes = order.result === undefined ? 0 : jsonBytes(order.result);
    if (bytes > maxResultBytes) {
      throw failure(
        'INVALID_REQUEST',
        `result: ${bytes} bytes, more than ${maxResultBytes}; answer a path or reference.`,
      );
    }
  }

  /** Validators run on whatever somebody sent. */
  function checkWaits(order: unknown, kind: 'participant' | 'external'): void {
    const step: unknown = typeof order === 'object' && order !== null && 'step' in order ? order.step : undefined;
    if (typeof step !== 'string') throw failure('INVALID_REQUEST', 'step: must name a step.');
    mustRun();
    if (run.nodes.get(step)?.kind !== kind) {
      throw failure('UNKNOWN_WORK_ITEM', `${run.model.id} has no step "${step}" that waits for this.`);
    }
    if (findWaiting(step).answered) throw failure('NOT_WAITING', `"${step}" was answered already.`);
  }
}

function checkText(field: string, value: unknown, maxLength: number, required: boolean): void {
  if (value === undefined && !required) return;
  if (typeof value !== 'string' || (required && value.trim() === '')) {
    throw failure('INVALID_REQUEST', `${field}: must be a text.`);
  }
  if (value.length > maxLength) {
    throw failure('INVALID_REQUEST', `${field}: ${value.length} characters, more than ${maxLength}.`);
  }
}
