import { z } from 'zod';
import { settingName } from '../../dam/settings/define-setting.js';
import { findSetting } from '../../dam/settings/find-setting.js';
import type { Session } from '../../repository/api.js';
import type { OverlayResolver, Tenant } from '../../repository/overlay/api.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';
import { showSetting } from '../setting-value.js';

export const settingsGetCommand = defineCommand({
  name: 'settings get',
  summary: 'shows a setting in force and the layer it came from',
  declare: (command) =>
    void command
      .argument('<name>', 'as "dam/download/maxAssets", or "maxAssets" where only one has that name')
      .option('--tenant <name>', 'for this tenant; default: global')
      .option('--path <content>', 'for the tenant of this content'),
  args: z
    .object({ name: z.string(), tenant: z.string().optional(), path: z.string().optional() })
    .refine(({ tenant, path }) => tenant === undefined || path === undefined, {
      path: ['tenant'],
      message: 'does not go with --path: name the tenant or the content, not both',
    }),
  run: async (context, args) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const { overlay, settings } = context.satchel;
      const definition = findSetting(args.name);
      const tenant = await tenantOf(session, overlay, args);
      const found = await settings.read(session, tenant, definition);
      const { title, unit, scope = 'tenant' } = definition;
      const { value = null, layer, source = null } = found;
      const document = {
        setting: settingName(definition),
        title,
        unit,
        scope,
        tenant: found.tenant,
        value,
        layer,
        source,
      };
      await answer(context, document, [
        showSetting(definition, found.value),
        safeText(`${title}, for ${found.tenant}, from ${layer}${source === null ? '' : `: ${source}`}`),
      ]);
      return 0;
    }),
});

async function tenantOf(
  session: Session,
  overlay: OverlayResolver,
  { tenant, path }: { readonly tenant?: string | undefined; readonly path?: string | undefined },
): Promise<Tenant> {
  if (path === undefined) return overlay.tenant(session, tenant ?? 'global');
  await session.getNode(path);
  return overlay.tenantOf(session, path);
}
