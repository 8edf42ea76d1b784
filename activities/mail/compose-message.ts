/** One complete message (RFC 5322, multipart/alternative), built once and then only sent. */
import { createHash } from 'node:crypto';
import { domainToASCII } from 'node:url';
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

/**
 * What may stand in an envelope: one @, no blank, control character or anything that ends an address in a header, a domain
 * that DNS could have, and the lengths of RFC 5321 (section 4.5.3.1).
 */
export function isAddress(address: string): boolean {
  if (!/^[^\s\p{Cc}<>()[\],;:\\"@]+@[^\s\p{Cc}<>()[\],;:\\"@]+$/u.test(address)) return false;
  const [local = '', domain = ''] = address.split('@');
  if (!address.isWellFormed() || Buffer.byteLength(local) > 64) return false;
  const host = domainToASCII(domain);
  return host !== '' && Buffer.byteLength(local) + 1 + host.length <= 254;
}

/** As it goes over the wire: the domain in ASCII (RFC 5891), so that only the part before the @ can need SMTPUTF8. */
export function wireAddress(address: string): string {
  const at = address.lastIndexOf('@');
  return `${address.slice(0, at)}@${domainToASCII(address.slice(at + 1))}`;
}

/** Names a mail: the same for every attempt to send it, different for every recipient. Hexadecimal. */
export function mailKey(idempotencyKey: string, address: string): string {
  return createHash('sha256').update(`${idempotencyKey}\0${address.toLowerCase()}`).digest('hex').slice(0, 32);
}

/** `<key@host of the sender>` */
export function messageIdOf(key: string, sender: Mailbox): string {
  const domain = sender.address.slice(sender.address.lastIndexOf('@') + 1);
  return `<${key}@${domainToASCII(domain)}>`;
}

/** Quoted-printable takes three characters for a byte beyond ASCII, base64 four for any three. Chosen here: nodemailer looks much longer. */
function encodingOf(text: string): 'quoted-printable' | 'base64' {
  return (Buffer.byteLength(text) - text.length) * 3 > text.length ? 'base64' : 'quoted-printable';
}

/** @param key decides the boundaries, so that the same mail at the same time is the same bytes */
export async function composeMessage(options: {
  readonly from: Mailbox;
  readonly to: Mailbox;
  readonly replyTo?: Mailbox | undefined;
  /** `mailto:` or `https:` URL, for List-Unsubscribe (RFC 2369). */
  readonly unsubscribe?: string | undefined;
  readonly mail: RenderedMail;
  readonly key: string;
  readonly date: Date;
}): Promise<Uint8Array> {
  const { from, to, replyTo, unsubscribe, mail, key, date } = options;
  const { default: MailComposer } = await import('nodemailer/lib/mail-composer');
  const composer = new MailComposer({
    from: { name: toHeaderLine(from.name), address: from.address },
    to: { name: toHeaderLine(to.name), address: to.address },
    ...(replyTo && { replyTo: { name: toHeaderLine(replyTo.name), address: replyTo.address } }),
    subject: toHeaderLine(mail.subject),
    html: mail.html,
    text: mail.text,
    attachments: (mail.images ?? []).map(({ cid, contentType, data }) => ({
      cid,
      contentType,
      content: Buffer.from(data),
      contentDisposition: 'inline' as const,
      filename: `${cid.split('@')[0] ?? 'picture'}.${contentType.split('/')[1] ?? 'bin'}`,
    })),
    messageId: messageIdOf(key, from),
    date,
    baseBoundary: key,
    textEncoding: encodingOf(mail.html),
    headers: {
      // RFC 3834: no out-of-office replies to a program.
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      'Content-Language': mail.locale,
      ...(unsubscribe !== undefined && { 'List-Unsubscribe': `<${toHeaderLine(unsubscribe)}>` }),
    },
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return composer.compile().build();
}
