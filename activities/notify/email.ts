/** Step `notify/email`: tells people by mail that their download, or a workflow they started, is done. */
import { z } from 'zod';
import { nameOf } from '../../repository/path.js';
import { findUser } from '../../repository/users.js';
import type { SettingDefinition } from '../../dam/settings/define-setting.js';
import { listedArchives, listedSkipped, listedSteps } from '../../dam/settings/definitions.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { defineStep } from '../define-step.js';
import { mailOutboxRoot } from '../mail/outbox.js';
import { asRecipient, checkRecipients } from '../mail/recipients.js';
import type { DownloadJob } from '../../dam/download-job.js';
import type { Session, UserProfile } from '../../repository/api.js';
import type { CompletedWorkflow, JsonObject } from '../../workflows/contract/model.js';
import type { PackedArchives } from '../../workflows/contract/plan.js';
import type { Recipient } from '../mail/mailer.js';
import type { StepContext, StepServices } from '../define-step.js';

const config = z.strictObject({
  /** Name of the e-mail template. Default: `downloadasset`, or `transientworkflowcompleted` for a completion model. */
  template: z.string().min(1).optional(),
  /** `requester`: the addresses of the request, else the address in the requester's profile. */
  to: z.union([z.literal('requester'), z.array(z.email()).min(1)]).default('requester'),
});

const result = z.object({
  sent: z.number(),
  failed: z.number(),
  /** Node that has one record per mail. */
  outbox: z.string().exactOptional(),
  /** Why nobody was notified. */
  note: z.string().exactOptional(),
});

type Config = z.output<typeof config>;

export const emailStep = defineStep({
  id: 'notify/email',
  title: 'Send e-mail',
  description:
    'Renders an e-mail template for each recipient, in their language and with the tenant’s theme, and sends it once.',
  config,
  result,
  // Walks on for as long as a rate limit makes it; attempts are spread by how long mails are tried (dam/mail/giveUpMinutes).
  timeoutSeconds: 3600,
  maximumAttempts: 100,
  simulated: true,
  examples: [
    { title: 'Tell the requester', config: { to: 'requester' } },
    { title: 'Another template to a fixed address', config: { template: 'acme-approval', to: ['legal@example.com'] } },
  ],
  run: async (context) => {
    const session = await context.serviceSession();
    const letter = context.workflow.completed
      ? await completionLetter(context, session, context.workflow.completed)
      : await downloadLetter(context, session, await context.download());
    if (letter.recipients.length === 0) {
      context.log.info('nobody to notify', { reason: letter.note });
      return { sent: 0, failed: 0, note: letter.note };
    }
    // Who asked for mail was told so at the request; who did not is not failed for it.
    if (!letter.asked && !(await context.services.mailer.available())) {
      context.log.warn('nobody was notified: no mail server is configured');
      return { sent: 0, failed: 0, note: 'no mail server is configured' };
    }
    const mails = await context.services.mailer.deliver(
      session,
      {
        template: context.config.template ?? letter.template,
        tenant: context.tenant,
        recipients: letter.recipients,
        variables: letter.variables,
        outboxParent: letter.outbox,
        idempotencyKey: context.idempotencyKey,
      },
      context.signal,
      (done, total) => context.progress({ message: `${done} of ${total} mails sent` }),
    );
    for (const mail of mails.filter(({ fallback }) => fallback !== undefined)) {
      context.log.error('mail sent with another version of its template', {
        messageId: mail.messageId,
        why: mail.fallback,
      });
    }
    const failed = mails.filter((mail) => mail.state === 'failed');
    for (const mail of failed) context.log.warn('mail refused', { messageId: mail.messageId, error: mail.error });
    if (failed.length > 0) context.partial();
    return { sent: mails.length - failed.length, failed: failed.length, outbox: letter.outbox };
  },
});

/** What is to be sent, and to whom; `note` says why to nobody. */
interface Letter {
  readonly template: string;
  readonly recipients: readonly Recipient[];
  /** Whether somebody named these addresses. */
  readonly asked: boolean;
  readonly note: string;
  readonly variables: JsonObject;
  readonly outbox: string;
}

type LetterServices = Pick<StepServices, 'settings' | 'externalUrl'>;
type LetterContext = Pick<StepContext<Config>, 'config' | 'tenant'> & { readonly services: LetterServices };

/** What the mail about a finished download says, for a preview: nobody is looked up as a recipient. */
export async function downloadVariables(
  { services, tenant }: Pick<LetterContext, 'tenant'> & { readonly services: LetterServices },
  session: Session,
  job: DownloadJob,
): Promise<JsonObject> {
  const unnotified = { ...job, request: { ...job.request, notify: false } };
  return (await downloadLetter({ services, tenant, config: { to: 'requester' } }, session, unnotified)).variables;
}

