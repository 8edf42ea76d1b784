import { z } from 'zod';
import { SatchelError } from '../../workflows/contract/errors.js';
import { defineCommand } from '../command.js';
import { answer } from '../output/report.js';

export const jobsCancelCommand = defineCommand({
  name: 'jobs cancel',
  summary: 'cancels a job',
  declare: (command) => void command.argument('<id>', 'id of the job'),
  args: z.object({ id: z.string() }),
  run: async (context, { id }) => {
    const { satchel, user } = context;
    await satchel.engine.cancel(user, id).catch(async (error: unknown) => {
      // A running workflow hears of it from the Temporal server; one that still waits needs none.
      if (!(error instanceof SatchelError) || error.code !== 'TEMPORAL_UNAVAILABLE') throw error;
      await satchel.ensureWorking();
      await satchel.engine.cancel(user, id);
    });
    await answer(context, { id, cancelled: true }, [`${id}: cancelling`]);
    return 0;
  },
});
