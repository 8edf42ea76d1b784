/** The embedded mailbox as the user of a command may read it. */
import { adminUser, groups } from '../repository/api.js';
import { findUser, isMember } from '../repository/users.js';
import { mayReadMail } from '../server/mail-rights.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { CommandContext } from './command.js';

export interface MailReader {
  readonly folder: string;
  mayRead(mail: { readonly to: readonly string[] }): boolean;
}

/** @throws SatchelError MAIL_NOT_CONFIGURED where mail goes to a real server */
export async function createMailReader({ satchel, user }: CommandContext): Promise<MailReader> {
  if (!satchel.mailbox) {
    throw new SatchelError(
      'MAIL_NOT_CONFIGURED',
      'Mail goes to the mail server of the configuration; Satchel keeps none to read.',
    );
  }
  const reader = await satchel.repository.withSession(user, async (session) => ({
    email: (await findUser(session, user))?.email,
    administrator: user === adminUser || (await isMember(session, user, groups.administrators)),
  }));
  return { folder: satchel.mailbox.folder, mayRead: (mail) => mayReadMail(reader, mail) };
}
