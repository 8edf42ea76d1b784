/** The mailer: templates from the overlay, an outbox in the repository, sending over a transport. */
import { SatchelError } from '../../workflows/contract/errors.js';
import { saveChanges } from '../../dam/save-changes.js';
import type { SettingDefinition } from '../../dam/settings/define-setting.js';
import {
  mailBounce,
  mailFrom,
  mailGiveUp,
  mailImages,
  mailReplyTo,
  mailUnsubscribe,
  tenantLocale,
  tenantTimeZone,
} from '../../dam/settings/definitions.js';
import { createSettings } from '../../dam/settings/settings.js';
import type { Settings } from '../../dam/settings/settings.js';
import { joinPath, nameOf } from '../../repository/path.js';
import { composeMessage, isAddress, mailKey, messageIdOf, parseSender } from './compose-message.js';
import { deliverMails } from './deliver-mails.js';
import type { MailSigner } from './dkim.js';
import { linkedImages, renderWithImages } from './mail-images.js';
import { toOutboxMail, type NewMail } from './outbox.js';
import { createSafeRender, type FallbackAlert } from './safe-render.js';
import { TemplateCache } from './template-cache.js';
import { locateTemplate } from './template-source.js';
import type { Session } from '../../repository/api.js';
import type { OverlayResolver, Tenant } from '../../repository/overlay/api.js';
import type { Mailbox } from './compose-message.js';
import type { CompiledTemplate, MailImages } from './compile-template.js';
import type { MailOrder, Mailer, Recipient, RenderOptions, RenderedMail } from './mailer.js';
import type { MailTransport } from './transport.js';

export interface MailerOptions {
  readonly overlay: OverlayResolver;
  /** Default: those of the overlay alone, where the deployment says nothing. */
  readonly settings?: Settings;
  /** `undefined` where no mail is configured: rendering works, delivering fails with MAIL_NOT_CONFIGURED. */
  readonly transport: MailTransport | undefined;
  /** Sender of tenants that name none, `Satchel <satchel@example.com>`. */
  readonly from: string;
  /** Signs a finished message, by the domain of its sender (dkim.ts). Default: none is signed. */
  readonly sign?: MailSigner | undefined;
  /** Mails under way at once. Default 2, as many as the transport has connections. */
  readonly parallel?: () => number;
  /** See deliver-mails.ts. */
  readonly leaseTime?: number;
  readonly alone?: boolean;
  readonly retryAfter?: (attempts: number) => number;
  /** A mail went out with another version of its template than the one in force, which does not render. */
  readonly onFallback?: (alert: FallbackAlert) => void;
  /** Where people reach the installation, without a slash at the end. Without it pictures always go with the mail. */
  readonly externalUrl?: () => string | Promise<string>;
}

