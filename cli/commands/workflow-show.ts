import { z } from 'zod';
import { defineCommand } from '../command.js';
import { answer } from '../output/report.js';
import { createStyler } from '../output/text.js';
import { workflowLines } from '../output/workflow-lines.js';

export const workflowShowCommand = defineCommand({
  name: 'workflow show',
  summary: 'shows a workflow with its nodes, decisions, metadata and comments',
  declare: (command) => void command.argument('<id>', 'id of the job'),
  args: z.object({ id: z.string() }),
  run: async (context, { id }) => {
    const job = await context.satchel.engine.job(context.user, id);
    await answer(context, job, workflowLines(job, createStyler(context.terminal.stdout.color), new Date()));
    return 0;
  },
});
