import { z } from 'zod';
import { defineCommand } from '../command.js';
import { answerLaunch } from '../answer-launch.js';

export const workflowRerunCommand = defineCommand({
  name: 'workflow rerun',
  summary: 'asks for the same again, with the model and rights of today',
  declare: (command) => void command.argument('<id>', 'id of the job').option('--no-wait', 'do not wait for the end'),
  args: z.object({ id: z.string(), wait: z.boolean() }),
  run: async (context, { id, wait }) =>
    answerLaunch(context, await context.satchel.engine.rerun(context.user, id), wait),
});
