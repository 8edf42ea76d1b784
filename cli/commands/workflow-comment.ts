import { z } from 'zod';
import { defineCommand } from '../command.js';
import { answer } from '../output/report.js';

export const workflowCommentCommand = defineCommand({
  name: 'workflow comment',
  summary: 'adds a comment to a workflow',
  declare: (command) => void command.argument('<id>', 'id of the job').argument('<text>', 'the comment'),
  args: z.object({ id: z.string(), text: z.string() }),
  run: async (context, { id, text }) => {
    await context.satchel.engine.comment(context.user, id, text);
    await answer(context, { id, comment: text }, [`${id}: comment added`]);
    return 0;
  },
});
