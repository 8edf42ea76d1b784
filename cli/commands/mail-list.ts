import { z } from 'zod';
import { listMailbox } from '../../activities/mail/mailbox.js';
import { defineCommand, wholeNumber } from '../command.js';
import { createMailReader } from '../mail-reader.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

export const mailListCommand = defineCommand({
  name: 'mail list',
  summary: 'lists the mails of the embedded mailbox, the newest first',
  declare: (command) => void command.option('--limit <count>', 'how many of the newest to look at; default: 200'),
  args: z.object({ limit: wholeNumber(1, 10_000).default(200) }),
  run: async (context, { limit }) => {
    const reader = await createMailReader(context);
    const mails = (await listMailbox(reader.folder, { limit })).filter((mail) => reader.mayRead(mail));
    const rows = mails.map(({ id, received, to, subject }) => [id, received, to.join(', '), subject].map(safeText));
    await answer(context, { mails }, rows.length === 0 ? ['no mails'] : table(rows));
    return 0;
  },
});
