/** What an error of the driver or the server means to those above the store. */
import { RepositoryError } from '../../errors.js';
import { keyTooLong } from '../key-limit.js';

/** Raised by the function `assert_kept` of the schema. */
export const snapshotExpiredState = 'SX001';

/** Whether the connection ended, or none could be had: what was asked may be asked again on another. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = codeOf(error);
  // 08: connection exceptions; 57P01-03: the server stops, crashed, or starts (PostgreSQL, appendix A).
  if (/^(08...|57P0[123]|ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOENT)$/.test(code)) return true;
  return /connection (terminated|ended)|client has encountered a connection error|timeout exceeded when trying/i.test(
    error.message,
  );
}

/** @param schema for messages that say where to look */
export function asStoreError(error: unknown, schema: string): unknown {
  if (!(error instanceof Error) || error instanceof RepositoryError) return error;
  const code = codeOf(error);
  if (isConnectionLoss(error)) return unavailable(error);
  switch (code) {
    case snapshotExpiredState:
      return new RepositoryError(
        'SNAPSHOT_EXPIRED',
        'The state that is read is older than the database keeps; refresh the session and read again.',
        { cause: error },
      );
    case '53100':
      return new RepositoryError('STORE_FULL', 'The disk of the PostgreSQL server is full; free space and try again.', {
        cause: error,
      });
    // Program limit exceeded; of what the store writes only a key can be too long. Commits are judged before they come here.
    case '54000':
      return keyTooLong(error.message, error);
    // Undefined table, schema, column or function.
    case '42P01':
    case '3F000':
    case '42703':
    case '42883':
      return new RepositoryError(
        'STORE_CORRUPT',
        `The schema "${schema}" is not as Satchel made it (${error.message}); restore it, or name another schema.`,
        { cause: error },
      );
    // Database or user missing, or not allowed in; too many connections.
    case '3D000':
    case '28000':
    case '28P01':
    case '53300':
      return unavailable(error);
    default:
      return error;
  }
}

function unavailable(cause: Error): RepositoryError {
  return new RepositoryError(
    'STORE_UNAVAILABLE',
    `The PostgreSQL server does not answer (${cause.message}); check that it runs and that the configured URL is right.`,
    { cause },
  );
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
