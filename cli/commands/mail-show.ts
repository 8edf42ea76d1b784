import { z } from 'zod';
import { parseMail, readMailboxMail } from '../../activities/mail/mailbox.js';
import type { OutboxMail } from '../../activities/mail/outbox.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { defineCommand, type CommandContext, type ExitCode } from '../command.js';
import { createMailboxReader, isoOf, loggedMail, mailDocument, withMailLog } from '../mail-reader.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

/** Of a message; templates bound theirs before. */
const maxMessageBytes = 16 * 1024 * 1024;

export const mailShowCommand = defineCommand({
  name: 'mail show',
  summary: 'shows a mail: what was sent, which templates it was made of, and what the mail server said',
  declare: (command) =>
    void command
      .argument('<id>', 'id of the mail, from "satchel mail list"')
      .option('--source', 'the message as it was sent, and nothing else'),
  args: z.object({ id: z.string(), source: z.boolean().default(false) }),
  run: async (context, { id, source }) => {
    // Ids of the embedded mailbox begin with a time.
    if (id.includes('-')) return showEmbedded(context, id, source);
    const { mail, raw } = await withMailLog(context, async (session, scope) => {
      const found = await loggedMail(session, scope, id);
      return { mail: found, raw: found.raw ? await session.readBinary(found.raw, maxMessageBytes) : new Uint8Array() };
    });
    if (source) return showSource(context, raw);
    const { text = '', html = '', headers } = await parseMail(raw);
    const document = {
      ...mailDocument(mail),
      headers: headers.map(({ originalKey, value }) => ({ name: originalKey, value })),
      text,
      html,
    };
    await answer(context, document, [...table(factsOf(mail).map((row) => row.map(safeText))), '', ...linesOf(text)]);
    return 0;
  },
});

function factsOf(mail: OutboxMail): string[][] {
  const { state, attempts, error, response, sent, next, layers } = mail;
  const changed = Object.entries(layers).filter(([, layer]) => layer !== '/libs');
  return [
    ['to', mail.to],
    ['subject', mail.subject],
    ['state', attempts > 1 ? `${state}, ${attempts} attempts` : state],
    ['tenant', mail.tenant],
    ['template', `${mail.template}, ${mail.locale}, version ${mail.templateVersion.slice(0, 12)}`],
    ...changed.map(([part, layer], index) => [index === 0 ? 'overridden' : '', `${part} by ${layer}`]),
    ['message id', mail.messageId],
    ['bounces to', mail.from],
    ['written', isoOf(mail.created)],
    ...(sent === undefined ? [] : [['sent', isoOf(sent)]]),
    ...(response === undefined ? [] : [['response', response]]),
    ...(error === undefined ? [] : [['problem', `${error.message} [${error.code}]`]]),
    ...(next === undefined ? [] : [['tried again', `after ${isoOf(next)}`]]),
    ['path', mail.path],
  ];
}

async function showEmbedded(context: CommandContext, id: string, source: boolean): Promise<ExitCode> {
  const reader = await createMailboxReader(context);
  const mail = await readMailboxMail(reader.folder, id);
  if (!mail || !reader.mayRead(mail)) {
    throw new SatchelError('PATH_NOT_FOUND', `There is no mail "${id}": see "satchel mail list --mailbox".`);
  }
  const { raw, ...document } = mail;
  if (source) return showSource(context, raw);
  await answer(context, document, [
    ...table([
      ['from', safeText(mail.from)],
      ['to', safeText(mail.to.join(', '))],
      ['subject', safeText(mail.subject)],
      ['received', mail.received],
      ['file', safeText(mail.file)],
    ]),
    '',
    ...linesOf(mail.text ?? ''),
  ]);
  return 0;
}

async function showSource(context: CommandContext, raw: Uint8Array): Promise<ExitCode> {
  const source = new TextDecoder().decode(raw);
  await answer(context, { source }, linesOf(source));
  return 0;
}

function linesOf(text: string): string[] {
  return text.trimEnd().split(/\r?\n/).map(safeText);
}
