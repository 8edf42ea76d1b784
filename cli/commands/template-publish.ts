import { z } from 'zod';
import { publishDraft } from '../../activities/mail/authoring/publish.js';
import { defineCommand } from '../command.js';
import {
  answerPublished,
  declareLock,
  declareTemplate,
  lockArgument,
  publishingServices,
  templateArguments,
  withTemplate,
} from '../template-arguments.js';

export const templatePublishCommand = defineCommand({
  name: 'template publish',
  summary: 'brings the draft of an e-mail template into force, once every tenant and locale concerned renders with it',
  declare: (command) => void declareLock(declareTemplate(command).option('--comment <text>', 'for the history')),
  args: z.object({ ...templateArguments, ...lockArgument, comment: z.string().optional() }),
  run: async (context, args) =>
    withTemplate(context, args, async ({ session, tenant, template }) => {
      const { comment, lock } = args;
      const services = publishingServices(context);
      await answerPublished(context, await publishDraft(services, session, { tenant, template }, { comment, lock }));
      return 0;
    }),
});
