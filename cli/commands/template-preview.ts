import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { previewMessage } from '../../activities/mail/authoring/preview-message.js';
import { renderPreview, variablesOfJob } from '../../activities/mail/authoring/preview.js';
import { takePicture } from '../../activities/mail/authoring/take-picture.js';
import { withInlineImages } from '../../activities/mail/mail-images.js';
import type { RenderedMail } from '../../activities/mail/mailer.js';
import type { TemplateProblem } from '../../activities/mail/template-problem.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { defineCommand, wholeNumber, type CommandContext, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';
import { previewAllTenants } from '../preview-all-tenants.js';
import { remarkHiddenLayers } from '../template-arguments.js';
import { writeOutputFile } from '../write-output-file.js';

const formats = ['html', 'text', 'source', 'png'] as const;

export const templatePreviewCommand = defineCommand({
  name: 'template preview',
  summary: 'renders an e-mail template with its sample data, or a real download, into a file',
  declare: (command) =>
    void command
      .argument('[name]', 'the template, as "downloadasset"')
      .option('--tenant <name>', 'for this tenant; default: global')
      .option('--locale <tag>', 'language, as "de"; default: of the tenant')
      .option('--draft', 'with the draft, as if it were published')
      .option('--job <id>', 'with the data of this download instead of the sample')
      .option('--format <format>', `${formats.join(', ')}; default: HTML, and the text part beside it as .txt`)
      .option('--width <pixels>', 'of a png; default 700', '700')
      .option('--all-tenants', 'every tenant, template and locale, with one page that lists them')
      .requiredOption('--out <file>', 'file to write; with --all-tenants a folder'),
  args: z
    .object({
      name: z.string().optional(),
      tenant: z.string().optional(),
      locale: z.string().optional(),
      draft: z.boolean().default(false),
      job: z.string().optional(),
      format: z.enum(formats, `must be one of ${formats.join(', ')}`).optional(),
      width: wholeNumber(200, 3000),
      allTenants: z.boolean().default(false),
      out: z.string().min(1, 'is empty'),
    })
    .refine(({ name, allTenants }) => allTenants || name !== undefined, {
      path: ['name'],
      message: 'name a template, or say --all-tenants',
    })
    .refine(
      ({ allTenants, tenant, locale, draft, job, format }) =>
        !allTenants || (!draft && [tenant, locale, job, format].every((value) => value === undefined)),
      { path: ['allTenants'], message: 'goes with --out, and a template to show alone' },
    ),
  run: async (context, { name, tenant: tenantName = 'global', locale, draft, job, format, width, allTenants, out }) => {
    const file = path.resolve(context.cwd, out);
    if (allTenants || name === undefined) return previewAllTenants(context, file, name);
    const { repository, overlay } = context.satchel;
    return repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const tenant = await overlay.tenant(session, tenantName);
      const options = { tenant, template: name, locale, draft };
      const variables =
        job === undefined
          ? undefined
          : await variablesOfJob(context.satchel, { user: context.user, tenant, id: job }, (user, id) =>
              context.satchel.engine.job(user, id),
            );
      const mail = await renderPreview(context.satchel, session, { ...options, ...(variables && { variables }) });
      const textFile = `${file.slice(0, file.length - path.extname(file).length)}.txt`;
      const withText = format === undefined && textFile !== file;
      await writePreview(context, mail, format ?? 'html', file, width);
      if (withText) await writeOutputFile(textFile, mail.text);
      await remarkHiddenLayers(context, { session, tenant });
      const { subject, layers, templateVersion, remarks = [] } = mail;
      await answer(
        context,
        {
          template: name,
          tenant: tenantName,
          locale: mail.locale,
          subject,
          layers,
          templateVersion,
          file,
          ...(withText && { textFile }),
          remarks,
        },
        [
          `subject  ${safeText(subject)}`,
          `locale   ${mail.locale}`,
          `written  ${safeText(file)}`,
          ...remarks.map(remarkLine),
          '',
          ...table(Object.entries(layers).map(([part, layer]) => [`  ${safeText(part)}`, safeText(layer)])),
        ],
      );
      return 0;
    });
  },
});

/** What an author should know, where it stands. */
function remarkLine({ file, line, message }: TemplateProblem): string {
  return safeText(`note     ${file}:${line}: ${message}`);
}

const pictureHeight = 1600;

async function writePreview(
  { satchel, signal }: CommandContext,
  mail: RenderedMail,
  format: (typeof formats)[number],
  file: string,
  width: number,
): Promise<void> {
  const html = withInlineImages(mail.html, mail.images ?? []);
  if (format === 'html') return writeOutputFile(file, html);
  if (format === 'text') return writeOutputFile(file, mail.text);
  if (format === 'source') return writeOutputFile(file, await previewMessage(mail, satchel.configuration.mail.from));
  await mkdir(path.dirname(file), { recursive: true }).catch((cause: unknown) => {
    throw new SatchelError('OUT_FOLDER', `"${path.dirname(file)}" cannot be made.`, { cause });
  });
  const searchPath = process.env['PATH'] ?? '';
  await takePicture(html, { file, width, height: pictureHeight, searchPath, signal });
}
