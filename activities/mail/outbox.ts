/**
 * Mails as they are kept: one node each, written before the mail is sent and completed afterwards. They are the mail log.
 *
 *     <outbox>/<mail key>   satchel:Mail: key, to, recipient (to in small letters), from (envelope), state (pending | sent | failed),
 *                           tenant, subject, locale, messageId, template, templateVersion, layers (JSON), raw (Binary: the complete
 *                           message), attempts, created, sent, response, error (JSON), next (not to be tried before),
 *                           fallback (why it is not of the template in force),
 *                           leaseOwner and leaseUntil (an attempt is at it: no other one sends it)
 */
import { nameOf, printable } from '../../repository/path.js';
import type { RepositoryNode, Session } from '../../repository/api.js';
import type { BinaryValue, PropertyInput } from '../../repository/value.js';
import type { MailLayers, RenderedMail } from './mailer.js';

/** Outboxes of mails that belong to no download: a transient workflow leaves no record of its own. */
export const mailOutboxRoot = '/var/mail/outbox';

export const mailType = 'satchel:Mail';

export type OutboxState = 'pending' | 'sent' | 'failed';

export interface OutboxMail {
  /** Its name is the mail's key. */
  readonly path: string;
  readonly to: string;
  /** Envelope sender. */
  readonly from: string;
  readonly state: OutboxState;
  readonly tenant: string;
  readonly subject: string;
  readonly locale: string;
  /** With angle brackets. */
  readonly messageId: string;
  readonly template: string;
  readonly templateVersion: string;
  readonly layers: MailLayers;
  readonly attempts: number;
  /** Milliseconds since 1970, as the following ones. */
  readonly created: number;
  readonly sent?: number;
  /** Not to be tried before. */
  readonly next?: number;
  readonly lease?: Lease;
  readonly raw: BinaryValue | undefined;
  /** Why it is not of the template's version in force. */
  readonly fallback?: string;
  readonly response?: string;
  readonly error?: MailProblem;
}

export interface MailProblem {
  readonly code: string;
  readonly message: string;
}

/** Held by the attempt that sends the mail; over at `until`, or when the attempt ends. */
export interface Lease {
  readonly owner: string;
  readonly until: number;
}

/** A mail that has no record yet. */
export interface NewMail {
  readonly to: string;
  readonly from: string;
  readonly tenant: string;
  readonly messageId: string;
  readonly template: string;
  readonly rendered: RenderedMail;
  readonly raw: Uint8Array;
  readonly created: Date;
}

/** `null` removes. */
export type RecordProperties = Readonly<Record<string, PropertyInput | null>>;

/** The mails of one outbox, in the order they were written. */
export async function listOutbox(session: Session, outbox: string): Promise<OutboxMail[]> {
  const mails: OutboxMail[] = [];
  for await (const node of session.children(outbox)) mails.push(toOutboxMail(node));
  return mails;
}

/** Adds a record that nobody has tried to send yet; the caller saves. */
export async function addOutboxMail(session: Session, path: string, mail: NewMail): Promise<void> {
  const { to, from, tenant, messageId, template, rendered, created } = mail;
  await session.addNode(path, {
    primaryType: mailType,
    properties: {
      key: nameOf(path),
      to,
      recipient: to.toLowerCase(),
      from,
      state: 'pending',
      tenant,
      subject: rendered.subject,
      locale: rendered.locale,
      messageId,
      template,
      templateVersion: rendered.templateVersion,
      layers: JSON.stringify(rendered.layers),
      ...(rendered.fallback !== undefined && { fallback: rendered.fallback }),
      raw: await session.createBinary(mail.raw),
      attempts: 0,
      created,
    },
  });
}

export function leased({ owner, until }: Lease, attempts: number): RecordProperties {
  return { attempts, leaseOwner: owner, leaseUntil: new Date(until), error: null, next: null };
}

/** The attempt is over, however it went. */
export const unleased: RecordProperties = { leaseOwner: null, leaseUntil: null };

export function sentWith(response: string, now: Date): RecordProperties {
  return { ...unleased, state: 'sent', sent: now, response: printable(response), error: null, next: null };
}

/** @param next `undefined`: it failed for good */
export function problemWith({ code, message }: MailProblem, next: Date | undefined): RecordProperties {
  const error = JSON.stringify({ code, message });
  return { ...unleased, state: next ? 'pending' : 'failed', error, next: next ?? null };
}

export function toOutboxMail(node: RepositoryNode): OutboxMail {
  const [fallback, response, error] = ['fallback', 'response', 'error'].map((name) => node.text(name));
  const [sent, next, until] = [momentOf(node, 'sent'), momentOf(node, 'next'), momentOf(node, 'leaseUntil')];
  const owner = node.text('leaseOwner');
  return {
    path: node.path,
    to: node.text('to') ?? '',
    from: node.text('from') ?? '',
    state: (node.text('state') ?? 'pending') as OutboxState,
    tenant: node.text('tenant') ?? '',
    subject: node.text('subject') ?? '',
    locale: node.text('locale') ?? '',
    messageId: node.text('messageId') ?? '',
    template: node.text('template') ?? '',
    templateVersion: node.text('templateVersion') ?? '',
    layers: JSON.parse(node.text('layers') ?? '{}') as MailLayers,
    attempts: node.number('attempts') ?? 0,
    created: momentOf(node, 'created') ?? 0,
    raw: node.binary('raw'),
    ...(sent !== undefined && { sent }),
    ...(next !== undefined && { next }),
    ...(owner !== undefined && until !== undefined && { lease: { owner, until } }),
    ...(fallback !== undefined && { fallback }),
    ...(response !== undefined && { response }),
    ...(error !== undefined && { error: JSON.parse(error) as MailProblem }),
  };
}

function momentOf(node: RepositoryNode, name: string): number | undefined {
  const text = node.text(name);
  return text === undefined ? undefined : Date.parse(text);
}
