import { z } from 'zod';
import { defineCommand } from '../command.js';
import { answer } from '../output/report.js';
import { withTemporal } from '../with-temporal.js';

export const inboxDelegateCommand = defineCommand({
  name: 'inbox delegate',
  summary: 'gives a work item to somebody else',
  declare: (command) =>
    void command
      .argument('<item>', 'id of the work item')
      .argument('<to>', 'user or group')
      .option('--comment <text>', 'said to them'),
  args: z.object({ item: z.string(), to: z.string(), comment: z.string().optional() }),
  run: async (context, { item, to, comment }) => {
    const { satchel, user } = context;
    await withTemporal(context, () => satchel.engine.delegateWorkItem(user, item, to, comment));
    await answer(context, { item, to }, [`${item}: given to ${to}`]);
    return 0;
  },
});
