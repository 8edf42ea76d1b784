/** A template as it looks now, or would look with its draft: for a preview, and for a test mail. */
import { randomUUID } from 'node:crypto';
import { openDownloadJob } from '../../../dam/download-job-store.js';
import { downloadsRoot } from '../../../dam/download-job.js';
import type { Settings } from '../../../dam/settings/settings.js';
import type { Repository, Session } from '../../../repository/api.js';
import type { OverlayResolver, Tenant } from '../../../repository/overlay/api.js';
import { findUser } from '../../../repository/users.js';
import { SatchelError } from '../../../workflows/contract/errors.js';
import type { JsonObject } from '../../../workflows/contract/model.js';
import { downloadVariables } from '../../notify/email.js';
import { mailOutboxRoot } from '../outbox.js';
import type { Mailer, Recipient, RenderedMail, SentMail } from '../mailer.js';
import { asRecipient, checkRecipients } from '../recipients.js';
import { loadSampleVariables } from '../template-source.js';
import { applyDraft, getDraft } from './drafts.js';

export interface PreviewServices {
  readonly repository: Repository;
  readonly overlay: OverlayResolver;
  readonly settings: Settings;
  readonly mailer: Mailer;
  readonly externalUrl: () => Promise<string>;
}

export interface PreviewOptions {
  readonly tenant: Tenant;
  readonly template: string;
  readonly locale: string | undefined;
  /** With the draft, as if it were published. */
  readonly draft?: boolean;
  /** Instead of the sample. */
  readonly variables?: JsonObject;
  /** Of the sample, with another recipient. */
  readonly recipient?: Recipient;
}

/**
 * Renders what the session's user may read.
 * @param session without unsaved changes, and left so
 * @throws SatchelError UNKNOWN_TEMPLATE, INVALID_TEMPLATE; RepositoryError PATH_NOT_FOUND (no draft)
 */
export async function renderPreview(
  { overlay, mailer }: Pick<PreviewServices, 'overlay' | 'mailer'>,
  session: Session,
  { tenant, template, locale, draft = false, variables, recipient }: PreviewOptions,
): Promise<RenderedMail> {
  try {
    if (draft) await applyDraft(session, tenant, await getDraft(session, tenant, template));
    const sample = variables ?? (await loadSampleVariables(session, overlay, tenant, template));
    const addressed = recipient
      ? { ...sample, recipient: { name: recipient.displayName ?? null, address: recipient.address } }
      : sample;
    return await mailer.render(session, { template, tenant, locale, variables: addressed });
  } finally {
    await session.refresh();
  }
}

/**
 * The variables of a real download that is done.
 * @param mayRead throws UNKNOWN_JOB for a job the user may not see
 * @throws SatchelError UNKNOWN_JOB, also for a download of another tenant
 */
export async function variablesOfJob(
  services: PreviewServices,
  { user, tenant, id }: { readonly user: string; readonly tenant: Tenant; readonly id: string },
  mayRead: (user: string, id: string) => Promise<unknown>,
): Promise<JsonObject> {
  await mayRead(user, id);
  return services.repository.withSession({ service: 'workflow' }, async (service) => {
    const job = await openDownloadJob(service, `${downloadsRoot}/${id}`);
    if (job.tenant !== tenant.name) {
      throw new SatchelError('UNKNOWN_JOB', `There is no job "${id}" of ${tenant.name}.`, { details: { job: id } });
    }
    const reader = await findUser(service, user);
    return {
      ...(await downloadVariables({ services, tenant }, service, job)),
      recipient: { name: reader?.displayName ?? null, address: reader?.email ?? '' },
    };
  });
}

/** Of a mail that tests a template; not translated, as it is for authors. */
export const testMark = '[Test] ';

/**
 * Sends a template with its sample to one person, the subject marked.
 * @param to default: the author's own address; another one must be that of somebody who may get mail of the tenant
 * @throws SatchelError as `renderPreview`; INVALID_REQUEST (no address), RECIPIENT_NOT_ALLOWED, MAIL_NOT_CONFIGURED, MAIL_UNAVAILABLE
 */
export async function sendTest(
  services: PreviewServices,
  session: Session,
  { to, ...options }: PreviewOptions & { readonly to?: string | undefined },
  signal: AbortSignal,
): Promise<SentMail> {
  const { repository, settings, mailer } = services;
  const { tenant, template } = options;
  return repository.withSession({ service: 'workflow' }, async (service) => {
    const author = await findUser(service, session.userId);
    const own = author?.email;
    let recipient: Recipient | undefined;
    if (to === undefined || to.toLowerCase() === own?.toLowerCase()) {
      recipient = author && own !== undefined ? asRecipient(author, own) : undefined;
    } else {
      [recipient] = await checkRecipients(service, settings, tenant, [to]);
    }
    if (!recipient) {
      throw new SatchelError('INVALID_REQUEST', `${session.userId} has no e-mail address: name one with --to.`, {
        details: { field: 'to' },
      });
    }
    const rendered = await renderPreview(services, session, { ...options, recipient });
    const key = randomUUID();
    const [sent] = await mailer.deliver(
      service,
      {
        template,
        tenant,
        recipients: [recipient],
        variables: {},
        outboxParent: `${mailOutboxRoot}/test-${key}`,
        idempotencyKey: key,
        rendered: { ...rendered, subject: `${testMark}${rendered.subject}` },
      },
      signal,
    );
    if (sent) return sent;
    throw new SatchelError('INTERNAL', 'The test mail was not sent.');
  });
}
