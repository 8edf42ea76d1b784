import { z } from 'zod';
import { defineCommand } from '../command.js';
import { answer } from '../output/report.js';
import { withTemporal } from '../with-temporal.js';

export const jobsCancelCommand = defineCommand({
  name: 'jobs cancel',
  summary: 'cancels a job',
  declare: (command) => void command.argument('<id>', 'id of the job'),
  args: z.object({ id: z.string() }),
  run: async (context, { id }) => {
    const { satchel, user } = context;
    await withTemporal(context, () => satchel.engine.cancel(user, id));
    await answer(context, { id, cancelled: true }, [`${id}: cancelling`]);
    return 0;
  },
});
