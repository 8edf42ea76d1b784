/** Templates as tests write them: a body and what differs from an empty theme, or the built-in ones from their folder. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileTemplate } from '../../activities/mail/compile-template.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import type { MailImages, TemplatePart, TemplateParts } from '../../activities/mail/compile-template.js';
import type { TemplateProblem } from '../../activities/mail/template-problem.js';
import type { JsonObject } from '../../workflows/contract/model.js';

export const templatesFolder = fileURLToPath(new URL('../../templates/', import.meta.url));
export const builtInTemplates = ['downloadasset', 'transientworkflowcompleted', 'sharelink', 'workitem'] as const;
export const builtInLocales = ['en', 'de', 'fr', 'ja'] as const;

export interface TestTemplate {
  readonly body: string;
  readonly partials?: Readonly<Record<string, string>>;
  readonly theme?: Readonly<Record<string, string>>;
  readonly subject?: string;
  readonly text?: string;
  readonly schema?: object;
  readonly locale?: string;
}

const part = (file: string, text: string): TemplatePart => ({ file, layer: '/libs', text });

export function testParts(template: TestTemplate): TemplateParts {
  return {
    template: 'test',
    locale: template.locale ?? 'en',
    body: part('test/en.mjml', template.body),
    partials: new Map(
      Object.entries(template.partials ?? {}).map(([name, text]) => [name, part(`partials/${name}.mjml`, text)]),
    ),
    theme: new Map(Object.entries(template.theme ?? {}).map(([name, value]) => [name, { value, layer: '/libs' }])),
    subject: template.subject === undefined ? undefined : part('test/subject/en', template.subject),
    text: template.text === undefined ? undefined : part('test/en.txt', template.text),
    schema: template.schema && part('test/variables.schema.json', JSON.stringify(template.schema)),
  };
}

/** A whole MJML document around the content of one column. */
export function document(column: string, title = 'Title'): string {
  return `<mjml><mj-head><mj-title>${title}</mj-title></mj-head><mj-body><mj-section><mj-column>\n${column}\n</mj-column></mj-section></mj-body></mjml>`;
}

/** Renders one column of text. */
export async function renderText(content: string, variables: JsonObject, options: Partial<TestTemplate> = {}) {
  const body = document(`<mj-text>${content}</mj-text>`);
  return (await compileTemplate(testParts({ body, ...options }))).render(variables);
}

/** The problems that compiling (and rendering, when variables are given) ends with. */
export async function problemsOf(template: TestTemplate, variables?: JsonObject): Promise<readonly TemplateProblem[]> {
  try {
    const compiled = await compileTemplate(testParts(template));
    if (variables) compiled.render(variables);
    return [];
  } catch (error) {
    if (!(error instanceof SatchelError) || error.code !== 'INVALID_TEMPLATE') throw error;
    return error.details['problems'] as readonly TemplateProblem[];
  }
}

const read = (path: string) => readFileSync(join(templatesFolder, path), 'utf8');

export function builtInTheme(): Record<string, string> {
  const { theme } = JSON.parse(read('.content.json')) as { theme: Record<string, string> };
  return Object.fromEntries(Object.entries(theme).filter(([name]) => !name.includes(':')));
}

/** Themes of the product and of the example tenants, as the overlay merges them. */
export function exampleThemes(): Record<string, Record<string, string>> {
  const conf = fileURLToPath(new URL('../../overlays/conf/', import.meta.url));
  const own = readdirSync(conf).map((tenant): [string, Record<string, string>] => {
    const file = join(conf, tenant, 'settings/dam/workflow/notification/email/theme/.content.json');
    return [tenant, { ...builtInTheme(), ...(JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>) }];
  });
  return { global: builtInTheme(), ...Object.fromEntries(own) };
}

/** One picture, wider than high, in place of every one of the repository; `withSampleImage` shows it. */
export const sampleImage: MailImages = { address: () => 'cid:sample' };

export function withSampleImage(html: string): string {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="200"><rect width="400" height="200" fill="#c96"/><circle cx="90" cy="90" r="60" fill="#fe8"/></svg>';
  return html.replaceAll('cid:sample', `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`);
}

export function builtInParts(template: string, locale: string, theme = builtInTheme()): TemplateParts {
  const partials = readdirSync(join(templatesFolder, 'partials')).filter((name) => name.endsWith('.mjml'));
  return {
    template,
    locale,
    body: part(`${template}/${locale}.mjml`, read(`${template}/${locale}.mjml`)),
    partials: new Map(partials.map((name) => [name.slice(0, -5), part(`partials/${name}`, read(`partials/${name}`))])),
    theme: new Map(Object.entries(theme).map(([name, value]) => [name, { value, layer: '/libs' }])),
    subject: undefined,
    text: undefined,
    schema: part(`${template}/variables.schema.json`, read(`${template}/variables.schema.json`)),
  };
}

/** @param name `sample`, or `sample-long` with very long names */
export function sampleOf(template: string, name: 'sample' | 'sample-long' = 'sample'): JsonObject {
  return JSON.parse(read(`${template}/${name}.json`)) as JsonObject;
}
