/** Two authors at the same time: one is first, the other is told. */
import { RepositoryError } from '../../../repository/errors.js';
import { SatchelError } from '../../../workflows/contract/errors.js';

/** @returns TEMPLATE_CONFLICT for a save that came second; every other error as it is */
export function asConflict(error: unknown, template: string): unknown {
  if (!(error instanceof RepositoryError) || (error.code !== 'CONFLICT' && error.code !== 'ITEM_EXISTS')) return error;
  return new SatchelError(
    'TEMPLATE_CONFLICT',
    `Somebody else changed or published "${template}" at the same moment, and was first. Look at it and try again.`,
    { details: { template }, cause: error },
  );
}
