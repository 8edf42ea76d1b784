import type { MailboxEntry } from '../activities/mail/mailbox.js';
import type { Account } from './accounts.js';

/** Administrators read every mail of the embedded mailbox, others those that were sent to them. */
export function mayReadMail(
  { administrator, email }: Pick<Account, 'administrator' | 'email'>,
  { to }: Pick<MailboxEntry, 'to'>,
): boolean {
  return administrator || to.some((address) => address.toLowerCase() === email?.toLowerCase());
}
