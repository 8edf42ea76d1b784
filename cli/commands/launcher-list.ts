import { z } from 'zod';
import { defineCommand, type ExitCode } from '../command.js';
import { launcherDocument } from '../launcher-answer.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

export const launcherListCommand = defineCommand({
  name: 'launcher list',
  summary: 'lists the launchers a tenant has: what starts which workflow, and from which layer it comes',
  declare: (command) => void command.option('--tenant <name>', 'of this tenant; default: global'),
  args: z.object({ tenant: z.string().default('global') }),
  run: async (context, args) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const { overlay, launchers } = context.satchel;
      const tenant = await overlay.tenant(session, args.tenant);
      const found = await launchers.list(session, tenant);
      const rows = found.launchers.map(({ name, enabled, model, events, pattern, layers }) => [
        name,
        enabled ? 'enabled' : 'off',
        model,
        [...events].join(', '),
        pattern.source,
        layers.at(-1) ?? '',
      ]);
      await answer(
        context,
        { tenant: tenant.name, launchers: found.launchers.map(launcherDocument), problems: found.problems },
        [
          ...(rows.length === 0
            ? ['no launchers']
            : table([['LAUNCHER', '', 'MODEL', 'EVENTS', 'PATHS', 'LAYER'], ...rows.map((row) => row.map(safeText))])),
          ...found.problems.map(({ path, problem }) => safeText(`${path} ${problem}`)),
        ],
      );
      return found.problems.length > 0 ? 3 : 0;
    }),
});
