import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { changeDraft, findDraft } from '../../activities/mail/authoring/drafts.js';
import { findEffectivePart } from '../../activities/mail/authoring/effective-parts.js';
import { maxPartBytes } from '../../activities/mail/authoring/layer-parts.js';
import { formatPartName, parsePartName } from '../../activities/mail/authoring/part-name.js';
import { SatchelError } from '../../workflows/contract/errors.js';
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

export const templateEditCommand = defineCommand({
  name: 'template edit',
  summary: 'changes a part of an e-mail template in the draft of the tenant; opens an editor unless told the text',
  declare: (command) =>
    void declareLock(
      declareTemplate(command)
        .requiredOption(
          '--part <part>',
          'subject, body, text, partial:NAME, theme.NAME or sample; with "own/" for this template alone',
        )
        .option('--locale <tag>', 'of a subject, body or text; default: of the tenant')
        .option('--value <text>', 'the text')
        .option('--from <file>', 'the text is in this file; "-" is standard input')
        .option('--inherit', 'the tenant shall have nothing of its own here'),
    ),
  args: z
    .object({
      ...templateArguments,
      ...lockArgument,
      part: z.string(),
      locale: z.string().optional(),
      value: z.string().optional(),
      from: z.string().optional(),
      inherit: z.boolean().default(false),
    })
    .refine(
      ({ value, from, inherit }) => [value !== undefined, from !== undefined, inherit].filter(Boolean).length <= 1,
      {
        path: ['value'],
        message: 'goes neither with --from nor with --inherit',
      },
    ),
  run: async (context, args) =>
    withTemplate(context, args, async ({ session, tenant, template }) => {
      const part = parsePartName(args.part, await localeOf(context, { session, tenant }, args.locale));
      const { overlay } = context.satchel;
      let { lock } = args;
      let text: string | null;
      if (args.inherit) text = null;
      else if (args.value !== undefined) text = args.value;
      else if (args.from === '-') text = await context.terminal.input();
      else if (args.from !== undefined) text = await readText(path.resolve(context.cwd, args.from));
      else {
        const draft = await findDraft(session, tenant, template);
        // An editor is open for minutes: what others do meanwhile is not written over.
        lock ??= draft?.lockVersion ?? 0;
        const name = formatPartName(part);
        const drafted = draft?.parts[name];
        const now = drafted ? drafted.text : (await findEffectivePart(session, overlay, tenant, template, part))?.text;
        const endings = { subject: 'txt', text: 'txt', theme: 'txt', sample: 'json', body: 'mjml', partial: 'mjml' };
        text = await context.terminal.edit(`${name.replaceAll(/[^\w.-]/gu, '-')}.${endings[part.kind]}`, now ?? '');
      }
      // One line ends with no line break, whatever an editor or a pipe adds.
      const isLine = part.kind === 'subject' || part.kind === 'theme';
      const stored = isLine && text !== null ? text.replace(/\r?\n$/u, '') : text;
      const draft = await changeDraft(session, overlay, { tenant, template }, [{ part, text: stored }], { lock });
      await answerDraft(context, tenant, draft);
      return 0;
    }),
});

async function readText(file: string): Promise<string> {
  const refused = (problem: string, cause?: unknown) =>
    new SatchelError('INVALID_REQUEST', `--from: "${file}" ${problem}.`, { cause, details: { file } });
  const { size } = await stat(file).catch((cause: unknown) => {
    throw refused('cannot be read', cause);
  });
  if (size > maxPartBytes) throw refused(`has more than ${maxPartBytes} bytes`);
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw refused('cannot be read', cause);
  });
}
