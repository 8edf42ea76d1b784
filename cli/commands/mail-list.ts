import { z } from 'zod';
import { listMailLog } from '../../activities/mail/mail-log.js';
import { listMailbox } from '../../activities/mail/mailbox.js';
import { nameOf } from '../../repository/path.js';
import { defineCommand, wholeNumber, type CommandContext, type ExitCode } from '../command.js';
import { createMailboxReader, isoOf, mailDocument, withMailLog } from '../mail-reader.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

const states = ['pending', 'sent', 'failed'] as const;

export const mailListCommand = defineCommand({
  name: 'mail list',
  summary: 'lists mails, the newest first: whom they went to, and what became of them',
  declare: (command) =>
    void command
      .option('--tenant <name>', 'only of this tenant')
      .option('--template <name>', 'only of this template')
      .option('--state <state>', `only those that are ${states.join(', ')}`)
      .option('--recipient <address>', 'only to this address')
      .option('--since <moment>', 'only written at or after it: 2030-01-31, or with a time')
      .option('--limit <count>', 'how many at most; default: 50')
      .option('--after <next>', 'goes on where an earlier list ended: its "next"')
      .option('--mailbox', 'what the embedded mailbox holds instead'),
  args: z.object({
    tenant: z.string().min(1).optional(),
    template: z.string().min(1).optional(),
    state: z.enum(states, `must be one of ${states.join(', ')}`).optional(),
    recipient: z.string().min(1).optional(),
    since: z
      .string()
      .refine((text) => !Number.isNaN(Date.parse(text)), 'must be a date as 2030-01-31, or with a time')
      .transform((text) => new Date(text))
      .optional(),
    limit: wholeNumber(1, 1000).default(50),
    after: z.string().min(1).max(4000).optional(),
    mailbox: z.boolean().default(false),
  }),
  run: async (context, { limit, after, mailbox, ...filter }) => {
    if (mailbox) return listEmbedded(context, limit);
    const { mails, next } = await withMailLog(context, (session, scope) =>
      listMailLog(session, scope, filter, { limit, after }),
    );
    const rows = mails.map(({ path, created, state, tenant, template, to, subject }) =>
      [nameOf(path), isoOf(created), state, tenant, template, to, subject].map(safeText),
    );
    const more = next === undefined ? [] : ['', `more: --after ${next}`];
    const document = { mails: mails.map(mailDocument), ...(next !== undefined && { next }) };
    await answer(context, document, rows.length === 0 ? ['no mails'] : [...table(rows), ...more]);
    return 0;
  },
});

async function listEmbedded(context: CommandContext, limit: number): Promise<ExitCode> {
  const reader = await createMailboxReader(context);
  const mails = (await listMailbox(reader.folder, { limit })).filter((mail) => reader.mayRead(mail));
  const rows = mails.map(({ id, received, to, subject }) => [id, received, to.join(', '), subject].map(safeText));
  await answer(context, { mails }, rows.length === 0 ? ['no mails'] : table(rows));
  return 0;
}
