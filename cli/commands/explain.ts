import { z } from 'zod';
import type { Session } from '../../repository/api.js';
import type { Layer, MergedResource, Tenant } from '../../repository/overlay/api.js';
import { explain, renderExplanation, type Explanation } from '../../repository/overlay/explain.js';
import { nameOf, parentOf } from '../../repository/path.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { defineCommand, type CommandContext, type ExitCode } from '../command.js';
import { parseOverlayPath, type OverlayPath } from '../overlay-path.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

const searchPathLayers: readonly Layer[] = ['/apps', '/libs'].map((root) => ({ root, label: root }));

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
      .option('--for <content-path>', 'for the tenant of this content'),
  args: z
    .object({ path: z.string(), tenant: z.string().optional(), for: z.string().optional() })
    .refine((args) => args.tenant === undefined || args.for === undefined, {
      path: ['tenant'],
      message: 'does not go with --for: name the tenant or the content, not both',
    }),
  run: async (context, args) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const overlayPath = parseOverlayPath(args.path);
      const tenant = await chooseTenant(context, session, args, overlayPath);
      const explanation = await explainPath(context, session, overlayPath, tenant);
      const named = tenant.referencedAt === undefined ? '' : `, which ${tenant.referencedAt} refers to`;
      await answer(context, { tenant: tenant.name, referencedAt: tenant.referencedAt, ...explanation }, [
        safeText(`for tenant ${tenant.name}${named}`),
        ...renderExplanation(explanation).trimEnd().split('\n').map(safeText),
      ]);
      return 0;
    }),
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
  const layers = kind === 'settings' ? overlay.settingsLayers(tenant) : searchPathLayers;
  const found = await read(path);
  if (found) return explain(found, layers, path);
  const owner = parentOf(`/${path}`).slice(1);
  const { resource, ...rest } = explain(await read(owner), layers, owner);
  const property = resource?.properties.find(({ name }) => name === nameOf(path));
  if (resource && property) {
    return { ...rest, resource: { ...resource, properties: [property], children: [], hidden: [] } };
  }
  throw new SatchelError(
    'PATH_NOT_FOUND',
    `No layer of tenant ${tenant.name} has "${path}", or it is hidden. "satchel tree" shows what there is.`,
    { details: { path, tenant: tenant.name } },
  );
}
