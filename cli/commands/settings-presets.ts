import { z } from 'zod';
import { listImagePresets } from '../../dam/settings/image-presets.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

export const settingsPresetsCommand = defineCommand({
  name: 'settings presets',
  summary: 'lists the image presets a tenant sees, and whether they are offered',
  declare: (command) => void command.option('--tenant <name>', 'of this tenant; default: global'),
  args: z.object({ tenant: z.string().default('global') }),
  run: async (context, args) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const { overlay } = context.satchel;
      const tenant = await overlay.tenant(session, args.tenant);
      const presets = await listImagePresets(session, overlay, tenant);
      const rows = presets.map(({ name, title, spec, approved, layer, problem }) => [
        name,
        spec ? `${spec.width}x${spec.height} ${spec.format} ${spec.quality}` : '–',
        problem ?? (approved ? 'offered' : 'not approved'),
        layer,
        title,
      ]);
      await answer(
        context,
        { tenant: tenant.name, presets: presets.map((preset) => ({ ...preset, offered: isOffered(preset) })) },
        rows.length === 0 ? ['no image presets'] : table(rows.map((row) => row.map(safeText))),
      );
      return 0;
    }),
});

function isOffered({ approved, spec }: { readonly approved: boolean; readonly spec: unknown }): boolean {
  return approved && spec !== undefined;
}
