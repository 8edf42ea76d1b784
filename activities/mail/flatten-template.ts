/**
 * The first stage of a template: one MJML text out of the body, its partials and the theme. Partials are MJML fragments,
 * so they have to stand in the text before MJML compiles it; theme values too, since MJML checks colours and computes
 * widths, but for those that can be filled in afterwards (later-theme.ts). Handlebars expressions stay as they are.
 */
import { createHash } from 'node:crypto';
import Handlebars from 'handlebars';
import { findTags } from './handlebars-tags.js';
import { canBeLater, themeExpression } from './later-theme.js';
import { lineAt, MappedText } from './mapped-text.js';
import { partialScopeHelper } from './template-helpers.js';
import type { HandlebarsTag } from './handlebars-tags.js';
import type { LaterTheme, LaterValue } from './later-theme.js';
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
  /** Properties of the theme whose values are in the text, and those that expressions stand for. */
  readonly fixedTheme: ReadonlySet<string>;
  readonly laterTheme: LaterTheme;
}

export interface FlattenOptions {
  /** Default `mjml`. */
  readonly format?: 'mjml' | 'text';
  /** Leaves values of the theme for later where that changes nothing (later-theme.ts). Default: none. */
  readonly leavesTheme?: boolean;
}

/**
 * Replaces `{{> name}}` by the partial and `{{theme.name}}` by the theme's value, and drops Handlebars comments.
 * `{{> name key=value …}}` gives the partial further variables; values are evaluated where the partial is called.
 */
export function flattenTemplate(
  body: TemplateFile,
  partials: ReadonlyMap<string, TemplateFile>,
  theme: ReadonlyMap<string, string>,
  { format = 'mjml', leavesTheme = false }: FlattenOptions = {},
): FlatTemplate {
  const flat = new MappedText<TemplateFile>();
  const problems: TemplateProblem[] = [];
  const used = new Set<string>();
  const fixedTheme = new Set<string>();
  const laterTheme = new Map<string, Set<LaterValue>>();
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
    const { use, isCss, isRaw } = format === 'text' ? plainPlace : placeOf(source.text, tag);
    if (leavesTheme && use !== undefined && canBeLater(use, value)) {
      laterTheme.set(name, (laterTheme.get(name) ?? new Set<LaterValue>()).add(use));
      flat.generate(themeExpression(name), source, tag.start);
      return;
    }
    fixedTheme.add(name);
    const unsafe = isCss ? /[<>{};\\]|\/\*|url\s*\(/i : undefined;
    if (value.includes('{{') || unsafe?.test(value)) {
      problem(
        tag.start,
        `The theme's "${name}" may not hold {{ or, in a style, any of < > { } ; \\ or url( — it is "${value.slice(0, 200)}".`,
      );
      return;
    }
    flat.generate(isRaw ? value : Handlebars.escapeExpression(value), source, tag.start);
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
    fixedTheme,
    laterTheme,
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

/** What a value of the theme is where it stands. */
interface ThemePlace {
  /** As what it can be left to the rendering, if at all. */
  readonly use: LaterValue | undefined;
  readonly isCss: boolean;
  /** CSS is not decoded as HTML is, so values stand in a style as they are. */
  readonly isRaw: boolean;
}

const plainPlace: ThemePlace = { use: 'words', isCss: false, isRaw: true };

/** Attributes whose values are no CSS; MJML makes CSS of most others. */
const labels = new Set(['alt', 'title', 'aria-label']);
const addresses = new Set(['href', 'src']);
const otherPlain = new Set(['lang', 'name', 'content']);

/** In MJML. */
function placeOf(text: string, { start, end }: HandlebarsTag): ThemePlace {
  const before = text.slice(0, start).toLowerCase();
  if (before.lastIndexOf('<mj-style') > before.lastIndexOf('</mj-style')) {
    return { use: 'color', isCss: true, isRaw: true };
  }
  const open = before.lastIndexOf('<');
  if (open < before.lastIndexOf('>')) return { use: 'words', isCss: false, isRaw: false };
  const [, attribute = ''] = /([a-z:-]+)\s*=\s*["'][^"']*$/.exec(before.slice(Math.max(open, start - 1000))) ?? [];
  const isOfMjml = before.startsWith('<mj-', open);
  const isAlone = /["']/.test(before.at(-1) ?? '') && before.at(-1) === text[end];
  const isCss = !labels.has(attribute) && !addresses.has(attribute) && !otherPlain.has(attribute);
  return { use: useIn(attribute, isOfMjml, isAlone), isCss, isRaw: false };
}

function useIn(attribute: string, isOfMjml: boolean, isAlone: boolean): LaterValue | undefined {
  // What stands beside an address, or a font, decides what becomes of it.
  if (addresses.has(attribute)) return isAlone ? 'address' : undefined;
  // What MJML does with other attributes of its own depends on their values.
  if (labels.has(attribute)) return isOfMjml ? undefined : 'words';
  if (otherPlain.has(attribute)) return undefined;
  if (isOfMjml && attribute === 'font-family') return isAlone ? 'font' : undefined;
  if (isOfMjml && attribute === 'border-radius') return 'length';
  return 'color';
}

/** What is wrong with files, by the SHA-256 of their text: of most changes, only one of a template's files is new. */
const knownFiles = new Map<string, FileProblem | undefined>();
const maxKnownFiles = 5000;

type FileProblem = Pick<TemplateProblem, 'line' | 'message'>;

/** What Handlebars' own parser has to say about a file, and what of its syntax is not for mail. */
function handlebarsProblem({ file, text }: TemplateFile): TemplateProblem | undefined {
  const key = createHash('sha256').update(text).digest('base64');
  if (!knownFiles.has(key)) {
    if (knownFiles.size >= maxKnownFiles) knownFiles.clear();
    knownFiles.set(key, findProblem(text));
  }
  const problem = knownFiles.get(key);
  return problem && { file, ...problem };
}

function findProblem(text: string): FileProblem | undefined {
  try {
    Handlebars.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const line = Number(/on line (\d+)/.exec(message)?.[1] ?? /- (\d+):\d+/.exec(message)?.[1] ?? 1);
    return { line, message: `Handlebars does not parse this: ${message.replace(/\s+/g, ' ')}` };
  }
  const escaped = text.indexOf('\\{{');
  if (escaped < 0) return undefined;
  return { line: lineAt(text, escaped), message: 'Escaped braces (\\{{) are not supported.' };
}
