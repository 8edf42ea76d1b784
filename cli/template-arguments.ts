/** What the commands `template …` share: which template of which tenant is meant, and how it is answered. */
import type { Command } from 'commander';
import { z } from 'zod';
import { draftPath, tenantToChange } from '../activities/mail/authoring/author.js';
import type { Draft } from '../activities/mail/authoring/drafts.js';
import { assertTemplate } from '../activities/mail/authoring/explain-template.js';
import type { Published, PublishingServices } from '../activities/mail/authoring/publish.js';
import { unreadableLayers } from '../activities/mail/authoring/visible-tenants.js';
import { lastLocale } from '../activities/mail/locale-fallback.js';
import { tenantLocale } from '../dam/settings/definitions.js';
import type { Session } from '../repository/api.js';
import type { Tenant } from '../repository/overlay/api.js';
import type { CommandContext, ExitCode } from './command.js';
import { wholeNumber } from './command.js';
import { answer, remark } from './output/report.js';
import { safeText } from './output/text.js';

export const templateArguments = { name: z.string(), tenant: z.string() };

/** Of a template that is changed: the tenant is said, never guessed. */
export function declareTemplate(command: Command): Command {
  return command
    .argument('<name>', 'the template, as "downloadasset"')
    .requiredOption('--tenant <name>', 'the tenant whose layer it is; "global" is that of everybody');
}

export const lockArgument = { lock: wholeNumber(0, 1_000_000_000).optional() };

export function declareLock(command: Command): Command {
  return command.option('--lock <version>', 'refuse when the draft is another than this version of it');
}

interface Wanted {
  readonly name: string;
  readonly tenant: string;
}

export interface TemplateOfTenant {
  readonly session: Session;
  readonly tenant: Tenant;
  readonly template: string;
}

/** Runs with a session of the user, who may change the tenant. @throws as `tenantToChange`; UNKNOWN_TEMPLATE */
export async function withTemplate(
  { satchel, user }: CommandContext,
  { name, tenant: tenantName }: Wanted,
  work: (found: TemplateOfTenant) => Promise<ExitCode>,
): Promise<ExitCode> {
  return satchel.repository.withSession(user, async (session) => {
    const tenant = await tenantToChange(session, satchel.overlay, tenantName);
    await assertTemplate(session, satchel.overlay, tenant, name);
    return work({ session, tenant, template: name });
  });
}

/** The locale a person left out: the tenant's own, else English. */
export async function localeOf(
  { satchel }: CommandContext,
  { session, tenant }: Pick<TemplateOfTenant, 'session' | 'tenant'>,
  wanted: string | undefined,
): Promise<string> {
  return wanted ?? (await satchel.settings.read(session, tenant, tenantLocale)).value ?? lastLocale;
}

export function publishingServices({ satchel }: CommandContext): PublishingServices {
  const { repository, overlay, content } = satchel;
  return { repository, overlay, change: content.change };
}

/** The draft without its texts. */
export function draftDocument(draft: Draft) {
  const { template, tenant, lockVersion, author, modified, parts } = draft;
  return {
    template,
    tenant,
    lockVersion,
    author,
    modified,
    parts: Object.entries(parts).map(([part, { text, base }]) => ({
      part,
      inherits: text === null,
      characters: text?.length ?? 0,
      base: base && { layer: base.layer, source: base.source, sha256: base.sha256 },
    })),
  };
}

export async function answerDraft(context: CommandContext, tenant: Tenant, draft: Draft): Promise<void> {
  const document = draftDocument(draft);
  await answer(context, document, [
    safeText(`draft of ${draft.template} for ${draft.tenant}, version ${draft.lockVersion}, by ${draft.author}`),
    ...document.parts.map(({ part, inherits, base }) => {
      const from = base ? `customised from ${base.layer} ${base.sha256.slice(0, 12)}` : 'nothing below';
      return safeText(`  ${part}  ${inherits ? 'inherits again' : from}`);
    }),
    safeText(`kept at ${draftPath(tenant, draft.template)}`),
  ]);
}

export async function answerPublished(context: CommandContext, published: Published): Promise<void> {
  const { template, tenant, version, parts, written, rendered } = published;
  await answer(context, published, [
    safeText(
      published.published
        ? `${template} of ${tenant} is at version ${version}: ${parts.join(', ')}`
        : `nothing to publish: ${template} of ${tenant} is at version ${version}`,
    ),
    ...written.map((one) =>
      safeText(one.to === 'file' ? `  ${one.path} in the file ${one.file}` : `  ${one.path} in the repository`),
    ),
    ...(published.published ? [`  ${rendered} mails rendered first, of every tenant and locale concerned`] : []),
  ]);
}

/** Says when what the caller sees is not what is sent. */
export async function remarkHiddenLayers(
  context: CommandContext,
  { session, tenant }: Pick<TemplateOfTenant, 'session' | 'tenant'>,
): Promise<void> {
  const hidden = await unreadableLayers(context.satchel, session, tenant);
  if (hidden.length === 0) return;
  const text = `what is sent has parts of ${hidden.join(', ')} too, which ${context.user} may not read`;
  await remark(context, safeText(text));
}
