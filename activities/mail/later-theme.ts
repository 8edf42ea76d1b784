/**
 * Values of a theme that a template need not be compiled for: they are filled in afterwards, so that tenants whose themes differ
 * in nothing else share what is compiled. Only values that come out the same either way are left.
 */
import Handlebars from 'handlebars';
import { isUrlAttribute, type OutputContext } from './output-context.js';

/** What a value is used as: colours in styles and MJML's attributes, words where they are read. */
export type LaterValue = 'color' | 'font' | 'length' | 'address' | 'words';

/** UTF-16 units; longer ones count against the length of the template. */
const maxWords = 1000;

const forms: Readonly<Record<LaterValue, RegExp>> = {
  color: /^#[0-9a-f]{6}$/i,
  font: /^[\p{L}\p{N}'](?:[\p{L}\p{N} ,'-]*[\p{L}\p{N}'])?$/u,
  length: /^\d{1,4}(?:px)?$/,
  address: /^https?:\/\/[\w.~:/?#@!$&*+,;=%-]+$/i,
  // MJML leaves empty elements out and takes blanks from the ends of a text: then it has to see the value.
  words: /^(?!\s)(?:(?!\{\{)[^\0\uFDD0-\uFDEF])+(?<!\s)$/,
};

/** How each property of a theme is used that is left for later. */
export type LaterTheme = ReadonlyMap<string, ReadonlySet<LaterValue>>;

export function canBeLater(use: LaterValue, value: string): boolean {
  return value.length <= maxWords && forms[use].test(value);
}

/** The Handlebars expression for a value, in whatever block it stands. */
export function themeExpression(name: string): string {
  return `{{@root.theme.${name}}}`;
}

/** The theme's property that an expression of a template shows, if it was written by `themeExpression`. */
export function themeNameOf(tag: string): string | undefined {
  return /^\{\{@root\.theme\.([A-Za-z0-9_-]+)\}\}$/.exec(tag)?.[1];
}

/** What stands for values of the theme in compiled HTML. */
export interface StandIns {
  /** With one group around all of it. It may find more than there is. */
  readonly pattern: RegExp;
  /** Names of the theme's properties. */
  readonly names: ReadonlyMap<string, string>;
}

/** Whether a value with these uses can stand there: it is what it is in the template, and nothing has to guard it. */
export function canStandIn(uses: ReadonlySet<LaterValue>, context: OutputContext): boolean {
  const isStyle = uses.has('color') || uses.has('font') || uses.has('length');
  switch (context.kind) {
    case 'text':
    case 'comment':
      return true;
    case 'tag':
      return false;
    case 'raw':
      return context.element === 'style' ? uses.has('color') : context.element === 'title';
    case 'value':
      if (context.attribute === 'style') return isStyle;
      return !isUrlAttribute(context.attribute) || (uses.has('address') && context.value === '');
  }
}

/** Content of a template in pieces: texts, and at odd places names of the theme's properties. */
export type Segment = readonly string[];

/**
 * Has a program show content with values of the theme from `@shown`, one text for each statement.
 * @param program changed in place @returns the texts, by their place in `@shown`
 */
export function takeOutTheme(program: hbs.AST.Program, { pattern, names }: StandIns): Segment[] {
  const segments: Segment[] = [];
  const walk = (current: hbs.AST.Program | undefined): void => {
    for (const [index, statement] of current?.body.entries() ?? []) {
      if (statement.type === 'BlockStatement') {
        const { program: then, inverse } = statement as hbs.AST.BlockStatement;
        walk(then);
        walk(inverse);
      } else if (statement.type === 'ContentStatement') {
        const segment = segmentOf((statement as hbs.AST.ContentStatement).value);
        if (segment.length > 1) current?.body.splice(index, 1, shownStatement(statement, segments.push(segment) - 1));
      }
    }
  };
  const segmentOf = (text: string): Segment => {
    const pieces: string[] = [''];
    for (const [index, piece] of text.split(pattern).entries()) {
      const name = index % 2 === 1 ? names.get(piece) : undefined;
      if (name === undefined) pieces.push(`${pieces.pop() ?? ''}${piece}`);
      else pieces.push(name, '');
    }
    return pieces;
  };
  walk(program);
  return segments;
}

function shownStatement({ loc }: hbs.AST.Statement, index: number): hbs.AST.Statement {
  const parts = ['shown', String(index)];
  return {
    type: 'MustacheStatement',
    path: { type: 'PathExpression', data: true, depth: 0, parts, original: `@shown.${index}`, loc },
    params: [],
    hash: undefined,
    // Its values are escaped already.
    escaped: false,
    strip: { open: false, close: false },
    loc,
  } as unknown as hbs.AST.Statement;
}

/**
 * The texts of `@shown` for one theme. Joined rather than copied: V8 keeps such a text as its pieces, most of which all themes have
 * in common, until somebody reads it.
 */
export function fillIn(
  segments: readonly Segment[],
  theme: ReadonlyMap<string, string>,
  { escape }: { readonly escape: boolean },
): readonly string[] {
  const value = (name: string) => {
    const text = theme.get(name) ?? '';
    return escape ? Handlebars.escapeExpression(text) : text;
  };
  return segments.map((segment) =>
    segment.reduce((text, piece, index) => text + (index % 2 === 1 ? value(piece) : piece), ''),
  );
}
