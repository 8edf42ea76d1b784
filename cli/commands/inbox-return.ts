import { z } from 'zod';
import { defineCommand } from '../command.js';
import { answer } from '../output/report.js';
import { withTemporal } from '../with-temporal.js';

export const inboxReturnCommand = defineCommand({
  name: 'inbox return',
  summary: 'gives a delegated work item back',
  declare: (command) =>
    void command.argument('<item>', 'id of the work item').option('--comment <text>', 'said with it'),
  args: z.object({ item: z.string(), comment: z.string().optional() }),
  run: async (context, { item, comment }) => {
    const { satchel, user } = context;
    await withTemporal(context, () => satchel.engine.returnWorkItem(user, item, comment));
    await answer(context, { item, returned: true }, [`${item}: given back`]);
    return 0;
  },
});
