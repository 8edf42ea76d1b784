/**
 * Mail as steps use it: resolve a template for a tenant and locale, render it for one recipient, put it into an outbox
 * and send it once. Implemented in create-mailer.ts.
 */
import type { Tenant } from '../../repository/overlay/api.js';
import type { Session } from '../../repository/api.js';
import type { MailImage } from './mail-images.js';
import type { TemplateProblem } from './template-problem.js';
import type { JsonObject } from '../../workflows/contract/model.js';

export interface Recipient {
  readonly address: string;
  readonly displayName?: string;
  /** Profile language, when known. */
  readonly language?: string;
  /** IANA name, when known; else the tenant's. */
  readonly timeZone?: string;
}

/** Which layer each part of a rendered mail came from, e.g. `subject` → `/conf/aurora`, `theme.color` → `/apps`. */
export type MailLayers = Readonly<Record<string, string>>;

export interface RenderedMail {
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  readonly locale: string;
  readonly layers: MailLayers;
  /** SHA-256 over everything the template is made of. */
  readonly templateVersion: string;
  /** Why it is not of the version in force, and what was used instead (safe-render.ts). */
  readonly fallback?: string;
  /** Pictures that go with it, by content id. */
  readonly images?: readonly MailImage[];
  /** What an author should know: placeholders that stand for nothing, colours that are hard to read. */
  readonly remarks?: readonly TemplateProblem[];
}

export interface MailOrder {
  /** Template name below settings/dam/workflow/notification/email. */
  readonly template: string;
  readonly tenant: Tenant;
  readonly recipients: readonly Recipient[];
  readonly variables: JsonObject;
  /** Node below which the outbox records live, one per recipient. */
  readonly outboxParent: string;
  /** Decides the Message-ID together with the recipient. */
  readonly idempotencyKey: string;
  /** Rendered already: a test of a draft. */
  readonly rendered?: RenderedMail;
}

export interface SentMail {
  readonly to: string;
  readonly subject: string;
  readonly locale: string;
  readonly messageId: string;
  readonly layers: MailLayers;
  readonly state: 'sent' | 'failed';
  /** See `RenderedMail`. */
  readonly fallback?: string;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface RenderOptions {
  readonly template: string;
  readonly tenant: Tenant;
  /** Wanted locale; falls back language-REGION → language → tenant's default → en. */
  readonly locale: string | undefined;
  readonly variables: JsonObject;
  /** Of dates, an IANA name. Default: the tenant's, else UTC. */
  readonly timeZone?: string | undefined;
}

export interface Mailer {
  /** @throws SatchelError UNKNOWN_TEMPLATE, INVALID_TEMPLATE (file, line, reason) */
  render(session: Session, options: RenderOptions): Promise<RenderedMail>;
  /** Whether mail can be sent at all at the moment: in production mode that takes a mail server. */
  available(): Promise<boolean>;
  /**
   * Walks the recipients: an outbox record with the finished bytes first, then the sending, then the reply (deliver-mails.ts). A
   * recipient that was sent to already is passed over, so calling again after a crash sends no second mail, except when the
   * crash fell between the server's reply and its record; then the same bytes with the same Message-ID go out again.
   * @param session used by nobody else until it is done
   * @throws SatchelError MAIL_UNAVAILABLE when a retry can help, after the seconds in its details; MAIL_NOT_CONFIGURED;
   * permanent refusals, and what was given up, are reported in the result
   */
  deliver(
    session: Session,
    order: MailOrder,
    signal: AbortSignal,
    onSent?: (done: number, total: number) => void,
  ): Promise<SentMail[]>;
  /**
   * Tries a mail that failed, or waits, once more: the same bytes with the same Message-ID.
   * @throws SatchelError PATH_NOT_FOUND; INVALID_REQUEST for one that was sent; MAIL_NOT_CONFIGURED
   */
  retry(session: Session, path: string, signal: AbortSignal): Promise<SentMail>;
}
