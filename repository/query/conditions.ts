/** Conditions as tests of a node and of what lies below it. */
import type { NodeTypeRegistry } from '../node-types/registry.js';
import { assertPath, isDescendantOrSelf, joinPath, nameOf, parentOf } from '../path.js';
import { RepositoryError } from '../errors.js';
import { mixinsOf, primaryTypeOf } from '../record.js';
import type { NodeRecord } from '../record.js';
import type { Property } from '../value.js';
import { encodedValues, encodeLiteral, isWithin, kindOf, textsIn } from './encode-value.js';
import type { EncodedRange } from './encode-value.js';
import { matchesText, parseTextExpression } from './full-text.js';
import { invalidQuery } from './invalid-query.js';
import { textParts, wordsOfPart } from './node-text.js';
import { parsePropertyPath } from './property-path.js';
import type { PropertyPath } from './property-path.js';
import type { Condition, FullText, QueryDepth, QueryValue, RangeBound } from './query.js';
import { matchesPattern, parseLike, parseWildcards } from './wildcards.js';
import { wordsOf } from './words.js';

/** A node that may be a hit. What may not be read below it does not exist for the test. */
export interface Subject {
  readonly path: string;
  readonly record: NodeRecord;
  /** @param tail relative path; `''` is the node itself */
  below(tail: string): NodeRecord | undefined;
}

export type Test = (subject: Subject) => boolean;

/**
 * @param tails gains the relative paths of the nodes that the test looks at
 * @throws INVALID_QUERY
 */
export function compileCondition(condition: Condition, types: NodeTypeRegistry, tails: Set<string>): Test {
  if ('and' in condition) {
    const tests = condition.and.map((part) => compileCondition(part, types, tails));
    return (subject) => tests.every((test) => test(subject));
  }
  if ('or' in condition) {
    const tests = condition.or.map((part) => compileCondition(part, types, tails));
    return (subject) => tests.some((test) => test(subject));
  }
  if ('not' in condition) {
    const test = compileCondition(condition.not, types, tails);
    return (subject) => !test(subject);
  }
  if ('fullText' in condition) return compileFullText(condition, tails);
  if ('property' in condition) {
    const path = parsePropertyPath(condition.property);
    tails.add(path.tail);
    const test = compileComparison(condition);
    return (subject) => test(propertyAt(subject, path));
  }
  if ('name' in condition) {
    const pattern = parseWildcards(condition.name);
    return ({ path }) => matchesPattern(pattern, nameOf(path));
  }
  if ('type' in condition) {
    const { type } = condition;
    return ({ record }) => types.isNodeType(primaryTypeOf(record), mixinsOf(record), type);
  }
  if ('path' in condition) {
    const within = compileScope(condition.path, condition.depth);
    return ({ path }) => within(path);
  }
  throw invalidQuery('has a condition of no known kind');
}

export function propertyAt(subject: Subject, { tail, name }: PropertyPath): Property | undefined {
  return subject.below(tail)?.properties.get(name);
}

/** @throws INVALID_QUERY */
export function compileScope(root: string, depth: QueryDepth = 'descendants'): (path: string) => boolean {
  const path = queryPath(root);
  switch (depth) {
    case 'self':
      return (candidate) => candidate === path;
    case 'children':
      return (candidate) => parentOf(candidate) === path;
    case 'descendants':
      return (candidate) => candidate !== path && isDescendantOrSelf(candidate, path);
    case 'subtree':
      return (candidate) => isDescendantOrSelf(candidate, path);
    default:
      if (!Number.isSafeInteger(depth) || depth < 1) throw invalidQuery('has a depth that is no whole number above 0');
      return (candidate) =>
        candidate !== path && isDescendantOrSelf(candidate, path) && levels(candidate) - levels(path) <= depth;
  }
}

/** @throws INVALID_QUERY */
export function queryPath(path: string): string {
  try {
    return assertPath(path);
  } catch (cause) {
    if (!(cause instanceof RepositoryError)) throw cause;
    throw new RepositoryError('INVALID_QUERY', cause.message, { paths: cause.paths, cause });
  }
}

function levels(path: string): number {
  return path === '/' ? 0 : path.split('/').length - 1;
}

export type Comparison = Extract<Condition, { readonly property: string; readonly op: string }>;

