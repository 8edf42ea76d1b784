import { z } from 'zod';
import { answerLaunch } from '../answer-launch.js';
import { defineCommand } from '../command.js';
import { metadataHelp, parseMetadata } from '../metadata-arguments.js';

export const workflowStartCommand = defineCommand({
  name: 'workflow start',
  summary: 'starts a workflow on a node',
  declare: (command) =>
    void command
      .argument('<model>', 'id of the model, as "dam/update-renditions"')
      .requiredOption('--payload <path>', 'the node it works on')
      .option('--metadata <assignment...>', metadataHelp)
      .option('--comment <text>', 'kept with the workflow')
      .option('--tenant <name>', 'whose model and settings apply; default: that of the payload')
      .option('--no-wait', 'do not wait for the end'),
  args: z.object({
    model: z.string(),
    payload: z.string(),
    metadata: z.array(z.string()).default([]),
    comment: z.string().optional(),
    tenant: z.string().optional(),
    wait: z.boolean(),
  }),
  run: async (context, { model, payload, metadata, comment, tenant, wait }) => {
    const job = await context.satchel.engine.launch({
      model,
      payload,
      initiator: context.user,
      metadata: parseMetadata(metadata),
      ...(comment !== undefined && { comment }),
      ...(tenant !== undefined && { tenant }),
    });
    return answerLaunch(context, job, wait);
  },
});
