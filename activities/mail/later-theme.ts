/**
 * Values of a theme that a template need not be compiled for: they are looked up when a mail is rendered, so that tenants
 * whose themes differ in nothing else share what is compiled. Only values that come out the same either way are left.
 */
import Handlebars from 'handlebars';
import type { OutputGuard } from './guard-output.js';

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

/** The guards (guard-output.ts) that give such a value back as it is. */
const needless: Readonly<Record<LaterValue, OutputGuard | undefined>> = {
  color: 'safeCss',
  font: 'safeCss',
  length: 'safeCss',
  address: 'safeUrl',
  words: undefined,
};

/** How each property of a theme is used that is left to the rendering. */
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

/**
 * Has HTML show the values from `@shown`, where they are escaped already: some stand in every element.
 * @param program with guards, changed in place
 * @returns whether all of them come out as if they stood in the template: not where a guard could change one
 */
export function showTheme(program: hbs.AST.Program, later: LaterTheme): boolean {
  let isFaithful = true;
  const walk = (current: hbs.AST.Program | undefined): void => {
    for (const statement of current?.body ?? []) {
      if (statement.type === 'BlockStatement') {
        const { program: then, inverse } = statement as hbs.AST.BlockStatement;
        walk(then);
        walk(inverse);
      } else if (statement.type === 'MustacheStatement') {
        show(statement as hbs.AST.MustacheStatement);
      }
    }
  };
  const show = (statement: hbs.AST.MustacheStatement): void => {
    const [guarded] = statement.params;
    const name = themeNameOf(`{{${originalOf(guarded ?? statement.path)}}}`) ?? '';
    const uses = later.get(name);
    if (uses === undefined) return;
    const guard = guarded && originalOf(statement.path);
    if (guard !== undefined && ![...uses].some((use) => needless[use] === guard)) {
      isFaithful = false;
      return;
    }
    const original = `@shown.${name}`;
    statement.path = {
      ...statement.path,
      type: 'PathExpression',
      data: true,
      depth: 0,
      parts: ['shown', name],
      original,
    } as never;
    statement.params = [];
    statement.escaped = false;
  };
  walk(program);
  return isFaithful;
}

/** For `@shown`. */
export function shownTheme(theme: Iterable<readonly [name: string, value: string]>): Readonly<Record<string, string>> {
  return Object.fromEntries([...theme].map(([name, value]) => [name, Handlebars.escapeExpression(value)]));
}

function originalOf(expression: hbs.AST.Expression): string {
  return expression.type === 'PathExpression' ? (expression as hbs.AST.PathExpression).original : '';
}
