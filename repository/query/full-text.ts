/** Full-text expressions (JCR 2.0, section 6.7.19, with phrases and prefixes) and how well a text fulfils them. */
import { printable } from '../path.js';
import { invalidQuery } from './invalid-query.js';
import { wordsOf } from './words.js';

export interface TextTerm {
  /** Side by side; one for most terms. */
  readonly words: readonly string[];
  /** The last word only begins so. */
  readonly prefix: boolean;
}

/** One of the alternatives between `OR`. */
export interface TextAlternative {
  readonly required: readonly TextTerm[];
  readonly excluded: readonly TextTerm[];
}

export type TextExpression = readonly TextAlternative[];

/** @throws INVALID_QUERY for one that names no word */
export function parseTextExpression(text: string): TextExpression {
  const alternatives: { required: TextTerm[]; excluded: TextTerm[] }[] = [{ required: [], excluded: [] }];
  for (const [token, minus = '', phrase, plain = ''] of text.matchAll(/(-?)(?:"([^"]*)"?|([^\s"]+))/g)) {
    if (token === 'OR') {
      alternatives.push({ required: [], excluded: [] });
      continue;
    }
    const words = wordsOf(phrase ?? plain);
    if (words.length === 0) continue;
    const term = { words, prefix: phrase === undefined && plain.endsWith('*') };
    alternatives.at(-1)?.[minus === '' ? 'required' : 'excluded'].push(term);
  }
  if (alternatives.some(({ required, excluded }) => required.length + excluded.length === 0)) {
    throw invalidQuery(`has a full text without a word: "${printable(text.slice(0, 200))}"`);
  }
  return alternatives;
}

/** @param parts words of each part; a phrase does not reach from one part into another */
export function matchesText(expression: TextExpression, parts: readonly (readonly string[])[]): boolean {
  return expression.some(
    ({ required, excluded }) =>
      required.every((term) => occurrences(term, parts) > 0) &&
      excluded.every((term) => occurrences(term, parts) === 0),
  );
}

export function occurrences({ words, prefix }: TextTerm, parts: readonly (readonly string[])[]): number {
  let count = 0;
  for (const part of parts) {
    for (let start = 0; start + words.length <= part.length; start++) {
      const found = words.every((word, offset) => {
        const actual = part[start + offset] ?? '';
        return prefix && offset === words.length - 1 ? actual.startsWith(word) : actual === word;
      });
      if (found) count++;
    }
  }
  return count;
}

/** How common words are, counted up to a bound when a query begins; the same for all its pages. */
export interface TextStatistics {
  readonly documents: number;
  /** Words of a node on average. */
  readonly length: number;
  /** Nodes by word, as first word of a term. */
  readonly frequency: Readonly<Record<string, number>>;
}

/** BM25 with its usual constants (Robertson and Zaragoza, 2009): rare words weigh more, and so do words in short texts. */
export function scoreText(
  expression: TextExpression,
  parts: readonly (readonly string[])[],
  { documents, length, frequency }: TextStatistics,
): number {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  let score = 0;
  for (const { required } of expression) {
    for (const term of required) {
      const count = occurrences(term, parts);
      if (count === 0) continue;
      const nodes = Math.min(frequency[term.words[0] ?? ''] ?? 0, documents);
      const rarity = Math.log(1 + (documents - nodes + 0.5) / (nodes + 0.5));
      score += (rarity * count * 2.2) / (count + 1.2 * (0.25 + (0.75 * size) / length));
    }
  }
  return score;
}
