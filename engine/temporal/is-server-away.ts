import { isGrpcServiceError } from '@temporalio/client';

/** Numbers of gRPC status codes: DEADLINE_EXCEEDED, UNAVAILABLE, and CANCELLED as a closing connection gives it. */
const awayCodes = new Set([1, 4, 14]);

/** Whether a call failed because the server is not there, which passes, and not because of what was asked. */
export function isServerAway(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (isGrpcServiceError(cause)) return awayCodes.has(cause.code);
  }
  return false;
}
