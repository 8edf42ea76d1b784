/** The place of a hit in a sorted order, and the best so many of a stream. */
import { compareKeys } from '../store/key-order.js';
import { propertyAt, textSource } from './conditions.js';
import type { Subject } from './conditions.js';
import type { Rank } from './cursor.js';
import { encodedValues, encodeLiteral, encodeText, indexedPart, isWithin } from './encode-value.js';
import { scoreText } from './full-text.js';
import type { TextStatistics } from './full-text.js';
import { placeOf } from './index-keys.js';
import type { ReadOrder, ReadQuery } from './read-query.js';

export function rankOf({ order, text }: ReadQuery, subject: Subject, statistics: TextStatistics | undefined): Rank {
  const keys = order.map((part) => {
    if (part.by === 'path') return encodeText(subject.path);
    if (typeof part.by === 'object') return sortKey(part, subject) ?? null;
    if (!text || !statistics) return null;
    const score = scoreText(text.expression, textSource(text.property).words(subject), statistics);
    return encodeLiteral(score)[0] ?? null;
  });
  return { keys, place: placeOf(subject.path) };
}

/** The value by which a node is ordered, as an index holds it; `undefined` where it has none. */
export function sortKey(order: ReadOrder, subject: Subject): string | undefined {
  const { by, window, descending, caseInsensitive } = order;
  if (typeof by !== 'object') return undefined;
  let chosen: string | undefined;
  for (const value of encodedValues(propertyAt(subject, by))) {
    if (window && !window.some((range) => isWithin(value, range))) continue;
    const key = indexedPart(caseInsensitive && value.startsWith('s') ? `s${value.slice(1).toLowerCase()}` : value);
    if (chosen === undefined || compareKeys(key, chosen) < 0 !== descending) chosen = key;
  }
  return chosen;
}

/** Negative when `a` comes first. Equals come in the order of nodes, whichever the direction. */
export function compareRanks(order: readonly ReadOrder[], a: Rank, b: Rank): number {
  for (const [index, { descending }] of order.entries()) {
    const left = a.keys[index] ?? null;
    const right = b.keys[index] ?? null;
    if (left === right) continue;
    if (left === null) return 1;
    if (right === null) return -1;
    const compared = compareKeys(left, right);
    if (compared !== 0) return descending ? -compared : compared;
  }
  return compareKeys(a.place, b.place);
}

/** The first `size` items of a stream in an order, in memory for twice as many. */
export class FirstOf<T> {
  #items: T[] = [];

  constructor(
    private readonly size: number,
    private readonly compare: (a: T, b: T) => number,
  ) {}

  add(item: T): void {
    this.#items.push(item);
    if (this.#items.length >= 2 * this.size + 100) this.#trim();
  }

  #trim(): void {
    this.#items = this.#items.sort(this.compare).slice(0, this.size);
  }

  sorted(): readonly T[] {
    this.#trim();
    return this.#items;
  }
}
