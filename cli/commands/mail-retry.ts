import { z } from 'zod';
import { mayRetry } from '../../server/mail-rights.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { defineCommand } from '../command.js';
import { loggedMail, withMailLog } from '../mail-reader.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

export const mailRetryCommand = defineCommand({
  name: 'mail retry',
  summary: 'tries a mail that failed, or waits, once more: the same message with the same Message-ID',
  declare: (command) => void command.argument('<id>', 'id of the mail, from "satchel mail list"'),
  args: z.object({ id: z.string() }),
  run: async (context, { id }) => {
    const sent = await withMailLog(context, async (session, scope) => {
      const mail = await loggedMail(session, scope, id);
      if (!mayRetry(scope, mail)) {
        throw new SatchelError(
          'NOT_ALLOWED',
          `"${context.user}" may not have mails of tenant ${mail.tenant} sent again.`,
        );
      }
      return context.satchel.mailer.retry(session, mail.path, context.signal);
    });
    const { state, to, error, messageId } = sent;
    const line = error ? `not sent to ${to}: ${error.message}` : `sent to ${to}`;
    await answer(context, { id, to, state, messageId, ...(error && { error }) }, [safeText(line)]);
    return state === 'sent' ? 0 : 1;
  },
});
