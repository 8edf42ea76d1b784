/**
 * The second stage of a template: MJML to HTML, once per version. MJML parses attributes and throws away text between
 * its elements, so every Handlebars tag is exchanged for an opaque word first and put back afterwards; a tag that did
 * not come back would have been lost silently and is a problem instead.
 */
import { findTags } from './handlebars-tags.js';
import { themeNameOf, type StandIns } from './later-theme.js';
import { MappedText, offsetOf } from './mapped-text.js';
import type { FlatTemplate } from './flatten-template.js';
import type { HandlebarsTag } from './handlebars-tags.js';
import type { TemplateProblem } from './template-problem.js';

export interface CompiledMjml {
  /** HTML with the Handlebars tags of the template, and stand-ins for values of the theme. */
  readonly html: string;
  readonly standIns: StandIns;
  readonly problems: readonly TemplateProblem[];
  /** Where the Handlebars tag at a line and column of `html` stands in the template's files. */
  readonly problemAt: (line: number, column: number, message: string) => TemplateProblem;
}

/** Elements whose content MJML passes on as it is ("ending tags" in its documentation), and the one whose text it reads. */
const contentElements = new Set([
  'mj-accordion-text',
  'mj-accordion-title',
  'mj-breakpoint',
  'mj-button',
  'mj-carousel-image',
  'mj-html-attribute',
  'mj-navbar-link',
  'mj-preview',
  'mj-raw',
  'mj-social-element',
  'mj-style',
  'mj-table',
  'mj-text',
  'mj-title',
]);

type Place = 'structure' | 'markup' | 'content' | 'comment';

export async function compileMjml(flat: FlatTemplate): Promise<CompiledMjml> {
  const scanned = scanStructure(flat);
  const compiled = new MappedText<null>();
  const names = new Map<string, string>();
  const { wordFor, colorFor, pattern, indexOf } = tokensFor(flat.text);
  const answer = (problems: readonly TemplateProblem[]): CompiledMjml => ({
    html: compiled.text,
    standIns: { pattern: new RegExp(`(${pattern.source})`), names },
    problems,
    problemAt: (line, column, message) => {
      const origin = compiled.originOf(offsetOf(compiled.text, line, column));
      return flat.problemAt(origin?.offset ?? 0, message);
    },
  });
  if (scanned.problems.length > 0) return answer(scanned.problems);

  const isColor = ({ text }: HandlebarsTag) => flat.laterTheme.get(themeNameOf(text) ?? '')?.has('color') === true;
  const opaque = new MappedText<null>();
  let position = 0;
  for (const [index, { tag, place }] of scanned.tags.entries()) {
    opaque.copy(flat.text.slice(position, tag.start), null, position);
    const standIn = isColor(tag) ? colorFor(index) : wordFor(index);
    opaque.generate(place === 'structure' ? `<mj-raw>${standIn}</mj-raw>` : standIn, null, tag.start);
    position = tag.end;
  }
  opaque.copy(flat.text.slice(position), null, position);

  const restore = (text: string) => text.replace(pattern, (found) => scanned.tags[indexOf(found)]?.tag.text ?? found);
  let html: string;
  try {
    const mjml2html = await loadMjml();
    // No files, no fonts from elsewhere, and nothing that MJML would only warn about.
    ({ html } = await mjml2html(opaque.text, {
      validationLevel: 'strict',
      ignoreIncludes: true,
      keepComments: false,
      fonts: {},
    }));
  } catch (error) {
    return answer(
      mjmlErrors(error).map(({ line, message }) => {
        const origin = opaque.originOf(offsetOf(opaque.text, line));
        return flat.problemAt(origin?.offset ?? 0, restore(message));
      }),
    );
  }

  const seen = new Set<number>();
  let end = 0;
  for (const match of html.matchAll(pattern)) {
    const index = indexOf(match[0]);
    const tag = scanned.tags[index]?.tag;
    if (!tag) continue;
    seen.add(index);
    compiled.generate(html.slice(end, match.index), null, tag.start);
    const name = themeNameOf(tag.text);
    const isLater = name !== undefined && flat.laterTheme.has(name);
    if (isLater) names.set(match[0], name);
    compiled.generate(isLater ? match[0] : tag.text, null, tag.start);
    end = match.index + match[0].length;
  }
  compiled.generate(html.slice(end), null, 0);
  return answer(
    scanned.tags.flatMap(({ tag, place }, index) =>
      // Where MJML shows nothing of a value, it would show nothing of another one.
      place === 'comment' || seen.has(index) || themeNameOf(tag.text) !== undefined
        ? []
        : [flat.problemAt(tag.start, `MJML leaves ${tag.text} out: it stands where MJML shows nothing.`)],
    ),
  );
}

