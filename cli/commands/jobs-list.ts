import { z } from 'zod';
import { defineCommand, wholeNumber } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

export const jobsListCommand = defineCommand({
  name: 'jobs list',
  summary: 'lists jobs, the newest first',
  declare: (command) => void command.option('--limit <count>', 'how many at most; default: 50'),
  args: z.object({ limit: wholeNumber(1, 1000).default(50) }),
  run: async (context, { limit }) => {
    const jobs = await context.satchel.engine.jobs(context.user, { limit });
    const rows = jobs.map((job) => [job.id, job.state, job.model, job.tenant, job.initiator, job.created, job.title]);
    await answer(context, { jobs }, rows.length === 0 ? ['no jobs'] : table(rows.map((row) => row.map(safeText))));
    return 0;
  },
});
