import { z } from 'zod';
import { addToCollection } from '../../dam/collections.js';
import { saveChanges } from '../../dam/save-changes.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

export const collectionAddCommand = defineCommand({
  name: 'collection add',
  summary: 'adds assets, folders and collections to a collection',
  declare: (command) =>
    void command.argument('<collection>', 'its path').argument('<paths...>', 'what to add, in order'),
  args: z.object({ collection: z.string(), paths: z.array(z.string()).min(1) }),
  run: async (context, { collection, paths }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      await saveChanges(session, async () => {
        for (const path of paths) await addToCollection(session, collection, path);
      });
      await answer(context, { collection, paths }, [`${safeText(collection)} holds ${safeText(paths.join(', '))}`]);
      return 0;
    }),
});
