import { z } from 'zod';
import type { Session } from '../../repository/api.js';
import type { Layer, MergedResource, Tenant } from '../../repository/overlay/api.js';
import { explain, renderExplanation, type Explanation } from '../../repository/overlay/explain.js';
import { readHiding } from '../../repository/overlay/find-hiding.js';
import { nameOf, parentOf } from '../../repository/path.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { defineCommand, type CommandContext, type ExitCode } from '../command.js';
import { parseOverlayPath, type OverlayPath } from '../overlay-path.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';
import { showConfiguration } from '../show-configuration.js';

interface Question {
  readonly tenant?: string | undefined;
  readonly for?: string | undefined;
}

export const explainCommand = defineCommand({
  name: 'explain',
  summary: 'shows which layer each part of a setting, template or model came from',
  declare: (command) =>
    void command
      .argument('<path>', '/libs/settings/…, settings/…, /conf/<tenant>/settings/…, or /libs/… and /apps/…')
      .option('--tenant <name>', 'for this tenant; default: global')
      .option('--for <content-path>', 'for the tenant of this content')
      .option('--override', 'merged along sling:resourceSuperType instead; the path is absolute')
      .option('--config', 'the context-aware configuration of that name instead, of the content --for names'),
  args: z
    .object({
      path: z.string(),
      tenant: z.string().optional(),
      for: z.string().optional(),
      override: z.boolean().default(false),
      config: z.boolean().default(false),
    })
    .refine((args) => args.tenant === undefined || args.for === undefined, {
      path: ['tenant'],
      message: 'does not go with --for: name the tenant or the content, not both',
    })
    .refine((args) => !args.override || (args.tenant ?? args.for) === undefined, {
      path: ['override'],
      message: 'does not go with --tenant or --for: super types are the same for all tenants',
    })
    .refine((args) => !args.config || (args.for !== undefined && !args.override), {
      path: ['config'],
      message: 'needs --for, the content whose configuration is asked for, and does not go with --override',
    }),
  run: async (context, args) => {
    if (args.config && args.for !== undefined) return showConfiguration(context, args.path, args.for);
    return context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      if (args.override) return explainOverride(context, session, args.path);
      const overlayPath = parseOverlayPath(args.path);
      const tenant = await chooseTenant(context, session, args, overlayPath);
      const explanation = await explainPath(context, session, overlayPath, tenant);
      const named = tenant.referencedAt === undefined ? '' : `, which ${tenant.referencedAt} refers to`;
      await answer(context, { tenant: tenant.name, referencedAt: tenant.referencedAt, ...explanation }, [
        safeText(`for tenant ${tenant.name}${named}`),
        ...renderExplanation(explanation).trimEnd().split('\n').map(safeText),
      ]);
      return 0;
    });
  },
});

async function chooseTenant(
  { satchel }: CommandContext,
  session: Session,
  question: Question,
  overlayPath: OverlayPath,
): Promise<Tenant> {
  if (question.for !== undefined) {
    await session.getNode(question.for);
    return satchel.overlay.tenantOf(session, question.for);
  }
  const named = overlayPath.kind === 'settings' ? overlayPath.tenant : undefined;
  return satchel.overlay.tenant(session, question.tenant ?? named ?? 'global');
}

/** Explains the resource, or the one property of it that the path names. */
async function explainPath(
  { satchel: { overlay } }: CommandContext,
  session: Session,
  { kind, path }: OverlayPath,
  tenant: Tenant,
): Promise<Explanation> {
  const read = async (wanted: string): Promise<MergedResource | undefined> =>
    kind === 'settings' ? overlay.settings(session, tenant, wanted) : overlay.searchPath(session, wanted);
  const layers = kind === 'settings' ? overlay.settingsLayers(tenant) : overlay.searchPathLayers();
  const found = await read(path);
  if (found) return explain(found, layers, path);
  const owner = parentOf(`/${path}`).slice(1);
  const { resource, ...rest } = explain(await read(owner), layers, owner);
  const property = resource?.properties.find(({ name }) => name === nameOf(path));
  if (resource && property) {
    return { ...rest, resource: { ...resource, properties: [property], children: [], hidden: [] } };
  }
  throw await notShown(session, layers, path, `tenant ${tenant.name}`);
}

async function explainOverride(context: CommandContext, session: Session, path: string): Promise<ExitCode> {
  const { resource, layers, path: relative } = await context.satchel.overlay.override(session, path);
  if (!resource) throw await notShown(session, layers, relative, path);
  const explanation = explain(resource, layers, relative);
  await answer(context, explanation, [
    safeText(`${path} along its super types`),
    ...renderExplanation(explanation).trimEnd().split('\n').map(safeText),
  ]);
  return 0;
}

async function notShown(
  session: Session,
  layers: readonly Layer[],
  path: string,
  whose: string,
): Promise<SatchelError> {
  const hiding = await readHiding(session, layers, path);
  const reason = hiding
    ? `${hiding.by} hides "${hiding.path}" of ${whose}. "satchel overlay restore" takes that back where it was hidden so.`
    : `No layer of ${whose} has "${path}"; looked in ${layers.map(({ root }) => root).join(', ')}. "satchel tree" shows what there is.`;
  return new SatchelError('PATH_NOT_FOUND', reason, { details: { path, ...hiding } });
}
