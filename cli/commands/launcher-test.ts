import { z } from 'zod';
import { eventKinds } from '../../engine/launchers/launcher-definition.js';
import { defineCommand, type ExitCode } from '../command.js';
import { launcherDocument } from '../launcher-answer.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

export const launcherTestCommand = defineCommand({
  name: 'launcher test',
  summary: 'says which launchers a change would start, and why not the others; nothing is launched',
  declare: (command) =>
    void command
      .argument('<path>', 'of the node that would change')
      .option('--event <kind>', `${eventKinds.join(', ')}; default: added`)
      .option('--by <user>', 'who would make the change; default: who asks'),
  args: z.object({
    path: z.string(),
    event: z.enum(eventKinds, `must be ${eventKinds.join(', ')}`).default('added'),
    by: z.string().min(1).optional(),
  }),
  run: async (context, { path, event, by }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const tested = await context.satchel.launchers.test(session, path, { kind: event, userId: by ?? context.user });
      const lines = tested.launchers.flatMap(({ launcher: { name, model }, reasons }) =>
        reasons.length === 0
          ? [`${name}: starts ${model}`]
          : [`${name}: does not start`, ...reasons.map((reason) => `  ${reason}`)],
      );
      await answer(
        context,
        {
          path: tested.path,
          tenant: tested.tenant,
          event,
          launchers: tested.launchers.map(({ launcher, reasons }) => ({
            ...launcherDocument(launcher),
            starts: reasons.length === 0,
            reasons,
          })),
          problems: tested.problems,
        },
        [
          `${path} ${event}, tenant ${tested.tenant}`,
          ...(lines.length === 0 ? ['no launchers'] : lines),
          ...tested.problems.map(({ path: at, problem }) => `${at} ${problem}`),
        ].map(safeText),
      );
      return 0;
    }),
});
