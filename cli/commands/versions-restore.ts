import { z } from 'zod';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

export const versionsRestoreCommand = defineCommand({
  name: 'versions restore',
  summary: 'makes a node what it was in a version',
  declare: (command) =>
    void command
      .argument('<path>', 'the node')
      .argument('<version>', 'name or label of the version')
      .option('--checkpoint', 'keep what changed since the last version as a version of its own')
      .option('--force', 'lose what changed since the last version')
      .option('--remove-existing', 'remove nodes of the version where they live today'),
  args: z.object({
    path: z.string(),
    version: z.string(),
    checkpoint: z.boolean().default(false),
    force: z.boolean().default(false),
    removeExisting: z.boolean().default(false),
  }),
  run: async (context, { path, version, ...options }) =>
    context.satchel.repository.withSession(context.user, async ({ versions }): Promise<ExitCode> => {
      const { name } = await versions.version(path, version);
      const checkedOut = await versions.isCheckedOut(path);
      await versions.restore(path, name, options);
      // A restore leaves the node read-only, which nobody expects of one that could be changed before.
      if (checkedOut) await versions.checkOut(path);
      await answer(context, { path, version: name }, [`${safeText(path)} is as in version ${safeText(name)}`]);
      return 0;
    }),
});