function compileComparison(comparison: Comparison): (property: Property | undefined) => boolean {
  switch (comparison.op) {
    case 'exists':
      return (property) => property !== undefined;
    case 'missing':
      return (property) => property === undefined;
    case '=':
    case 'in': {
      const wanted = new Set(equalTo(comparison));
      return (property) => encodedValues(property).some((value) => wanted.has(value));
    }
    case '!=': {
      const unwanted = new Set(encodeOperand(comparison.value));
      return (property) => encodedValues(property).some((value) => !unwanted.has(value));
    }
    case 'like': {
      const pattern = parseLike(comparison.value);
      return (property) => textsIn(property).some((text) => matchesPattern(pattern, text));
    }
    case '<':
    case '<=':
    case '>':
    case '>=':
    case 'between': {
      const ranges = rangesOf(comparison);
      return (property) => encodedValues(property).some((value) => ranges.some((range) => isWithin(value, range)));
    }
    default:
      throw invalidQuery(`compares ${(comparison as Comparison).property} in no known way`);
  }
}

/** Encoded values, one of which must be there. */
export function equalTo(comparison: Extract<Comparison, { readonly op: '=' | 'in' }>): string[] {
  return comparison.op === '=' ? encodeOperand(comparison.value) : comparison.value.flatMap(encodeOperand);
}

/** The intervals, one for each kind its values stand for, within which a value must be; in the order of the kinds. */
export function rangesOf(
  comparison: Extract<Comparison, { readonly op: '<' | '<=' | '>' | '>=' | 'between' }>,
): EncodedRange[] {
  const { from, to } = boundsOf(comparison);
  if (!from && !to) throw invalidQuery(`wants ${comparison.property} between nothing and nothing`);
  const lower = from && encodeOperand(from.value);
  const upper = to && encodeOperand(to.value);
  const kinds = [...new Set([...(lower ?? []), ...(upper ?? [])].map(kindOf))].sort();
  return kinds.flatMap((kind) => {
    const low = lower?.find((value) => kindOf(value) === kind);
    const high = upper?.find((value) => kindOf(value) === kind);
    // Between a number and a text there is nothing.
    if ((lower && low === undefined) || (upper && high === undefined)) return [];
    return {
      kind,
      ...(low !== undefined && { from: { value: low, open: from?.open ?? false } }),
      ...(high !== undefined && { to: { value: high, open: to?.open ?? false } }),
    };
  });
}

function boundsOf(comparison: Extract<Comparison, { readonly op: '<' | '<=' | '>' | '>=' | 'between' }>): {
  readonly from?: RangeBound | undefined;
  readonly to?: RangeBound | undefined;
} {
  switch (comparison.op) {
    case 'between':
      return { from: comparison.from, to: comparison.to };
    case '<':
    case '<=':
      return { to: { value: comparison.value, open: comparison.op === '<' } };
    default:
      return { from: { value: comparison.value, open: comparison.op === '>' } };
  }
}

function encodeOperand(value: QueryValue): string[] {
  const known = ['string', 'number', 'bigint', 'boolean'].includes(typeof value);
  const valid = known || (value instanceof Date && !Number.isNaN(value.getTime()));
  if (!valid || (typeof value === 'string' && !value.isWellFormed())) {
    throw invalidQuery('compares with what is no text, number, boolean or moment');
  }
  return encodeLiteral(value);
}

export interface TextSource {
  readonly tails: readonly string[];
  /** Words of each part. */
  words(subject: Subject): string[][];
}

/** Words of nodes that are being looked at: they are asked for by conditions, scans and scores alike. */
const knownWords = new WeakMap<Subject, string[][]>();

const wholeText: TextSource = {
  tails: textParts,
  words: (subject) => {
    const known = knownWords.get(subject);
    if (known) return known;
    const words = textParts.map((part) => {
      const record = subject.below(part);
      return record ? wordsOfPart(part, subject.path, record) : [];
    });
    knownWords.set(subject, words);
    return words;
  },
};

/** Where the text of a full-text condition comes from. `property` may end with `*`: all of the text of the node there. */
export function textSource(property: string | undefined): TextSource {
  if (property === undefined) return wholeText;
  if (property.endsWith('/*')) {
    const { tail, name } = parsePropertyPath(property.slice(0, -2));
    const node = tail === '' ? name : `${tail}/${name}`;
    return {
      tails: [node],
      words: (subject) => {
        const record = subject.below(node);
        return record ? [wordsOfPart('', joinPath(subject.path, node), record)] : [];
      },
    };
  }
  const path = parsePropertyPath(property);
  return {
    tails: [path.tail],
    words: (subject) => {
      const property = propertyAt(subject, path);
      return property?.type === 'String' ? textsIn(property).map(wordsOf) : [];
    },
  };
}

function compileFullText({ fullText, property }: FullText, tails: Set<string>): Test {
  const expression = parseTextExpression(fullText);
  const source = textSource(property);
  for (const tail of source.tails) tails.add(tail);
  return (subject) => matchesText(expression, source.words(subject));
}
