/** A query as the rest of this room works with it: checked, its conditions flat, its tests ready. */
import type { NodeTypeRegistry } from '../node-types/registry.js';
import { createHash } from 'node:crypto';
import { printable } from '../path.js';
import { compileCondition, compileScope, queryPath, rangesOf } from './conditions.js';
import type { Comparison, Test } from './conditions.js';
import type { EncodedRange } from './encode-value.js';
import { parseTextExpression } from './full-text.js';
import type { TextExpression } from './full-text.js';
import { invalidQuery } from './invalid-query.js';
import { parsePropertyPath } from './property-path.js';
import type { PropertyPath } from './property-path.js';
import type { Condition, FullText, Query, QueryDepth, QueryOrder } from './query.js';

/** Hits that are held at once to be sorted. */
export const maxSorted = 10_000;

export interface ReadQuery {
  readonly path: string;
  readonly depth: QueryDepth;
  readonly inScope: (path: string) => boolean;
  /** All of them must hold; `type` and `fullText` are among them. */
  readonly conjuncts: readonly Condition[];
  readonly matches: Test;
  /** Those of the conditions that look at nothing below the node. */
  readonly matchesAlone: Test;
  /** Relative paths of the nodes that test and order look at. */
  readonly tails: ReadonlySet<string>;
  readonly order: readonly ReadOrder[];
  /** The order looks at more than the node itself. */
  readonly ordersByNodesBelow: boolean;
  /** The text that hits are scored by. */
  readonly text: (FullText & { readonly expression: TextExpression }) | undefined;
  readonly offset: number;
  readonly limit: number | undefined;
  readonly after: string | undefined;
  readonly count: boolean;
  readonly maxVisited: number;
  /** Of what is asked: a cursor belongs to one query. */
  readonly fingerprint: string;
}

export interface ReadOrder {
  readonly by: PropertyPath | 'path' | 'score';
  readonly descending: boolean;
  readonly caseInsensitive: boolean;
  /** Only values within one of these count. */
  readonly window?: readonly EncodedRange[];
}

/** @param maxVisited what the repository allows @throws INVALID_QUERY */
export function readQuery(query: Query, types: NodeTypeRegistry, maxVisited: number): ReadQuery {
  const path = queryPath(query.path ?? '/');
  const depth = query.depth ?? 'descendants';
  const fullText = typeof query.fullText === 'string' ? { fullText: query.fullText } : query.fullText;
  const conjuncts: Condition[] = [];
  if (query.type !== undefined) conjuncts.push({ type: query.type });
  if (fullText !== undefined) conjuncts.push(fullText);
  if (query.where !== undefined) conjuncts.push(...flatten(query.where));
  const tails = new Set<string>(['']);
  const matches = compileCondition({ and: conjuncts }, types, tails);
  const scoring = fullText ?? conjuncts.find((part) => 'fullText' in part);
  const text = scoring && { ...scoring, expression: parseTextExpression(scoring.fullText) };
  const order = (query.order ?? []).map((part) => readOrder(part, conjuncts, text !== undefined));
  if (order.length === 0 && text) order.push({ by: 'score', descending: true, caseInsensitive: false });
  for (const { by } of order) if (typeof by === 'object') tails.add(by.tail);
  return {
    path,
    depth,
    inScope: compileScope(path, depth),
    conjuncts,
    matches,
    matchesAlone: compileCondition(
      { and: conjuncts.filter((part) => looksAtNodeAlone(part, types)) },
      types,
      new Set(),
    ),
    tails,
    order,
    ordersByNodesBelow: order.some(({ by }) => by === 'score' || (typeof by === 'object' && by.tail !== '')),
    text,
    offset: wholeNumber(query.offset ?? 0, 'offset'),
    limit: query.limit === undefined ? undefined : wholeNumber(query.limit, 'limit'),
    after: query.after,
    count: query.count ?? false,
    maxVisited: Math.min(maxVisited, wholeNumber(query.maxVisited ?? maxVisited, 'maxVisited')),
    fingerprint: fingerprintOf(query, path, depth),
  };
}

function looksAtNodeAlone(condition: Condition, types: NodeTypeRegistry): boolean {
  const tails = new Set<string>();
  compileCondition(condition, types, tails);
  return [...tails].every((tail) => tail === '');
}

/** The parts of nested `and`s. */
export function flatten(condition: Condition): Condition[] {
  return 'and' in condition ? condition.and.flatMap(flatten) : [condition];
}

type RangeComparison = Extract<Comparison, { readonly op: '<' | '<=' | '>' | '>=' | 'between' }>;

export function isRange(condition: Condition): condition is RangeComparison {
  return 'op' in condition && ['<', '<=', '>', '>=', 'between'].includes(condition.op);
}

function readOrder(order: QueryOrder, conjuncts: readonly Condition[], hasText: boolean): ReadOrder {
  const descending = order.direction === 'descending';
  const caseInsensitive = order.caseInsensitive ?? false;
  if ('property' in order) {
    const ranges = conjuncts.filter(isRange).filter(({ property }) => property === order.property);
    const [range] = ranges;
    const by = parsePropertyPath(order.property);
    const window = range && ranges.length === 1 ? { window: rangesOf(range) } : {};
    return { by, descending, caseInsensitive, ...window };
  }
  if (order.by === 'score' && !hasText) throw invalidQuery('is ordered by score but has no full text');
  return { by: order.by, descending, caseInsensitive };
}

function wholeNumber(value: number, field: string): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw invalidQuery(`has the ${field} ${printable(String(value))}; it must be a whole number from 0`);
  }
  return value;
}

function fingerprintOf({ type, where, fullText, order }: Query, path: string, depth: QueryDepth): string {
  const asked = JSON.stringify([path, depth, type, where, fullText, order], (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
  return createHash('sha256').update(asked).digest('base64url').slice(0, 12);
}
