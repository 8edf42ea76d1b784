/** Any thrown value as every door answers it: a code of the two error tables, a message, and what is machine-readable. */
import { STATUS_CODES } from 'node:http';
import { RepositoryError, repositoryErrorCodes } from '../repository/errors.js';
import { SatchelError, errorCodes } from '../workflows/contract/errors.js';

export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** HTTP status. */
  readonly status: number;
  /** Exit code of the command line. */
  readonly exit: 1 | 2 | 3;
  /** True for a defect of ours: the message is for the log, not for strangers. */
  readonly unexpected: boolean;
}

/** The body of an error answer, the same over HTTP and on the command line. */
export function problemDocument({ code, message, details }: Problem): {
  error: Omit<Problem, 'status' | 'exit' | 'unexpected'>;
} {
  return { error: { code, message, details } };
}

/** The same as RFC 9457 has it (`application/problem+json`), with code and details as members of its own. */
export function problemDetails({ code, message, details, status }: Problem): Readonly<Record<string, unknown>> {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail: message, code, ...details };
}

export function problemOf(error: unknown): Problem {
  if (error instanceof SatchelError) {
    const { status, exit } = errorCodes[error.code];
    return { code: error.code, message: error.message, details: error.details, status, exit, unexpected: false };
  }
  if (error instanceof RepositoryError) {
    const { status } = repositoryErrorCodes[error.code];
    return {
      code: error.code,
      message: error.message,
      details: {
        ...(error.paths.length > 0 && { paths: error.paths }),
        ...(error.file !== undefined && { file: error.file }),
        ...(error.line !== undefined && { line: error.line }),
        ...(error.parameter !== undefined && { parameter: error.parameter }),
      },
      status,
      // What the caller can put right is wrong usage; what the store or its disk refuse is a failure.
      exit: status < 500 ? 2 : 1,
      unexpected: false,
    };
  }
  const { status, exit } = errorCodes.INTERNAL;
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'INTERNAL', message, details: {}, status, exit, unexpected: true };
}
