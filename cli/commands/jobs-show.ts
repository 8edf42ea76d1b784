import { z } from 'zod';
import { defineCommand } from '../command.js';
import { jobAnswer } from '../job-answer.js';
import { answer } from '../output/report.js';
import { createStyler } from '../output/text.js';

export const jobsShowCommand = defineCommand({
  name: 'jobs show',
  summary: 'shows a job as it is now',
  declare: (command) => void command.argument('<id>', 'id of the job'),
  args: z.object({ id: z.string() }),
  run: async (context, { id }) => {
    const job = await context.satchel.engine.job(context.user, id);
    await answer(context, job, jobAnswer(job, createStyler(context.terminal.stdout.color)));
    return 0;
  },
});
