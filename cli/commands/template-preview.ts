import path from 'node:path';
import { z } from 'zod';
import { loadSampleVariables } from '../../activities/mail/template-source.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';
import { writeOutputFile } from '../write-output-file.js';

export const templatePreviewCommand = defineCommand({
  name: 'template preview',
  summary: 'renders an e-mail template with its sample data into a file',
  declare: (command) =>
    void command
      .argument('<name>', 'the template, as "downloadasset"')
      .option('--tenant <name>', 'for this tenant; default: global')
      .option('--locale <tag>', 'language, as "de"; default: of the tenant')
      .requiredOption('--out <file>', 'HTML file to write; the text part goes beside it as .txt'),
  args: z.object({
    name: z.string(),
    tenant: z.string().default('global'),
    locale: z.string().optional(),
    out: z.string().min(1, 'is empty'),
  }),
  run: async (context, { name, tenant: tenantName, locale, out }) => {
    const { repository, overlay, mailer } = context.satchel;
    return repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const tenant = await overlay.tenant(session, tenantName);
      const variables = await loadSampleVariables(session, overlay, tenant, name);
      const mail = await mailer.render(session, { template: name, tenant, locale, variables });
      const file = path.resolve(context.cwd, out);
      const textFile = `${file.slice(0, file.length - path.extname(file).length)}.txt`;
      await writeOutputFile(file, mail.html);
      if (textFile !== file) await writeOutputFile(textFile, mail.text);
      const { subject, layers, templateVersion } = mail;
      await answer(
        context,
        { template: name, tenant: tenantName, locale: mail.locale, subject, layers, templateVersion, file, textFile },
        [
          `subject  ${safeText(subject)}`,
          `locale   ${mail.locale}`,
          `written  ${safeText(file)}`,
          '',
          ...table(Object.entries(layers).map(([part, layer]) => [`  ${safeText(part)}`, safeText(layer)])),
        ],
      );
      return 0;
    });
  },
});
