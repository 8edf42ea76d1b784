import { z } from 'zod';
import { defineCommand } from '../command.js';
import { answerLaunch } from '../answer-launch.js';

export const workflowRetryCommand = defineCommand({
  name: 'workflow retry',
  summary: 'goes on with a failed workflow where it failed',
  declare: (command) => void command.argument('<id>', 'id of the job').option('--no-wait', 'do not wait for the end'),
  args: z.object({ id: z.string(), wait: z.boolean() }),
  run: async (context, { id, wait }) =>
    answerLaunch(context, await context.satchel.engine.retry(context.user, id), wait),
});
