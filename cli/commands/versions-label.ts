import { z } from 'zod';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

export const versionsLabelCommand = defineCommand({
  name: 'versions label',
  summary: 'gives a version a name to find it by',
  declare: (command) =>
    void command
      .argument('<path>', 'the node')
      .argument('<version>', 'name of the version, as "1.2"')
      .argument('<label>', 'as "approved"')
      .option('--move', 'take the label from the version that has it'),
  args: z.object({ path: z.string(), version: z.string(), label: z.string(), move: z.boolean().default(false) }),
  run: async (context, { path, version, label, move }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      await session.versions.addLabel(path, version, label, { moveLabel: move });
      await answer(context, { path, version, label }, [
        `version ${safeText(version)} of ${safeText(path)} is "${safeText(label)}"`,
      ]);
      return 0;
    }),
});