/** Loaded on first use: it takes half a second, which a command that sends no mail need not wait for. */
async function loadMjml() {
  // While it loads, mjml runs the packages that a `.mjmlconfig` in the working directory names; the only switch for that
  // is this variable, meant for browsers.
  process.env['MJML_BROWSER'] = 'true';
  try {
    return (await import('mjml')).default;
  } finally {
    delete process.env['MJML_BROWSER'];
  }
}

/** What stands for the tags while MJML compiles: words, and colours where it looks whether they are some. */
function tokensFor(text: string) {
  let word = 'satchelexpression';
  while (text.includes(word)) word += 'q';
  const lowered = text.toLowerCase();
  const digits = Array.from({ length: 256 }, (_, index) => index.toString(16).padStart(2, '0')).findLast(
    (candidate) => !lowered.includes(`#${candidate}`) && candidate !== 'ff',
  );
  const wordFor = (index: number) => `${word}${index}x`;
  const colorFor = (index: number) =>
    digits === undefined || index > 0xffff ? wordFor(index) : `#${digits}${index.toString(16).padStart(4, '0')}`;
  return {
    wordFor,
    colorFor,
    pattern: new RegExp(`${word}\\d+x${digits === undefined ? '' : `|#${digits}[0-9a-f]{4}`}`, 'g'),
    indexOf: (found: string) =>
      found.startsWith('#') ? Number.parseInt(found.slice(3), 16) : Number.parseInt(found.slice(word.length), 10),
  };
}

function mjmlErrors(error: unknown): { line: number; message: string }[] {
  const listed = (error as { errors?: readonly { line: number; message: string; tagName: string }[] }).errors;
  if (listed !== undefined && listed.length > 0) {
    return listed.map(({ line, message, tagName }) => ({ line, message: `MJML: <${tagName}>: ${message}` }));
  }
  return [{ line: 1, message: `MJML: ${error instanceof Error ? error.message : String(error)}` }];
}

/**
 * Where each Handlebars tag stands in the MJML, and what MJML would drop without a word: text and expressions between
 * its elements. Blocks may stand there; they become `mj-raw`. Elements must be closed in their order.
 */
function scanStructure(flat: FlatTemplate): {
  readonly tags: readonly { readonly tag: HandlebarsTag; readonly place: Place }[];
  readonly problems: readonly TemplateProblem[];
} {
  const { text } = flat;
  const pending = findTags(text);
  const tags: { tag: HandlebarsTag; place: Place }[] = [];
  const problems: TemplateProblem[] = [];
  const open: { readonly element: string; readonly start: number }[] = [];
  const unbalanced: TemplateProblem[] = [];
  let next = 0;
  let position = 0;

  const notShown = (offset: number, what: string) =>
    problems.push(
      flat.problemAt(
        offset,
        `MJML shows no text directly inside <${open.at(-1)?.element ?? 'mjml'}>: put ${what} into <mj-text>.`,
      ),
    );
  /** Moves to `end`, noting the tags passed over; a tag that reaches beyond `end` is passed as a whole. */
  const advance = (end: number, place: Place): void => {
    for (let tag = pending[next]; tag && tag.start < end; tag = pending[++next]) {
      tags.push({ tag, place });
      position = Math.max(position, tag.end);
    }
    position = Math.max(position, end);
  };
  const neverClosed = (element: string, offset: number) =>
    unbalanced.push(flat.problemAt(offset, `<${element}> is never closed.`));
  /** MJML closes what is still open by itself, and shows something else than was meant. */
  const closeElement = (element: string, offset: number) => {
    const expected = open.pop();
    if (expected?.element === element) return;
    const what = expected ? `where <${expected.element}> is to be closed` : 'where nothing is open';
    unbalanced.push(flat.problemAt(offset, `</${element}> stands ${what}.`));
  };
  const after = (found: number, length: number) => (found < 0 ? text.length : found + length);

  while (position < text.length) {
    const tag = pending[next];
    if (tag?.start === position) {
      if (tag.kind !== 'block') {
        notShown(tag.start, tag.text);
      }
      advance(tag.end, 'structure');
    } else if (text.startsWith('<!--', position)) {
      advance(after(text.indexOf('-->', position), 3), 'comment');
    } else if (text[position] === '<') {
      const start = position;
      advance(endOfMarkup(text, position, pending.slice(next)), 'markup');
      const [, closing, name = ''] = /^<(\/?)([A-Za-z0-9-]+)/.exec(text.slice(start, start + 80)) ?? [];
      const element = name.toLowerCase();
      if (element === 'mj-include') {
        problems.push(flat.problemAt(start, 'mj-include reads files and is not allowed: use a partial, {{> name}}.'));
      }
      if (closing === '/') closeElement(element, start);
      else if (element !== '' && text[position - 2] !== '/') open.push({ element, start });
      if (open.at(-1)?.element === element && closing === '' && contentElements.has(element)) {
        const close = text.slice(position).search(new RegExp(`</${element}\\s*>`, 'i'));
        const end = close < 0 ? text.length : position + close;
        // Such an element holds none of its own kind: that close is another one's.
        if (new RegExp(`<${element}[\\s>]`, 'i').test(text.slice(position, end))) neverClosed(element, start);
        advance(end, 'content');
      }
    } else if (/\s/.test(text[position] ?? '')) {
      position++;
    } else {
      const end = Math.min(after(text.indexOf('<', position), 0), tag?.start ?? text.length);
      const shown = text.slice(position, Math.min(end, position + 60)).trim();
      notShown(position, `"${shown}"`);
      position = end;
    }
  }
  for (const { element, start } of open.toReversed()) neverClosed(element, start);
  // The first of them explains those that follow.
  return { tags, problems: [...problems, ...unbalanced.slice(0, 1)] };
}

/** After the `>` that closes the markup at `start`; quoted values and Handlebars tags may hold one. */
function endOfMarkup(text: string, start: number, tags: readonly HandlebarsTag[]): number {
  let quote = '';
  let upcoming = 0;
  for (let at = start; at < text.length; at++) {
    while ((tags[upcoming]?.end ?? Infinity) <= at) upcoming++;
    const tag = tags[upcoming];
    if (tag?.start === at) {
      at = tag.end - 1;
      continue;
    }
    const character = text[at] ?? '';
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === '"' || character === "'") {
      quote = character;
    } else if (character === '>') {
      return at + 1;
    }
  }
  return text.length;
}

/** The `<mj-title>` of a flattened template: its text and where it stands. */
export function findTitle(flat: FlatTemplate):
  | {
      readonly text: string;
      readonly file: string;
      readonly line: number;
      readonly start: number;
      readonly end: number;
    }
  | undefined {
  const match = /<mj-title\b[^>]*>([\s\S]*?)<\/mj-title\s*>/i.exec(flat.text);
  if (!match) return undefined;
  const start = match.index + match[0].indexOf('>') + 1;
  const text = match[1] ?? '';
  const { file, line } = flat.problemAt(start, '');
  return { text, file, line, start, end: start + text.length };
}

/** The same template with another text between two offsets; offsets before it keep their origin. */
export function replaceRange(flat: FlatTemplate, start: number, end: number, replacement: string): FlatTemplate {
  const changed = new MappedText<null>();
  changed.copy(flat.text.slice(0, start), null, 0);
  changed.generate(replacement, null, start);
  changed.copy(flat.text.slice(end), null, end);
  return {
    ...flat,
    text: changed.text,
    problemAt: (offset, message) => flat.problemAt(changed.originOf(offset)?.offset ?? 0, message),
  };
}
