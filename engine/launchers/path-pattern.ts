/** Which paths a launcher is about: a path, a pattern with wildcards, or a regular expression as AEM's launchers have it. */
import { compileExpression } from './linear-expression.js';

export interface PathPattern {
  readonly source: string;
  readonly kind: 'path' | 'glob' | 'expression';
  matches(path: string): boolean;
  /** A path at or below which all that matches lies; `/` where that cannot be told. */
  readonly base: string;
}

/** None of these is a wildcard, and names seldom hold them. */
const isExpression = /[(\\[^$|]|\.[*+]/u;

/**
 * - a path: itself and everything below it
 * - with `*` (part of a name) or `**` (any number of names, none too): what matches exactly
 * - with one of `( [ \ ^ $ |`, `.*` or `.+`: a regular expression that the whole path must match
 * @throws ExpressionError
 */
export function parsePathPattern(source: string): PathPattern {
  if (isExpression.test(source)) {
    const expression = compileExpression(source);
    return { source, kind: 'expression', matches: (path) => expression.test(path), base: baseOfExpression(source) };
  }
  const star = source.indexOf('*');
  if (star < 0) {
    const path = source === '/' ? source : source.replace(/\/+$/u, '');
    const below = path === '/' ? path : `${path}/`;
    return { source, kind: 'path', matches: (other) => other === path || other.startsWith(below), base: path };
  }
  const expression = compileExpression(expressionOf(source));
  return { source, kind: 'glob', matches: (path) => expression.test(path), base: folderOf(source.slice(0, star)) };
}

function expressionOf(glob: string): string {
  return glob
    .split(/(\/\*\*\/|\/\*\*$|\*\*|\*)/u)
    .map((part) => wildcards[part] ?? part.replaceAll(/[.+?{}()|[\]\\^$]/gu, '\\$&'))
    .join('');
}

const wildcards: Readonly<Record<string, string>> = { '/**/': '/(?:.*/)?', '/**': '/.+', '**': '.*', '*': '[^/]*' };

/** What stands before the first character that means something else, up to its last slash. */
function baseOfExpression(source: string): string {
  const text = source.replace(/^\^/u, '');
  // Another branch may begin anywhere.
  if (text.includes('|')) return '/';
  const literal = /^[^\\.[({*+?^$]*/u.exec(text)?.[0] ?? '';
  const isRepeated = /^[{*+?]/u.test(text.slice(literal.length));
  return folderOf(isRepeated ? literal.slice(0, -1) : literal);
}

function folderOf(text: string): string {
  return text.slice(0, text.lastIndexOf('/')) || '/';
}
