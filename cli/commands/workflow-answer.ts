import { z } from 'zod';
import { defineCommand } from '../command.js';
import { metadataHelp, parseMetadata } from '../metadata-arguments.js';
import { answer } from '../output/report.js';
import { withTemporal } from '../with-temporal.js';

export const workflowAnswerCommand = defineCommand({
  name: 'workflow answer',
  summary: 'says that what a workflow waits for outside is done, or failed',
  declare: (command) =>
    void command
      .argument('<id>', 'id of the job')
      .argument('<step>', 'name of the node that waits, as "workflow show" has it')
      .option('--result <assignment...>', metadataHelp)
      .option('--failed <reason>', 'it failed outside'),
  args: z
    .object({
      id: z.string(),
      step: z.string(),
      result: z.array(z.string()).optional(),
      failed: z.string().optional(),
    })
    .refine(({ result, failed }) => result === undefined || failed === undefined, {
      path: ['failed'],
      message: 'does not go with --result',
    }),
  run: async (context, { id, step, result, failed }) => {
    const { satchel, user } = context;
    const said = {
      step,
      ...(result && { result: parseMetadata(result) }),
      ...(failed !== undefined && { failure: failed }),
    };
    await withTemporal(context, () => satchel.engine.completeExternal(user, id, said));
    await answer(context, { id, ...said }, [`${id}: ${step} ${failed === undefined ? 'is done' : 'failed'}`]);
    return 0;
  },
});
