/** Mails as the user of a command may read them: of the mail log, and of the embedded mailbox. */
import { findLoggedMail, type MailScope } from '../activities/mail/mail-log.js';
import type { OutboxMail } from '../activities/mail/outbox.js';
import { adminUser, groups, type Session } from '../repository/api.js';
import { findUser, isMember } from '../repository/users.js';
import { mailScopeOf, mayReadMail } from '../server/mail-rights.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { CommandContext } from './command.js';

export interface MailboxReader {
  readonly folder: string;
  mayRead(mail: { readonly to: readonly string[] }): boolean;
}

/** @throws SatchelError MAIL_NOT_CONFIGURED where there is no embedded mailbox */
export async function createMailboxReader({ satchel, user }: CommandContext): Promise<MailboxReader> {
  if (!satchel.mailbox) {
    throw new SatchelError(
      'MAIL_NOT_CONFIGURED',
      'There is no embedded mailbox: mail goes to the mail server of the configuration. See "satchel mail list".',
    );
  }
  const reader = await satchel.repository.withSession(user, async (session) => ({
    email: (await findUser(session, user))?.email,
    administrator: user === adminUser || (await isMember(session, user, groups.administrators)),
  }));
  return { folder: satchel.mailbox.folder, mayRead: (mail) => mayReadMail(reader, mail) };
}

/** Runs with a session that reads all records; what the user sees of them is for `scope` to say. */
export async function withMailLog<T>(
  { satchel, user }: CommandContext,
  work: (session: Session, scope: MailScope) => Promise<T>,
): Promise<T> {
  // First of all the user must be one.
  await satchel.repository.withSession(user, async () => Promise.resolve());
  return satchel.repository.withSession({ service: 'workflow' }, async (session) =>
    work(session, await mailScopeOf(session, satchel.settings, user)),
  );
}

/** @throws SatchelError PATH_NOT_FOUND, the same for a mail that is not for the user to see */
export async function loggedMail(session: Session, scope: MailScope, id: string): Promise<OutboxMail> {
  const mail = await findLoggedMail(session, scope, id);
  if (mail) return mail;
  throw new SatchelError('PATH_NOT_FOUND', `There is no mail "${id}": see "satchel mail list".`);
}

/** A mail of the log for programs: ISO 8601 moments, and no bytes. */
export function mailDocument(mail: OutboxMail): Record<string, unknown> {
  const { path, raw: _raw, lease: _lease, created, sent, next, ...rest } = mail;
  return {
    id: path.slice(path.lastIndexOf('/') + 1),
    ...rest,
    path,
    created: isoOf(created),
    ...(sent !== undefined && { sent: isoOf(sent) }),
    ...(next !== undefined && { next: isoOf(next) }),
  };
}

export function isoOf(moment: number): string {
  return new Date(moment).toISOString();
}
