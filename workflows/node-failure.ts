import type { ErrorCode } from './contract/errors.js';

/** A node that failed for good, on its way to whoever decides what that means: a split around it, or the workflow. */
export class NodeFailure extends Error {
  override readonly name = 'NodeFailure';
  constructor(
    readonly code: ErrorCode,
    message: string,
    /** Name of the innermost node that failed. */
    readonly node: string,
    /** What completed is to be undone; then nothing around it goes on. */
    readonly compensate: boolean,
  ) {
    super(message);
  }
}
