/** What an error of the client or the server means to those above the store. */
import { RepositoryError } from '../../errors.js';

/** Whether the server answered that there is no such object. HEAD has no body, so that only the status says it. */
export function isNotFound(error: unknown): boolean {
  return error instanceof Error && error.name !== 'NoSuchBucket' && statusOf(error) === 404;
}

/** Whether the object ends before the first byte that was asked for. */
export function isBeyondEnd(error: unknown): boolean {
  return error instanceof Error && statusOf(error) === 416;
}

/** @param bucket for messages that say where to look */
export function asStoreError(error: unknown, bucket: string): unknown {
  if (!(error instanceof Error) || error instanceof RepositoryError) return error;
  // The client's errors have metadata, a connection's a code, and without credentials nothing is sent.
  if (!('$metadata' in error) && !('code' in error) && error.name !== 'CredentialsProviderError') return error;
  const status = statusOf(error);
  if (status === 507) {
    return new RepositoryError(
      'STORE_FULL',
      `The S3 server of the bucket "${bucket}" is full; free space and try again.`,
      {
        cause: error,
      },
    );
  }
  // Not allowed in, no such bucket, too many requests, out of order; without a status nothing answered at all.
  if (status === undefined || status >= 500 || [301, 401, 403, 404, 429].includes(status)) {
    const reason = error.message || error.name;
    return new RepositoryError(
      'STORE_UNAVAILABLE',
      `The bucket "${bucket}" cannot be used (${status === undefined ? '' : `${status}, `}${reason}); ` +
        'check that the S3 server runs and that endpoint, region, bucket and credentials are right.',
      { cause: error },
    );
  }
  return error;
}

/** The HTTP status of an answer, where there was one. */
function statusOf(error: Error): number | undefined {
  if (!('$metadata' in error)) return undefined;
  return (error.$metadata as { readonly httpStatusCode?: number }).httpStatusCode;
}