/** @throws SatchelError INVALID_CONFIGURATION for a sender that is no address */
export function createMailer(options: MailerOptions): Mailer {
  const { overlay, settings = createSettings({ overlay }), transport, from, sign, externalUrl } = options;
  const { parallel = () => 2, leaseTime, alone = false, retryAfter } = options;
  const pace = {
    get parallel() {
      return parallel();
    },
    alone,
    ...(leaseTime !== undefined && { leaseTime }),
    ...(retryAfter && { retryAfter }),
  };
  const configuredSender = parseSender(from);
  const compiled = new TemplateCache();

  async function compile(session: Session, options: RenderOptions): Promise<CompiledTemplate> {
    const { value: ownLocale } = await settings.read(session, options.tenant, tenantLocale);
    return compiled.compile(session, await locateTemplate(session, overlay, { ...options, tenantLocale: ownLocale }));
  }

  const render: Mailer['render'] = async (session, options) => draw(session, await compile(session, options), options);

  /** For one recipient, with the pictures that go with it. */
  async function draw(session: Session, template: CompiledTemplate, options: RenderOptions): Promise<RenderedMail> {
    const { value: ownTimeZone } = await settings.read(session, options.tenant, tenantTimeZone);
    const { value: mode } = await settings.read(session, options.tenant, mailImages);
    const timeZone = options.timeZone ?? ownTimeZone;
    const host = await externalUrl?.();
    const fill = (shown: MailImages) => template.render(options.variables, { timeZone, host, images: shown });
    const { result, images } =
      mode === 'link' && host !== undefined
        ? { result: fill(linkedImages(host)), images: [] }
        : await renderWithImages(session, fill);
    return {
      ...result,
      images,
      locale: template.locale,
      layers: template.layers,
      templateVersion: template.version,
    };
  }

  /** Who the mails of a tenant come from, and how they are to be sent. */
  async function mailPolicy(session: Session, tenant: Tenant): Promise<MailPolicy> {
    const read = async <Value>(setting: SettingDefinition<Value>) =>
      (await settings.read(session, tenant, setting)).value;
    const [ownSender, replyTo, bounce, unsubscribe, giveUpMinutes] = [
      await read(mailFrom),
      await read(mailReplyTo),
      await read(mailBounce),
      await read(mailUnsubscribe),
      await read(mailGiveUp),
    ];
    const sender = ownSender === undefined ? configuredSender : parseSender(ownSender);
    return {
      sender,
      replyTo: replyTo === undefined ? undefined : parseSender(replyTo),
      bounce: bounce ?? sender.address,
      unsubscribe,
      giveUpAfter: giveUpMinutes * 60_000,
    };
  }

  const renderSafely = createSafeRender({
    overlay,
    render,
    draw,
    tenantLocale: async (session, tenant) => (await settings.read(session, tenant, tenantLocale)).value,
    onFallback: options.onFallback,
  });

  /** Renders, composes and signs a mail that has no record yet. */
  async function composeMail(
    session: Session,
    order: MailOrder,
    { sender, replyTo, bounce, unsubscribe }: MailPolicy,
    recipient: Recipient,
    key: string,
  ): Promise<NewMail> {
    const { address, displayName } = recipient;
    const rendered =
      order.rendered ??
      (await renderSafely(session, {
        template: order.template,
        tenant: order.tenant,
        locale: recipient.language,
        timeZone: recipient.timeZone,
        variables: { ...order.variables, recipient: { name: displayName ?? null, address } },
      }));
    const created = new Date();
    const to = { address, name: displayName ?? '' };
    const message = await composeMessage({
      from: sender,
      to,
      replyTo,
      unsubscribe,
      mail: rendered,
      key,
      date: created,
    });
    return {
      to: address,
      from: bounce,
      tenant: order.tenant.name,
      messageId: messageIdOf(key, sender),
      template: order.template,
      rendered,
      raw: sign ? await sign(message, sender.address) : message,
      created,
    };
  }

  /** @throws SatchelError MAIL_NOT_CONFIGURED */
  async function activeTransport(): Promise<MailTransport> {
    if (transport && (await isAvailable())) return transport;
    throw new SatchelError(
      'MAIL_NOT_CONFIGURED',
      'No mail server is configured: set mail.smtp (SATCHEL_SMTP), or run in development mode with the embedded mailbox.',
    );
  }

  async function isAvailable(): Promise<boolean> {
    return transport !== undefined && ((await transport.available?.()) ?? true);
  }

  return {
    render,
    available: isAvailable,
    deliver: async (session, order, signal, onSent) => {
      const active = await activeTransport();
      const recipients = uniqueRecipients(order.recipients);
      await saveChanges(session, async () => {
        await session.ensureNode(order.outboxParent);
      });
      const policy = await mailPolicy(session, order.tenant);
      return deliverMails({
        session,
        mails: recipients.map((recipient) => {
          const key = mailKey(order.idempotencyKey, recipient.address);
          return {
            path: joinPath(order.outboxParent, key),
            compose: () => composeMail(session, order, policy, recipient, key),
          };
        }),
        transport: active,
        giveUpAfter: policy.giveUpAfter,
        ...pace,
        signal,
        onSent,
      });
    },
    retry: async (session, path, signal) => {
      const active = await activeTransport();
      await saveChanges(session, async () => {
        const node = await session.findNode(path);
        const state = node && toOutboxMail(node).state;
        if (state === undefined) throw new SatchelError('PATH_NOT_FOUND', `There is no mail at ${path}.`);
        if (state === 'sent') throw new SatchelError('INVALID_REQUEST', `The mail ${nameOf(path)} was sent already.`);
        await session.setProperties(path, { state: 'pending', next: null });
      });
      const compose = () => Promise.reject(new SatchelError('PATH_NOT_FOUND', `There is no mail at ${path} any more.`));
      const mails = [{ path, compose }];
      // Nobody would try it again: what is not taken now failed.
      const [sent] = await deliverMails({ session, mails, transport: active, giveUpAfter: 0, ...pace, signal });
      if (!sent) throw new SatchelError('INTERNAL', `Nothing became of the mail at ${path}.`);
      return sent;
    },
  };
}

interface MailPolicy {
  readonly sender: Mailbox;
  readonly replyTo: Mailbox | undefined;
  /** Envelope sender. */
  readonly bounce: string;
  readonly unsubscribe: string | undefined;
  /** Milliseconds. */
  readonly giveUpAfter: number;
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
