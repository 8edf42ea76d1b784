import { z } from 'zod';
import { rollBack } from '../../activities/mail/authoring/publish.js';
import { defineCommand, wholeNumber } from '../command.js';
import {
  answerPublished,
  declareTemplate,
  publishingServices,
  templateArguments,
  withTemplate,
} from '../template-arguments.js';

export const templateRollbackCommand = defineCommand({
  name: 'template rollback',
  summary: 'brings an earlier version of an e-mail template back into force',
  declare: (command) =>
    void declareTemplate(command)
      .option('--to <version>', 'the version, 0 for what was before the first; default: the one before')
      .option('--comment <text>', 'for the history'),
  args: z.object({
    ...templateArguments,
    to: wholeNumber(0, 1_000_000_000).optional(),
    comment: z.string().optional(),
  }),
  run: async (context, args) =>
    withTemplate(context, args, async ({ session, tenant, template }) => {
      const { to, comment } = args;
      const services = publishingServices(context);
      await answerPublished(context, await rollBack(services, session, { tenant, template }, { to, comment }));
      return 0;
    }),
});
