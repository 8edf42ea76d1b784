import { RepositoryError } from '../errors.js';

export function invalidQuery(problem: string): RepositoryError {
  return new RepositoryError('INVALID_QUERY', `The query ${problem}.`);
}
