import { RepositoryError } from '../errors.js';
import { printable } from '../path.js';

/** @param parameter the name of the one that is wrong, where one is */
export function invalidQuery(problem: string, parameter?: string): RepositoryError {
  return new RepositoryError(
    'INVALID_QUERY',
    `The query ${problem}.`,
    parameter === undefined ? {} : { parameter: printable(parameter.slice(0, 200)) },
  );
}
