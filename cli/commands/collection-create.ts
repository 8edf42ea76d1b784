import { z } from 'zod';
import { createCollection } from '../../dam/collections.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

export const collectionCreateCommand = defineCommand({
  name: 'collection create',
  summary: 'makes an empty collection',
  declare: (command) =>
    void command
      .argument('<name>', 'below /content/dam/collections, as "mara/lookbook"')
      .option('--title <text>', 'title to show'),
  args: z.object({ name: z.string(), title: z.string().optional() }),
  run: async (context, { name, title }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const path = await createCollection(session, name, title === undefined ? {} : { title });
      await session.save();
      await answer(context, { path, title }, [safeText(path)]);
      return 0;
    }),
});
