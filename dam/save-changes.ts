import { RepositoryError } from '../repository/errors.js';
import type { Session } from '../repository/api.js';

const attempts = 10;

/**
 * Makes changes and saves them, again on the newest state when another save came first: chunks of a step write side by
 * side. `change` must be repeatable; it runs once per attempt.
 * @throws Error when the session holds other changes, which a repeat would lose
 */
export async function saveChanges(session: Session, change: () => Promise<void>): Promise<void> {
  if (session.hasPendingChanges) throw new Error('The session has unsaved changes: save or drop them first.');
  await session.refresh();
  for (let attempt = 1; ; attempt += 1) {
    try {
      await change();
      await session.save();
      return;
    } catch (error) {
      await session.refresh();
      const raced = error instanceof RepositoryError && (error.code === 'CONFLICT' || error.code === 'ITEM_EXISTS');
      if (!raced || attempt === attempts) throw error;
    }
  }
}
