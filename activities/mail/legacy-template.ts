/**
 * AEM's plain text templates, `<template>/<locale>.txt`, in both of their shapes. Pure.
 *
 *     subject=Your download ${payload.path}          Subject: Your download ${payload.path}
 *     header=Hello ${participant.name},\n\n\
 *     message=it is ready.\n                         Hello ${participant.name},
 *     footer=Satchel                                 it is ready.
 *
 * Sources: "Configuring Email Notification" of AEM 6.5 (property files), `com.day.cq.commons.mail.MailTemplate` (headers).
 */
import { parseLegacyProperties } from './legacy-properties.js';
import type { TemplateFile, TemplateProblem } from './template-problem.js';

export interface LegacyTemplate {
  readonly subject: string;
  /** header, message and footer after each other, or what stands below the header lines. */
  readonly body: string;
  /** What is wrong with it. */
  readonly problems: readonly TemplateProblem[];
  /** What has no effect here. */
  readonly remarks: readonly TemplateProblem[];
}

const bodyNames = ['header', 'message', 'footer'];
const headerLine = /^([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)$/;

/** Whether a `.txt` file is a template of AEM's, rather than the text part of an MJML template. */
export function isLegacyTemplate(text: string): boolean {
  return isPropertyStyle(text) || headersOf(text) !== undefined;
}

function isPropertyStyle(text: string): boolean {
  // Blank lines and comments may come first.
  const first = /^(?:\uFEFF)?(?:[ \t\f]*(?:[#!][^\r\n]*)?(?:\r\n|\r|\n))*[ \t\f]*([^\r\n]*)/.exec(text)?.[1] ?? '';
  return /^(?:subject|header|message|footer)[ \t\f]*=/.test(first);
}

interface HeaderStyle {
  readonly headers: readonly { readonly name: string; readonly value: string; readonly line: number }[];
  readonly body: string;
}

/** Lines of headers with a `Subject` among them, and all below the first empty line. */
function headersOf(text: string): HeaderStyle | undefined {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  const headers: { name: string; value: string; line: number }[] = [];
  let at = 0;
  for (; at < lines.length && lines[at] !== ''; at++) {
    const line = lines[at] ?? '';
    const [, name, value = ''] = headerLine.exec(line) ?? [];
    const last = headers.at(-1);
    if (name !== undefined) headers.push({ name, value, line: at + 1 });
    // RFC 5322, section 2.2.3: a line that begins with a blank goes on with the header before it.
    else if (last && /^[ \t]/.test(line)) last.value += ` ${line.trim()}`;
    else return undefined;
  }
  if (!headers.some(({ name }) => name.toLowerCase() === 'subject')) return undefined;
  return { headers, body: lines.slice(at + 1).join('\n') };
}

/** @param source a file that `isLegacyTemplate` says is one */
export function parseLegacyTemplate(source: TemplateFile): LegacyTemplate {
  const at = (line: number, message: string): TemplateProblem => ({ file: source.file, line, message });
  const answer = (
    subject: string | undefined,
    body: string,
    problems: TemplateProblem[],
    remarks: TemplateProblem[],
  ) => {
    const missing = subject === undefined ? 'subject' : body.trim() === '' ? 'message' : undefined;
    return {
      subject: subject ?? '',
      body,
      problems: missing === undefined ? problems : [...problems, at(1, `The template has no ${missing}.`)],
      remarks: /<html[\s>]/i.test(body)
        ? [...remarks, at(1, 'Markup is shown as text: write an MJML template for a mail with a layout of its own.')]
        : remarks,
    };
  };

  if (isPropertyStyle(source.text)) {
    const { properties, problems } = parseLegacyProperties(source.text);
    const values = new Map(properties.map(({ name, value }) => [name, value]));
    const unknown = properties.filter(({ name }) => name !== 'subject' && !bodyNames.includes(name));
    return answer(
      values.get('subject'),
      withPlainBreaks(bodyNames.map((name) => values.get(name) ?? '').join('')),
      problems.map(({ line, message }) => at(line, message)),
      unknown.map(({ name, line }) => at(line, `"${name}" has no effect (known: subject, header, message, footer).`)),
    );
  }
  const { headers, body } = headersOf(source.text) ?? { headers: [], body: source.text };
  return answer(
    headers.findLast(({ name }) => name.toLowerCase() === 'subject')?.value,
    body,
    [],
    headers
      .filter(({ name }) => name.toLowerCase() !== 'subject')
      .map(({ name, line }) => at(line, `The header "${name}" has no effect: sender and recipients are Satchel’s.`)),
  );
}

function withPlainBreaks(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}
