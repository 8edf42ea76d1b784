/** AEM's text templates to the same kind of mail that MJML templates make: subject, text, and an HTML part derived of it. */
import Handlebars from 'handlebars';
import { toHeaderLine } from './header-line.js';
import { fillPlaceholders, lineOfPlaceholder } from './legacy-placeholders.js';
import { parseLegacyTemplate } from './legacy-template.js';
import { invalidTemplate, isNonEmpty } from './template-problem.js';
import type { RenderedParts, TemplateParts } from './compile-template.js';
import type { JsonObject } from '../../workflows/contract/model.js';
import type { Variables } from './template-variables.js';
import type { TemplateProblem } from './template-problem.js';

/** A text part; the HTML of it is longer. */
const maxTextCharacters = 256 * 1024;

/** Renders variables that were checked. `subject` is that of a subject part, which counts in place of the template's. */
export type RenderLegacy = (
  variables: JsonObject,
  options: { readonly timeZone: string; readonly now: Date; readonly host: string | undefined },
  subject: string | undefined,
) => RenderedParts;

/** @throws SatchelError INVALID_TEMPLATE */
export function compileLegacy(
  parts: TemplateParts,
  schema: Variables,
  theme: ReadonlyMap<string, string>,
): RenderLegacy {
  const { subject, body, problems, remarks } = parseLegacyTemplate(parts.body);
  if (isNonEmpty(problems)) throw invalidTemplate(parts.template, problems);
  const { file } = parts.body;
  const left = (name: string): TemplateProblem => ({
    file,
    line: lineOfPlaceholder(parts.body.text, name),
    message: `\${${name}} stands for nothing here, and is left as it is written.`,
  });
  return (variables, { timeZone, now, host }, given) => {
    const context = { variables: schema.complete(variables), locale: parts.locale, timeZone, now, host };
    const title = fillPlaceholders(subject, context);
    const text = fillPlaceholders(body, context);
    if (text.text.length > maxTextCharacters) {
      const message = `The mail is ${text.text.length} characters long; at most ${maxTextCharacters} are sent.`;
      throw invalidTemplate(parts.template, [{ file, line: 1, message }]);
    }
    const line = given ?? toHeaderLine(title.text);
    if (line === '') {
      throw invalidTemplate(parts.template, [{ file, line: 1, message: 'The subject is empty with these variables.' }]);
    }
    const unknown = new Set([...(given === undefined ? title.unknown : []), ...text.unknown]);
    // Control characters are for no reader; line ends and tabs are.
    const plain = text.text.toWellFormed().replace(/[^\P{Cc}\n\t]/gu, '');
    return {
      subject: line,
      text: plain,
      html: htmlOfText(plain, line, parts.locale, theme),
      remarks: [...remarks, ...[...unknown].map(left)],
    };
  };
}

const link = /\bhttps?:\/\/[^\s<>"'`{}|\\^]+[^\s<>"'`{}|\\^.,;:!?)\]]/g;

/** The text as it is, with its lines and blanks, in the theme's colours; addresses become links. */
export function htmlOfText(text: string, title: string, locale: string, theme: ReadonlyMap<string, string>): string {
  const escape = (value: string) => Handlebars.escapeExpression(value);
  const color = (name: string, otherwise: string) => {
    const value = theme.get(name) ?? '';
    return /^#[0-9a-f]{6}$/i.test(value) ? value : otherwise;
  };
  const font = (theme.get('fontFamily') ?? '').replace(/[^\p{L}\p{N} ,'-]/gu, '') || 'sans-serif';
  let content = '';
  let end = 0;
  for (const match of text.matchAll(link)) {
    const url = escape(match[0]);
    content += `${escape(text.slice(end, match.index))}<a href="${url}">${url}</a>`;
    end = match.index + match[0].length;
  }
  content += escape(text.slice(end));
  return `<!doctype html>
<html lang="${escape(locale)}"><head><meta charset="utf-8"><title>${escape(title)}</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">
<style>
body { margin: 0; background: ${color('background', '#eef1f3')}; }
.text { max-width: 600px; margin: 24px auto; padding: 28px 32px; box-sizing: border-box; background: ${color('surface', '#ffffff')};
  color: ${color('text', '#1a2229')}; font: 16px/1.55 ${font}; white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4; }
.text a { color: inherit; }
@media (prefers-color-scheme: dark) { body { background: #111418; } .text { background: #1c2127; color: #f1f4f6; } }
</style></head><body><div class="text">${content}</div></body></html>
`;
}
