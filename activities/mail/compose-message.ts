/** One complete message (RFC 5322, multipart/alternative), built once and then only sent. */
import { createHash } from 'node:crypto';
import addressparser from 'nodemailer/lib/addressparser';
import { SatchelError } from '../../workflows/contract/errors.js';
import { toHeaderLine } from './compile-template.js';
import type { RenderedMail } from './mailer.js';

export interface Mailbox {
  readonly address: string;
  readonly name: string;
}

/** `Satchel <satchel@example.com>` or a bare address. @throws SatchelError INVALID_CONFIGURATION */
export function parseSender(from: string): Mailbox {
  const [parsed, ...more] = addressparser(from, { flatten: true });
  if (parsed && more.length === 0 && isAddress(parsed.address)) return { address: parsed.address, name: parsed.name };
  throw new SatchelError('INVALID_CONFIGURATION', `The sender "${toHeaderLine(from)}" is not one e-mail address.`, {
    details: { field: 'from' },
  });
}

/** What may stand in an envelope: one @, no blank, control character or anything that ends an address in a header. */
export function isAddress(address: string): boolean {
  return address.length <= 254 && /^[^\s\p{Cc}<>()[\],;:\\"@]+@[^\s\p{Cc}<>()[\],;:\\"@]+$/u.test(address);
}

/** Names a mail: the same for every attempt to send it, different for every recipient. Hexadecimal. */
export function mailKey(idempotencyKey: string, address: string): string {
  return createHash('sha256').update(`${idempotencyKey}\0${address.toLowerCase()}`).digest('hex').slice(0, 32);
}

/** `<key@host of the sender>` */
export function messageIdOf(key: string, sender: Mailbox): string {
  return `<${key}@${sender.address.slice(sender.address.lastIndexOf('@') + 1)}>`;
}

/** @param key decides the boundaries, so that the same mail at the same time is the same bytes */
export async function composeMessage(options: {
  readonly from: Mailbox;
  readonly to: Mailbox;
  readonly mail: RenderedMail;
  readonly key: string;
  readonly date: Date;
}): Promise<Uint8Array> {
  const { from, to, mail, key, date } = options;
  const { default: MailComposer } = await import('nodemailer/lib/mail-composer');
  const composer = new MailComposer({
    from: { name: toHeaderLine(from.name), address: from.address },
    to: { name: toHeaderLine(to.name), address: to.address },
    subject: toHeaderLine(mail.subject),
    html: mail.html,
    text: mail.text,
    messageId: messageIdOf(key, from),
    date,
    baseBoundary: key,
    headers: {
      // RFC 3834: no out-of-office replies to a program.
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      'Content-Language': mail.locale,
    },
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return composer.compile().build();
}
