/**
 * Forgets old commits of the journal, now and then, while Satchel runs. Caches of other processes that stood longer than that read
 * anew what they hold; observers have cursors, which hold the journal as long as somebody uses them.
 */
import type { Logger } from 'pino';
import { retainJournal } from '../repository/maintenance/retain-journal.js';
import type { RepositoryStores } from '../repository/repository.js';
import type { Configuration } from './configuration.js';
import { runRegularly, type RegularWork } from './run-regularly.js';

/** @param options.firstAfter milliseconds until the first run */
export function trimRegularly(options: {
  readonly stores: Pick<RepositoryStores, 'nodes'>;
  readonly configuration: Pick<
    Configuration['maintenance'],
    'trimEveryHours' | 'journalDays' | 'journalCommits' | 'cursorDays'
  >;
  readonly log: Logger;
  readonly firstAfter?: number;
}): RegularWork {
  const { stores, log, firstAfter } = options;
  const { trimEveryHours, journalDays, journalCommits, cursorDays } = options.configuration;
  return runRegularly({
    everyHours: trimEveryHours,
    firstAfter,
    run: async () => {
      const { trimmed, trimmedUpTo, head, heldBy, dead } = await retainJournal(stores.nodes, {
        keepDays: journalDays,
        keepCommits: journalCommits,
        deadAfterDays: cursorDays,
      });
      for (const cursor of dead) {
        log.warn(
          cursor,
          'a cursor that nobody uses no longer holds the journal; "satchel repository cursors --remove" removes it',
        );
      }
      log.info({ trimmed, kept: head - trimmedUpTo, heldBy }, 'journal trimmed');
    },
    onError: (error) => log.error({ err: error }, 'trimming the journal failed'),
  });
}
