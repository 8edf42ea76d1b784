/** What versions need of the session they belong to. */
import type { AccessEvaluator } from '../access/evaluate.js';
import type { Session } from '../api.js';
import { RepositoryError } from '../errors.js';
import type { NodeTypeRegistry } from '../node-types/registry.js';
import { isDescendantOrSelf } from '../path.js';
import type { SessionContext } from '../session.js';
import type { TransientSpace } from '../session-transient.js';
import type { SessionView } from '../session-view.js';

export interface VersionHost {
  readonly session: Session;
  readonly context: SessionContext;
  readonly transient: TransientSpace;
  /** As of now: the session moves on. */
  view(): SessionView;
  access(): AccessEvaluator;
  types(): NodeTypeRegistry;
}

/** @throws CONSTRAINT_VIOLATION */
export function assertSaved({ transient }: VersionHost, path: string): void {
  const unsaved =
    transient.isRemoved(path) ||
    [...transient.nodes(), ...transient.removedSubtrees()].some((changed) => isDescendantOrSelf(changed.path, path));
  if (unsaved) {
    throw new RepositoryError(
      'CONSTRAINT_VIOLATION',
      `There are unsaved changes at or below ${path}; save them first.`,
      {
        paths: [path],
      },
    );
  }
}

/** The same words for what is absent and what may not be read. */
export function noVersion(path: string, nameOrLabel: string): RepositoryError {
  return new RepositoryError(
    'PATH_NOT_FOUND',
    `There is no version "${nameOrLabel}" of ${path}, or it may not be read.`,
    {
      paths: [path],
    },
  );
}

export function noNode(path: string): RepositoryError {
  return new RepositoryError('PATH_NOT_FOUND', `There is no node ${path}, or it may not be read.`, { paths: [path] });
}
