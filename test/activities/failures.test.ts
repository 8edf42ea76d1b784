import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { toApplicationFailure } from '../../activities/run-step.js';
import { RepositoryError, repositoryErrorCodes, type RepositoryErrorCode } from '../../repository/errors.js';
import { SatchelError, errorCodes, isErrorCode, type ErrorCode } from '../../workflows/contract/errors.js';

describe('what leaves an activity', () => {
  it.each(Object.keys(errorCodes) as ErrorCode[])('%s is tried again exactly where the table says so', (code) => {
    const failure = toApplicationFailure(new SatchelError(code, 'message', { details: { path: '/x' } }));
    expect(failure).toMatchObject({ type: code, message: 'message', nonRetryable: !errorCodes[code].retryable });
    expect(failure.details).toEqual([{ path: '/x' }]);
  });

  it.each(Object.keys(repositoryErrorCodes) as RepositoryErrorCode[])('%s of the repository too', (code) => {
    const failure = toApplicationFailure(new RepositoryError(code, 'message'));
    expect(failure.nonRetryable).toBe(!repositoryErrorCodes[code].retryable);
    expect(isErrorCode(failure.type)).toBe(true);
    expect(`${failure.type ?? ''} ${failure.message}`).toContain(code);
  });

  it.each([new TypeError('a slip'), 'a text', undefined])('%s is STEP_FAILED, and tried again', (thrown) => {
    expect(toApplicationFailure(thrown)).toMatchObject({ type: 'STEP_FAILED', nonRetryable: false });
  });

  it('an ApplicationFailure is what it was', () => {
    const failure = ApplicationFailure.nonRetryable('own', 'OWN');
    expect(toApplicationFailure(failure)).toBe(failure);
  });
});
