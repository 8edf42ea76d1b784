import { z } from 'zod';
import { changeDraft } from '../../activities/mail/authoring/drafts.js';
import { parsePartName } from '../../activities/mail/authoring/part-name.js';
import { defineCommand } from '../command.js';
import {
  answerDraft,
  declareLock,
  declareTemplate,
  localeOf,
  lockArgument,
  templateArguments,
  withTemplate,
} from '../template-arguments.js';

export const templateCustomiseCommand = defineCommand({
  name: 'template customise',
  summary: 'copies a part of an e-mail template into a draft of the tenant',
  declare: (command) =>
    void declareLock(
      declareTemplate(command)
        .requiredOption(
          '--part <parts...>',
          'subject, body, text, partial:NAME, theme.NAME or sample; with "own/" for this template alone',
        )
        .option('--locale <tag>', 'of a subject, body or text; default: of the tenant'),
    ),
  args: z.object({
    ...templateArguments,
    ...lockArgument,
    part: z.array(z.string()).min(1),
    locale: z.string().optional(),
  }),
  run: async (context, args) =>
    withTemplate(context, args, async ({ session, tenant, template }) => {
      const locale = await localeOf(context, { session, tenant }, args.locale);
      const changes = args.part.map((text) => ({ part: parsePartName(text, locale), text: undefined }));
      const { overlay } = context.satchel;
      const draft = await changeDraft(session, overlay, { tenant, template }, changes, { lock: args.lock });
      await answerDraft(context, tenant, draft);
      return 0;
    }),
});
