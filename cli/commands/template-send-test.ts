import { z } from 'zod';
import { sendTest } from '../../activities/mail/authoring/preview.js';
import { defineCommand } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';
import { declareTemplate, templateArguments, withTemplate } from '../template-arguments.js';

export const templateSendTestCommand = defineCommand({
  name: 'template send-test',
  summary: 'sends an e-mail template with its sample to yourself, the subject marked',
  declare: (command) =>
    void declareTemplate(command)
      .option('--locale <tag>', 'language, as "de"; default: of the tenant')
      .option('--draft', 'with the draft, as if it were published')
      .option('--to <address>', 'to somebody else who may get mail of the tenant'),
  args: z.object({
    ...templateArguments,
    locale: z.string().optional(),
    draft: z.boolean().default(false),
    to: z.string().optional(),
  }),
  run: async (context, args) =>
    withTemplate(context, args, async ({ session, tenant, template }) => {
      const { locale, draft, to } = args;
      const sent = await sendTest(context.satchel, session, { tenant, template, locale, draft, to }, context.signal);
      await answer(context, sent, [
        safeText(`${sent.state === 'sent' ? 'sent' : 'refused'}  ${sent.to}`),
        safeText(`subject  ${sent.subject}`),
        safeText(`locale   ${sent.locale}`),
        ...(sent.error ? [safeText(`because  ${sent.error.message}`)] : []),
      ]);
      return sent.state === 'sent' ? 0 : 1;
    }),
});
