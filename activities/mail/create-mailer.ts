/** The mailer: templates from the overlay, an outbox in the repository, sending over a transport. */
import { SatchelError } from '../../workflows/contract/errors.js';
import { saveChanges } from '../../dam/save-changes.js';
import { mailFrom, tenantLocale } from '../../dam/settings/definitions.js';
import { createSettings } from '../../dam/settings/settings.js';
import type { Settings } from '../../dam/settings/settings.js';
import { joinPath } from '../../repository/path.js';
import { compileTemplate } from './compile-template.js';
import { composeMessage, isAddress, mailKey, messageIdOf, parseSender } from './compose-message.js';
import { addOutboxMail, findOutboxMail, recordProblem, recordSent, startAttempt } from './outbox.js';
import { locateTemplate } from './template-source.js';
import type { Session } from '../../repository/api.js';
import type { OverlayResolver } from '../../repository/overlay/api.js';
import type { Mailbox } from './compose-message.js';
import type { CompiledTemplate } from './compile-template.js';
import type { MailOrder, Mailer, Recipient, SentMail } from './mailer.js';
import type { OutboxMail } from './outbox.js';
import type { MailTransport } from './transport.js';

export interface MailerOptions {
  readonly overlay: OverlayResolver;
  /** Default: those of the overlay alone, where the deployment says nothing. */
  readonly settings?: Settings;
  /** `undefined` where no mail is configured: rendering works, delivering fails with MAIL_NOT_CONFIGURED. */
  readonly transport: MailTransport | undefined;
  /** Sender of tenants that name none, `Satchel <satchel@example.com>`. */
  readonly from: string;
}

/** Compiled templates kept: some hundred kilobytes each with MJML's tables. */
const maxCompiled = 200;
/** A complete message; templates bound theirs before. */
const maxMessageBytes = 16 * 1024 * 1024;

interface PlannedMail {
  /** Of its record. */
  readonly path: string;
  readonly key: string;
  readonly order: MailOrder;
  readonly recipient: Recipient;
  readonly sender: Mailbox;
}

/** @throws SatchelError INVALID_CONFIGURATION for a sender that is no address */
export function createMailer(options: MailerOptions): Mailer {
  const { overlay, settings = createSettings({ overlay }), transport, from } = options;
  const configuredSender = parseSender(from);
  const compiled = new Map<string, Promise<CompiledTemplate>>();

  async function compile(session: Session, options: Parameters<Mailer['render']>[1]): Promise<CompiledTemplate> {
    const { value: ownLocale } = await settings.read(session, options.tenant, tenantLocale);
    const located = await locateTemplate(session, overlay, { ...options, tenantLocale: ownLocale });
    const known = compiled.get(located.key);
    // Taken out and put back, so that the first key is the one used longest ago.
    compiled.delete(located.key);
    const pending = known ?? located.read().then(compileTemplate);
    compiled.set(located.key, pending);
    for (const oldest of compiled.keys()) {
      if (compiled.size <= maxCompiled) break;
      compiled.delete(oldest);
    }
    try {
      return await pending;
    } catch (error) {
      compiled.delete(located.key);
      throw error;
    }
  }

  const render: Mailer['render'] = async (session, options) => {
    const template = await compile(session, options);
    return {
      ...template.render(options.variables),
      locale: template.locale,
      layers: template.layers,
      templateVersion: template.version,
    };
  };

  /** Renders, composes and saves a mail that has no record yet. */
  async function writeMail(
    session: Session,
    { path, key, order, recipient, sender }: PlannedMail,
  ): Promise<OutboxMail> {
    const { address, displayName } = recipient;
    const rendered = await render(session, {
      template: order.template,
      tenant: order.tenant,
      locale: recipient.language,
      variables: { ...order.variables, recipient: { name: displayName ?? null, address } },
    });
    const created = new Date();
    const to = { address, name: displayName ?? '' };
    const raw = await composeMessage({ from: sender, to, mail: rendered, key, date: created });
    const messageId = messageIdOf(key, sender);
    return addOutboxMail(session, path, { to: address, messageId, template: order.template, rendered, raw, created });
  }

  async function deliverOne(
    session: Session,
    active: MailTransport,
    order: MailOrder,
    recipient: Recipient,
    signal: AbortSignal,
  ): Promise<SentMail> {
    const key = mailKey(order.idempotencyKey, recipient.address);
    const path = joinPath(order.outboxParent, key);
    const recorded = await findOutboxMail(session, path);
    if (recorded && recorded.state !== 'pending') return asSentMail(recorded, recorded.state);
    if (recorded) await startAttempt(session, recorded);
    const { value: ownSender } = await settings.read(session, order.tenant, mailFrom);
    const sender = ownSender === undefined ? configuredSender : parseSender(ownSender);
    const mail = recorded ?? (await writeMail(session, { path, key, order, recipient, sender }));
    if (!mail.raw) throw new SatchelError('INTERNAL', `The outbox record ${path} has no message.`);
    const raw = await session.readBinary(mail.raw, maxMessageBytes);
    try {
      const receipt = await active.send({ from: sender.address, to: mail.to, messageId: mail.messageId, raw }, signal);
      await recordSent(session, path, receipt);
      return asSentMail(mail, 'sent');
    } catch (error) {
      if (!(error instanceof SatchelError)) throw error;
      const permanent = error.code === 'MAIL_REJECTED';
      await recordProblem(session, path, permanent ? 'failed' : 'pending', error);
      if (!permanent) throw error;
      return asSentMail({ ...mail, error: { code: error.code, message: error.message } }, 'failed');
    }
  }

  return {
    render,
    deliver: async (session, order, signal, onSent) => {
      if (!transport) {
        throw new SatchelError(
          'MAIL_NOT_CONFIGURED',
          'No mail server is configured: set the SMTP host and port, or run with the embedded mailbox.',
        );
      }
      const recipients = uniqueRecipients(order.recipients);
      const sent: SentMail[] = [];
      const unavailable: SatchelError[] = [];
      await saveChanges(session, async () => {
        await session.ensureNode(order.outboxParent);
      });
      for (const recipient of recipients) {
        signal.throwIfAborted();
        try {
          sent.push(await deliverOne(session, transport, order, recipient, signal));
        } catch (error) {
          if (!(error instanceof SatchelError) || error.code !== 'MAIL_UNAVAILABLE') throw error;
          unavailable.push(error);
          // A server that is not there will not be there for the next recipient; one that says "later" may mean this one.
          if (error.details['connection'] === true) break;
        }
        onSent?.(sent.length, recipients.length);
      }
      const [problem] = unavailable;
      if (problem) throw problem;
      return sent;
    },
  };
}

/** @throws SatchelError INVALID_REQUEST for what is no address */
function uniqueRecipients(recipients: readonly Recipient[]): Recipient[] {
  const invalid = recipients.find(({ address }) => !isAddress(address));
  if (invalid) {
    throw new SatchelError('INVALID_REQUEST', `${JSON.stringify(invalid.address)} is not an e-mail address.`, {
      details: { address: invalid.address },
    });
  }
  return [...new Map(recipients.map((recipient) => [recipient.address.toLowerCase(), recipient])).values()];
}

function asSentMail(mail: OutboxMail, state: SentMail['state']): SentMail {
  const { to, subject, locale, messageId, layers, error } = mail;
  return { to, subject, locale, messageId, layers, state, ...(state === 'failed' && error && { error }) };
}
