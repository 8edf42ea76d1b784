import { z } from 'zod';
import { collectionsRoot, createCollection } from '../../dam/collections.js';
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
  args: z.object({
    // Its path is as good as its name.
    name: z
      .string()
      .transform((typed) => (typed.startsWith(`${collectionsRoot}/`) ? typed.slice(collectionsRoot.length + 1) : typed))
      .refine((name) => !name.startsWith('/'), `must be a name, or a path below ${collectionsRoot}`),
    title: z.string().optional(),
  }),
  run: async (context, { name, title }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const path = await createCollection(session, name, title === undefined ? {} : { title });
      await session.save();
      await answer(context, { path, title }, [safeText(path)]);
      return 0;
    }),
});
