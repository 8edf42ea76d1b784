/** Full text by index: nodes that have the rarest word of each alternative; the rest of what is asked they show themselves. */
import { joinPath } from '../path.js';
import type { KeyRange, StoreSnapshot } from '../store/contract.js';
import { textSource } from './conditions.js';
import type { Test } from './conditions.js';
import { matchesText, parseTextExpression } from './full-text.js';
import type { TextAlternative, TextExpression, TextStatistics, TextTerm } from './full-text.js';
import { lengthPrefix, placeOfPart, splitWordKey, wordPrefix, wordsRange } from './index-keys.js';
import type { KeptIndex } from './index-state.js';
import { isSearchableProperty, textParts } from './node-text.js';
import { parsePropertyPath } from './property-path.js';
import type { Condition, FullText } from './query.js';
import type { ReadQuery } from './read-query.js';
import { isFirstIn } from './scan.js';
import type { Scan } from './scan.js';
import { behindPrefix, covers, valueRanges } from './search.js';
import type { AccessPath, Search } from './search.js';

const countBound = 1000;

export async function textPath(
  search: Search,
  { fullText, property }: FullText,
  conjuncts: readonly Condition[],
): Promise<AccessPath | undefined> {
  const index = textIndex(search, conjuncts);
  if (!index || !isPartOfText(property) || search.query.depth === 'self') return undefined;
  const expression = parseTextExpression(fullText);
  const source = textSource(property);
  const scans: Scan[] = [];
  const earlier: Test[] = [];
  for (const alternative of expression) {
    const term = await rarest(search.snapshot, index, alternative);
    if (!term) return undefined;
    scans.push({ ...wordScan(search.query, index, term), except: [...earlier] });
    earlier.push((subject) => matchesText([alternative], source.words(subject)));
  }
  return { id: `1:${index.id}`, rank: 1, scans };
}

export function textIndex(search: Search, conjuncts: readonly Condition[]): KeptIndex | undefined {
  return search.indexes.find(
    ({ definition }) => definition.type === 'fulltext' && covers(search, definition, '', conjuncts),
  );
}

function isPartOfText(property: string | undefined): boolean {
  if (property === undefined) return true;
  const parts: readonly string[] = textParts;
  if (property.endsWith('/*')) return parts.includes(property.slice(0, -2));
  const { tail, name } = parsePropertyPath(property);
  return parts.includes(tail) && isSearchableProperty(name);
}

async function rarest(
  snapshot: StoreSnapshot,
  index: KeptIndex,
  { required }: TextAlternative,
): Promise<TextTerm | undefined> {
  let best: { readonly term: TextTerm; readonly count: number } | undefined;
  if (required.length === 1) return required[0];
  for (const term of required) {
    const count = await countIn(snapshot, rangeOf(index, term), best?.count ?? countBound);
    if (!best || count < best.count) best = { term, count };
  }
  return best?.term;
}

function rangeOf({ id }: KeptIndex, term: TextTerm): KeyRange {
  const [word = ''] = term.words;
  if (isPrefix(term)) return wordsRange(id, word);
  return { gte: wordPrefix(id, word), lt: behindPrefix(wordPrefix(id, word)) };
}

/** Whether it is by its beginning that the first word is known. */
function isPrefix({ words, prefix }: TextTerm): boolean {
  return prefix && words.length === 1;
}

function wordScan(query: ReadQuery, index: KeptIndex, term: TextTerm): Scan {
  const [first = ''] = term.words;
  const ranges =
    isPrefix(term) || query.depth === 'subtree'
      ? [rangeOf(index, term)]
      : valueRanges(query, wordPrefix(index.id, first), '');
  const source = textSource(undefined);
  const isMeant = (word: string) => (isPrefix(term) ? word.startsWith(first) : word === first);
  return {
    text: `index ${index.definition.path} (${first}${isPrefix(term) ? '*' : ''})`,
    index: index.definition.path,
    ranges,
    reverse: false,
    tail: '',
    locate: (key) => {
      const { path, part } = splitWordKey(key);
      return { source: joinPath(path, part), hit: path };
    },
    isFirst: (key, subject) => {
      const keys = source
        .words(subject)
        .flatMap((words, part) =>
          words
            .filter(isMeant)
            .map((word) => wordPrefix(index.id, word) + placeOfPart(subject.path, textParts[part] ?? '')),
        );
      return isFirstIn({ ranges, reverse: false }, key, keys);
    },
    except: [],
  };
}

/** What scores are made with where no index counts words: every word weighs the same. */
export const unknownStatistics: TextStatistics = { documents: 1, length: 20, frequency: {} };

export async function readStatistics(
  snapshot: StoreSnapshot,
  index: KeptIndex,
  expression: TextExpression,
): Promise<TextStatistics> {
  let parts = 0;
  let words = 0;
  const gte = lengthPrefix(index.id);
  for await (const batch of snapshot.range({ gte, lt: `${gte}\u{10ffff}` }, { limit: countBound })) {
    parts += batch.length;
    for (const { value } of batch) words += Number(value);
  }
  const frequency: Record<string, number> = {};
  for (const term of expression.flatMap(({ required }) => required)) {
    frequency[term.words[0] ?? ''] = await countIn(snapshot, rangeOf(index, term), countBound * 10);
  }
  const documents = Math.max(parts, ...Object.values(frequency));
  return { documents, length: Math.max(1, (words / Math.max(1, parts)) * 2), frequency };
}

async function countIn(snapshot: StoreSnapshot, range: KeyRange, limit: number): Promise<number> {
  let count = 0;
  for await (const batch of snapshot.range(range, { limit })) count += batch.length;
  return count;
}
