/** Errors must not tell of nodes that may not be read: a save also touches those that lie within what the user changes. */
import { RepositoryError } from '../errors.js';
import type { SavePlan } from '../session-plan.js';
import type { AccessEvaluator } from './evaluate.js';

/**
 * The same paths, with what the user may not know of replaced by the nearest node that they may read. What the user named
 * themself, by adding it, stays.
 */
export function nameablePaths(paths: readonly string[], plan: SavePlan, evaluator: AccessEvaluator): string[] {
  const nameable = paths.map((path) =>
    isAdded(plan, path) || evaluator.canRead(path) ? path : evaluator.nearestReadable(path),
  );
  return [...new Set(nameable)].filter((path) => path !== undefined);
}

/** An error of a check of the save, in words that name no node the user may not know of. */
export function withoutHiddenPaths(error: unknown, plan: SavePlan, evaluator: AccessEvaluator): unknown {
  if (!(error instanceof RepositoryError) || error.code !== 'CONSTRAINT_VIOLATION') return error;
  const paths = nameablePaths(error.paths, plan, evaluator);
  if (paths.length === error.paths.length && paths.every((path, index) => path === error.paths[index])) return error;
  const place = paths[0] === undefined ? 'A node' : `A node at or below ${paths[0]}`;
  return new RepositoryError(error.code, `${place} that may not be read forbids this change.`, { paths });
}

function isAdded(plan: SavePlan, path: string): boolean {
  const node = plan.nodes.get(path);
  return node !== undefined && node.origin === undefined;
}
