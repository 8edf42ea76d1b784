import { z } from 'zod';
import { explainCollection, renderCollection } from '../../repository/overlay/explain-configuration.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

export const configListCommand = defineCommand({
  name: 'config list',
  summary: 'lists a collection of context-aware configurations of content, and where each value is from',
  declare: (command) =>
    void command
      .argument('<name>', 'of the collection')
      .requiredOption('--path <content-path>', 'the content it is for'),
  args: z.object({ name: z.string(), path: z.string() }),
  run: async (context, { name, path }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const explanation = explainCollection(await context.satchel.overlay.configurations(session, path, name));
      await answer(context, { path, ...explanation }, renderCollection(explanation, path).map(safeText));
      return 0;
    }),
});
