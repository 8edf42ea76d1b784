import { z } from 'zod';
import { defineCommand } from '../command.js';
import { followAndAnswer } from '../job-answer.js';

export const workflowFollowCommand = defineCommand({
  name: 'workflow follow',
  summary: 'shows a workflow until it ends',
  declare: (command) => void command.argument('<id>', 'id of the job'),
  args: z.object({ id: z.string() }),
  run: async (context, { id }) => followAndAnswer(context, id),
});
