/**
 * The first stage of a template: one MJML text out of the body, its partials and the theme. Partials are MJML fragments,
 * so they have to stand in the text before MJML compiles it; theme values too, since MJML checks colours and computes
 * widths. Handlebars expressions stay as they are.
 */
import Handlebars from 'handlebars';
import { findTags } from './handlebars-tags.js';
import { lineAt, MappedText } from './mapped-text.js';
import { partialScopeHelper } from './template-helpers.js';
import type { HandlebarsTag } from './handlebars-tags.js';
import type { TemplateFile, TemplateProblem } from './template-problem.js';

/** Bounds what partials within partials can grow to. */
export const maxFlatCharacters = 512 * 1024;
const maxPartialDepth = 10;
const maxInclusions = 1000;

export interface FlatTemplate {
  readonly text: string;
  /** Names of the partials that were used. */
  readonly partials: readonly string[];
  readonly problems: readonly TemplateProblem[];
  readonly problemAt: (offset: number, message: string) => TemplateProblem;
}

/**
 * Replaces `{{> name}}` by the partial and `{{theme.name}}` by the theme's value, and drops Handlebars comments.
 * `{{> name key=value …}}` gives the partial further variables; values are evaluated where the partial is called.
 */
export function flattenTemplate(
  body: TemplateFile,
  partials: ReadonlyMap<string, TemplateFile>,
  theme: ReadonlyMap<string, string>,
  format: 'mjml' | 'text' = 'mjml',
): FlatTemplate {
  const flat = new MappedText<TemplateFile>();
  const problems: TemplateProblem[] = [];
  const used = new Set<string>();
  let inclusions = 0;
  let tooLarge = false;

  const append = (source: TemplateFile, stack: readonly string[]): void => {
    if (tooLarge) return;
    const problem = (offset: number, message: string) =>
      problems.push({ file: source.file, line: lineAt(source.text, offset), message });
    const parseProblem = handlebarsProblem(source);
    if (parseProblem) {
      problems.push(parseProblem);
      return;
    }
    let position = 0;
    for (const tag of findTags(source.text)) {
      flat.copy(source.text.slice(position, tag.start), source, position);
      position = tag.end;
      if (tag.kind === 'comment') continue;
      if (tag.kind === 'partial') {
        appendPartial(source, tag, stack, problem);
      } else if (themeProperty(tag) !== undefined) {
        appendThemeValue(source, tag, problem);
      } else {
        flat.copy(tag.text, source, tag.start);
      }
    }
    flat.copy(source.text.slice(position), source, position);
  };

  const appendPartial = (
    source: TemplateFile,
    tag: HandlebarsTag,
    stack: readonly string[],
    problem: (offset: number, message: string) => void,
  ): void => {
    const [, name, parameters = ''] = /^\{\{~?>\s*([A-Za-z0-9_-]+)(?:\s+([\s\S]*?))?\s*~?\}\}$/.exec(tag.text) ?? [];
    if (name === undefined) {
      problem(tag.start, `${tag.text} is not a partial of this product: write {{> name}} or {{> name key=value}}.`);
      return;
    }
    const partial = partials.get(name);
    if (!partial) {
      const known = [...partials.keys()].join(', ') || 'none';
      problem(tag.start, `There is no partial "${name}" (known: ${known}).`);
      return;
    }
    if (stack.includes(name) || stack.length >= maxPartialDepth) {
      problem(tag.start, `The partial "${name}" includes itself: ${[...stack, name].join(' → ')}.`);
      return;
    }
    if (tooLarge) return;
    if (++inclusions > maxInclusions || flat.text.length + partial.text.length > maxFlatCharacters) {
      tooLarge = true;
      problem(
        tag.start,
        `With its partials the template is longer than ${maxFlatCharacters} characters, or includes more than ${maxInclusions}.`,
      );
      return;
    }
    used.add(name);
    if (parameters !== '') flat.generate(`{{#${partialScopeHelper} ${parameters}}}`, source, tag.start);
    append(partial, [...stack, name]);
    if (parameters !== '') flat.generate(`{{/${partialScopeHelper}}}`, source, tag.start);
  };

  const appendThemeValue = (
    source: TemplateFile,
    tag: HandlebarsTag,
    problem: (offset: number, message: string) => void,
  ): void => {
    const name = themeProperty(tag) ?? '';
    const value = theme.get(name);
    if (value === undefined) {
      problem(tag.start, `The theme has no property "${name}" (known: ${[...theme.keys()].join(', ') || 'none'}).`);
      return;
    }
    const inStyle = isInsideStyle(source.text, tag.start);
    const unsafe = inStyle || isInsideStyleAttribute(source.text, tag.start) ? /[<>{};\\]|\/\*|url\s*\(/i : undefined;
    if (value.includes('{{') || unsafe?.test(value)) {
      problem(
        tag.start,
        `The theme's "${name}" may not hold {{ or, in a style, any of < > { } ; \\ or url( — it is "${value.slice(0, 200)}".`,
      );
      return;
    }
    flat.generate(inStyle || format === 'text' ? value : Handlebars.escapeExpression(value), source, tag.start);
  };

  append(body, []);
  if (flat.text.length > maxFlatCharacters) {
    problems.push({
      file: body.file,
      line: 1,
      message: `The template is longer than ${maxFlatCharacters} characters.`,
    });
  }
  return {
    text: flat.text,
    partials: [...used],
    problems,
    problemAt: (offset, message) => {
      const origin = flat.originOf(offset);
      if (!origin) return { file: body.file, line: 1, message };
      return { file: origin.source.file, line: lineAt(origin.source.text, origin.offset), message };
    },
  };
}

function themeProperty(tag: HandlebarsTag): string | undefined {
  return /^\{\{~?\s*theme\.([A-Za-z0-9_-]+)\s*~?\}\}$/.exec(tag.text)?.[1];
}

/** CSS is not decoded as HTML is, so values stand in it as they are. */
function isInsideStyle(text: string, offset: number): boolean {
  const before = text.slice(0, offset).toLowerCase();
  return before.lastIndexOf('<mj-style') > before.lastIndexOf('</mj-style');
}

/** Attributes whose values are no CSS; MJML makes CSS of most others. */
const plainAttributes = new Set(['alt', 'title', 'href', 'src', 'aria-label', 'lang', 'name', 'content']);

/** Whether an offset lies in a tag, and not surely in an attribute that is no CSS. */
function isInsideStyleAttribute(text: string, offset: number): boolean {
  const open = text.lastIndexOf('<', offset);
  if (open < text.lastIndexOf('>', offset)) return false;
  const attribute = /([A-Za-z:-]+)\s*=\s*["'][^"']*$/.exec(text.slice(Math.max(open, offset - 1000), offset))?.[1];
  return attribute === undefined || !plainAttributes.has(attribute.toLowerCase());
}

/** What Handlebars' own parser has to say about a file, and what of its syntax is not for mail. */
export function handlebarsProblem(source: TemplateFile): TemplateProblem | undefined {
  try {
    Handlebars.parse(source.text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const line = Number(/on line (\d+)/.exec(message)?.[1] ?? /- (\d+):\d+/.exec(message)?.[1] ?? 1);
    return { file: source.file, line, message: `Handlebars does not parse this: ${message.replace(/\s+/g, ' ')}` };
  }
  const escaped = source.text.indexOf('\\{{');
  if (escaped >= 0) {
    return {
      file: source.file,
      line: lineAt(source.text, escaped),
      message: 'Escaped braces (\\{{) are not supported.',
    };
  }
  return undefined;
}
