/** Takes old mails out of the mail log, once a day, while Satchel runs. */
import type { Logger } from 'pino';
import { removeOldMails } from '../activities/mail/remove-old-mails.js';
import type { Repository } from '../repository/api.js';
import { runRegularly, type RegularWork } from './run-regularly.js';

const dayMilliseconds = 24 * 3_600_000;

/** @param options.keepDays asked at every run; 0: nothing is taken out */
export function sweepMails(options: {
  readonly repository: Repository;
  readonly keepDays: () => number;
  readonly log: Logger;
  readonly firstAfter?: number;
}): RegularWork {
  const { repository, keepDays, log, firstAfter } = options;
  return runRegularly({
    everyHours: 24,
    firstAfter,
    run: async (signal) => {
      const days = keepDays();
      if (days === 0) return;
      const before = new Date(Date.now() - days * dayMilliseconds);
      const mails = await repository.withSession({ service: 'workflow' }, (session) =>
        removeOldMails(session, before, signal),
      );
      if (mails > 0) log.info({ mails, days }, 'old mails taken out of the mail log');
    },
    onError: (error) => log.error({ err: error }, 'taking old mails out of the mail log failed'),
  });
}
