import { z } from 'zod';
import { readMailboxMail } from '../../activities/mail/mailbox.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { defineCommand } from '../command.js';
import { createMailReader } from '../mail-reader.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

export const mailShowCommand = defineCommand({
  name: 'mail show',
  summary: 'shows a mail of the embedded mailbox',
  declare: (command) => void command.argument('<id>', 'id of the mail, from "satchel mail list"'),
  args: z.object({ id: z.string() }),
  run: async (context, { id }) => {
    const reader = await createMailReader(context);
    const mail = await readMailboxMail(reader.folder, id);
    if (!mail || !reader.mayRead(mail)) {
      throw new SatchelError('PATH_NOT_FOUND', `There is no mail "${id}": see "satchel mail list".`);
    }
    const { raw: _raw, ...document } = mail;
    await answer(context, document, [
      ...table([
        ['from', safeText(mail.from)],
        ['to', safeText(mail.to.join(', '))],
        ['subject', safeText(mail.subject)],
        ['received', mail.received],
        ['file', safeText(mail.file)],
      ]),
      '',
      ...(mail.text ?? '').trimEnd().split(/\r?\n/).map(safeText),
    ]);
    return 0;
  },
});
