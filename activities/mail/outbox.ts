/**
 * Mails as they are kept: one node each, written before the mail is sent and completed afterwards.
 *
 *     <outbox>/<mail key>   to, state (pending | sent | failed), subject, locale, messageId, template, templateVersion,
 *                           layers (JSON), raw (Binary: the complete message), attempts, created, sent, response, error (JSON)
 */
import { saveChanges } from '../../dam/save-changes.js';
import { printable } from '../../repository/path.js';
import type { RepositoryNode, Session } from '../../repository/api.js';
import type { BinaryValue } from '../../repository/value.js';
import type { MailReceipt } from './transport.js';
import type { MailLayers, RenderedMail } from './mailer.js';

export type OutboxState = 'pending' | 'sent' | 'failed';

export interface OutboxMail {
  readonly path: string;
  readonly to: string;
  readonly state: OutboxState;
  readonly subject: string;
  readonly locale: string;
  /** With angle brackets. */
  readonly messageId: string;
  readonly template: string;
  readonly templateVersion: string;
  readonly layers: MailLayers;
  readonly attempts: number;
  readonly raw: BinaryValue | undefined;
  readonly response?: string;
  readonly error?: { readonly code: string; readonly message: string };
}

export async function findOutboxMail(session: Session, path: string): Promise<OutboxMail | undefined> {
  const node = await session.findNode(path);
  return node && toOutboxMail(node);
}

/** The mails of one outbox, in the order they were written. */
export async function listOutbox(session: Session, outbox: string): Promise<OutboxMail[]> {
  const mails: OutboxMail[] = [];
  for await (const node of session.children(outbox)) mails.push(toOutboxMail(node));
  return mails;
}

/** Saves a mail that is about to be sent for the first time. */
export async function addOutboxMail(
  session: Session,
  path: string,
  mail: { to: string; messageId: string; template: string; rendered: RenderedMail; raw: Uint8Array; created: Date },
): Promise<OutboxMail> {
  const { to, messageId, template, rendered, created } = mail;
  const node = await session.addNode(path, {
    properties: {
      to,
      state: 'pending',
      subject: rendered.subject,
      locale: rendered.locale,
      messageId,
      template,
      templateVersion: rendered.templateVersion,
      layers: JSON.stringify(rendered.layers),
      raw: await session.createBinary(mail.raw),
      attempts: 1,
      created,
    },
  });
  await session.save();
  return toOutboxMail(node);
}

/** Counts a further attempt; of two at the same time one fails with CONFLICT and sends nothing. */
export async function startAttempt(session: Session, mail: OutboxMail): Promise<void> {
  await session.setProperties(mail.path, { attempts: mail.attempts + 1, error: null });
  await session.save();
}

export async function recordSent(session: Session, path: string, receipt: MailReceipt): Promise<void> {
  await saveChanges(session, async () => {
    await session.setProperties(path, { state: 'sent', sent: new Date(), response: printable(receipt.response) });
  });
}

/** @param state `failed` for good, `pending` when another attempt may help */
export async function recordProblem(
  session: Session,
  path: string,
  state: 'failed' | 'pending',
  error: { readonly code: string; readonly message: string },
): Promise<void> {
  await saveChanges(session, async () => {
    await session.setProperties(path, { state, error: JSON.stringify({ code: error.code, message: error.message }) });
  });
}

function toOutboxMail(node: RepositoryNode): OutboxMail {
  const [response, error] = [node.text('response'), node.text('error')];
  return {
    path: node.path,
    to: node.text('to') ?? '',
    state: (node.text('state') ?? 'pending') as OutboxState,
    subject: node.text('subject') ?? '',
    locale: node.text('locale') ?? '',
    messageId: node.text('messageId') ?? '',
    template: node.text('template') ?? '',
    templateVersion: node.text('templateVersion') ?? '',
    layers: JSON.parse(node.text('layers') ?? '{}') as MailLayers,
    attempts: node.number('attempts') ?? 0,
    raw: node.binary('raw'),
    ...(response !== undefined && { response }),
    ...(error !== undefined && { error: JSON.parse(error) as { code: string; message: string } }),
  };
}
