/** Regular expressions of filters. They come with a package, so matching one must end. */
import { createContext, Script } from 'node:vm';
import { RepositoryError } from '../errors.js';
import { printable } from '../path.js';

export interface Pattern {
  readonly source: string;
  /** Whether all of the text matches. @throws INVALID_PACKAGE when that takes too long to find out */
  matches(text: string): boolean;
}

const maximumLength = 1_000;
const maximumMilliseconds = 1_000;

/** Patterns are Java's; what JavaScript reads differently is refused by its parser and not guessed at. */
export function createPattern(source: string): Pattern {
  if (source.length > maximumLength) throw new Error(`a pattern is longer than ${maximumLength} characters`);
  const expression = new RegExp(`^(?:${source})$`, 's');
  if (!mayBacktrack(source)) return { source, matches: (text) => expression.test(text) };
  const sandbox = createContext({ expression, text: '' });
  const script = new Script('expression.test(text)');
  return {
    source,
    matches(text) {
      sandbox['text'] = text;
      try {
        return script.runInContext(sandbox, { timeout: maximumMilliseconds }) === true;
      } catch (cause) {
        const problem = `The filter pattern "${printable(source)}" takes too long on the path "${printable(text)}".`;
        throw new RepositoryError('INVALID_PACKAGE', problem, { cause });
      }
    },
  };
}

/**
 * Two repetitions side by side take at most a square of the path's length. More of them, or one within another, may take
 * exponentially long: those are stopped by a clock, which costs too much to be kept for all.
 */
function mayBacktrack(source: string): boolean {
  const plain = source.replace(/\\./g, 'x').replace(/\[[^\]]*\]/g, 'x');
  const repetitions = plain.match(/[*+]|\{\d+,?\d*\}/g) ?? [];
  return repetitions.length > 2 || /[*+}][^()]*\)\s*(?:[*+]|\{)/.test(plain);
}
