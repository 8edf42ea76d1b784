/** The words of a CND text (JCR 2.0, section 25.2.3). */
import { RepositoryError } from '../errors.js';
import { printable } from '../path.js';

export interface CndToken {
  /** A `word` is unquoted, so it may be a keyword; a `text` was quoted and is not. */
  readonly kind: 'word' | 'text' | 'sign' | 'end';
  readonly value: string;
  /** 1-based. */
  readonly line: number;
}

/** Blanks and comments; then one of a quoted text, a sign, or a word, in which `-` and `*` may come later than first. */
const token =
  /(?<blank>(?:\s+|\/\/[^\n]*|\/\*[^]*?\*\/)+)|'(?<single>(?:[^'\\]|\\[^])*)'|"(?<double>(?:[^"\\]|\\[^])*)"|(?<sign>[<>=[\](),+*!?-])|(?<word>[^\s<>=[\](),+*!?'"-][^\s<>=[\](),!?'"]*)/y;

/** @throws INVALID_NODE_TYPE */
export function readCndTokens(text: string): CndToken[] {
  const tokens: CndToken[] = [];
  let line = 1;
  token.lastIndex = 0;
  for (let at = 0; at < text.length; at = token.lastIndex) {
    token.lastIndex = at;
    const match = token.exec(text);
    if (!match?.groups) throw cndProblem(line, `"${printable(text.slice(at, at + 20))}" is no part of a definition`);
    const { single, double, sign, word } = match.groups;
    const quoted = single ?? double;
    if (quoted !== undefined) tokens.push({ kind: 'text', value: quoted.replaceAll(/\\([^])/g, '$1'), line });
    else if (sign !== undefined) tokens.push({ kind: 'sign', value: sign, line });
    else if (word !== undefined) tokens.push({ kind: 'word', value: word, line });
    line += match[0].split('\n').length - 1;
  }
  tokens.push({ kind: 'end', value: 'the end', line });
  return tokens;
}

export function cndProblem(line: number, problem: string): RepositoryError {
  return new RepositoryError('INVALID_NODE_TYPE', `Line ${line} of the node types: ${problem}.`, { line });
}
