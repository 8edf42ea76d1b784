import { z } from 'zod';
import { defineCommand } from '../command.js';
import { metadataHelp, parseMetadata } from '../metadata-arguments.js';
import { answer } from '../output/report.js';
import { withTemporal } from '../with-temporal.js';

export const inboxCompleteCommand = defineCommand({
  name: 'inbox complete',
  summary: 'completes a work item',
  declare: (command) =>
    void command
      .argument('<item>', 'id of the work item')
      .option('--comment <text>', 'kept with the decision')
      .option('--metadata <assignment...>', metadataHelp),
  args: z.object({ item: z.string(), comment: z.string().optional(), metadata: z.array(z.string()).default([]) }),
  run: async (context, { item, comment, metadata: typed }) => {
    const { satchel, user } = context;
    const metadata = parseMetadata(typed);
    const said = {
      ...(comment !== undefined && { comment }),
      ...(typed.length > 0 && { metadata }),
    };
    await withTemporal(context, () => satchel.engine.completeWorkItem(user, item, said));
    await answer(context, { item, completed: true, ...said }, [`${item}: completed`]);
    return 0;
  },
});
