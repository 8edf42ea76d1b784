import { RepositoryError } from '../errors.js';

export function violation(path: string, problem: string): RepositoryError {
  return new RepositoryError('CONSTRAINT_VIOLATION', `The node ${path} ${problem}.`, { paths: [path] });
}