async function downloadLetter(context: LetterContext, session: Session, job: DownloadJob): Promise<Letter> {
  const archives = await job.archives();
  if (!archives) {
    throw new SatchelError('STEP_FAILED', `${job.path} has no archives yet: place notify/email after dam/package.`);
  }
  const requester = await findUser(session, job.initiator);
  const { recipients, note } = job.request.notify
    ? await downloadRecipients(context, session, job, requester)
    : { recipients: [], note: 'the request asked for no notification' };
  const listed = maxListed(context, session);
  const url = await context.services.externalUrl();
  const id = nameOf(job.path);
  const node = await session.getNode(job.path);
  const expires = node.text('expires');
  return {
    template: 'downloadasset',
    recipients,
    asked: context.config.to !== 'requester' || job.request.email.length > 0,
    note,
    outbox: `${job.path}/outbox`,
    variables: {
      requester: { name: requester?.displayName ?? job.initiator, address: requester?.email ?? null },
      title: await selectionTitle(session, job, archives),
      archives: archives.parts.slice(0, await listed(listedArchives)).map(({ file, size }) => ({
        file,
        size,
        url: `${url}/downloads/${encodeURIComponent(id)}/${encodeURIComponent(file)}`,
      })),
      // Every archive holds one manifest.
      files: archives.parts.reduce((sum, part) => sum + part.entries.length - 1, 0),
      totalSize: archives.parts.reduce((sum, part) => sum + part.size, 0),
      skipped: archives.skipped.slice(0, await listed(listedSkipped)).map(({ path, rendition, reason }) => ({
        path: rendition === undefined ? path : `${path} (${rendition})`,
        reason,
      })),
      skippedCount: archives.skipped.length,
      expires: expires ?? null,
      inboxUrl: `${url}/downloads`,
      tenant: context.tenant.name,
    },
  };
}

async function downloadRecipients(
  context: LetterContext,
  session: Session,
  job: DownloadJob,
  requester: UserProfile | undefined,
): Promise<Pick<Letter, 'recipients' | 'note'>> {
  const named = context.config.to === 'requester' ? job.request.email : context.config.to;
  const own = requester?.email === undefined ? [] : [requester.email];
  const addresses = named.length > 0 ? named : own;
  return {
    recipients: await checkRecipients(session, context.services.settings, context.tenant, addresses),
    note: `${job.initiator} has no e-mail address in the profile, and the request names none`,
  };
}

async function completionLetter(
  context: StepContext<Config>,
  session: Session,
  completed: CompletedWorkflow,
): Promise<Letter> {
  const { outcome, steps } = completed;
  const listed = maxListed(context, session);
  const initiator = await findUser(session, context.initiator);
  const own = initiator?.email === undefined ? [] : [asRecipient(initiator, initiator.email)];
  const failedStep = outcome.state === 'failed' ? steps.find((step) => step.name === outcome.step) : undefined;
  return {
    template: 'transientworkflowcompleted',
    recipients:
      context.config.to === 'requester'
        ? own
        : await checkRecipients(session, context.services.settings, context.tenant, context.config.to),
    asked: context.config.to !== 'requester',
    note: `${context.initiator} has no e-mail address in the profile`,
    outbox: `${mailOutboxRoot}/${completed.workflowId}`,
    variables: {
      workflow: { title: completed.title, id: completed.workflowId, model: completed.model },
      payload: completed.payload,
      succeeded: outcome.state === 'completed' || outcome.state === 'partial',
      state: outcome.state,
      error:
        outcome.state === 'failed'
          ? { code: outcome.code, message: outcome.message, step: failedStep?.title ?? null }
          : null,
      steps: steps.slice(0, await listed(listedSteps)).map(({ title, state, started, ended }) => ({
        title,
        state,
        duration: started === undefined || ended === undefined ? 0 : (Date.parse(ended) - Date.parse(started)) / 1000,
      })),
      counts: {
        steps: steps.length,
        completed: steps.filter((step) => step.state === 'completed').length,
        failed: steps.filter((step) => step.state === 'failed').length,
      },
      tenant: context.tenant.name,
    },
  };
}

/** How many a mail lists of something; the rest is counted. */
function maxListed(context: LetterContext, session: Session) {
  return async (setting: SettingDefinition<number>): Promise<number> =>
    (await context.services.settings.read(session, context.tenant, setting)).value;
}

/** What people call the selection: the request's name, the one folder or asset, else the archive. */
async function selectionTitle(session: Session, job: DownloadJob, archives: PackedArchives): Promise<string> {
  const { name, paths } = job.request;
  if (name !== undefined) return name;
  const [path, ...others] = paths;
  if (path !== undefined && others.length === 0) {
    const [node, content] = await session.findNodes([path, `${path}/jcr:content`]);
    return node?.text('jcr:title') ?? content?.text('jcr:title') ?? nameOf(path);
  }
  return archives.parts[0]?.file.replace(/(?:-part-\d+-of-\d+)?\.zip$/, '') ?? nameOf(job.path);
}
