import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, TimeoutFailure } from '@temporalio/workflow';
import { isErrorCode, type ErrorCode } from './contract/errors.js';
import { NodeFailure } from './node-failure.js';

/** What a person is told of a step that failed: the code decides, and an activity that ran out of time has one too. */
export function failureOf(error: unknown): { readonly code: ErrorCode; readonly message: string } {
  if (error instanceof NodeFailure) return { code: error.code, message: error.message };
  const outer = error instanceof ActivityFailure || error instanceof ChildWorkflowFailure;
  const cause = outer && error.cause ? error.cause : error;
  if (cause instanceof TimeoutFailure) {
    const sign = cause.timeoutType === 'HEARTBEAT' ? 'gave no sign of life' : 'did not finish';
    return { code: 'STEP_TIMED_OUT', message: `The step ${sign} in time.` };
  }
  const message = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof ApplicationFailure && isErrorCode(cause.type)) return { code: cause.type, message };
  return { code: 'STEP_FAILED', message };
}
