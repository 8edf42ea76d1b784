/** For each condition of a query that an index can answer: the stretches of that index which hold all hits. */
import { joinPath } from '../path.js';
import type { NodeTypeRegistry } from '../node-types/registry.js';
import type { KeyRange, StoreSnapshot } from '../store/contract.js';
import { compileCondition, equalTo, rangesOf } from './conditions.js';
import type { Subject, Test } from './conditions.js';
import { encodeText, indexedPart, maxIndexedCharacters } from './encode-value.js';
import type { EncodedRange } from './encode-value.js';
import { addEntries } from './index-entries.js';
import type { IndexEntries } from './index-entries.js';
import { propertyPrefix, splitPropertyKey } from './index-keys.js';
import type { KeptIndex } from './index-state.js';
import { parsePropertyPath, withoutTail } from './property-path.js';
import type { PropertyPath } from './property-path.js';
import type { Condition } from './query.js';
import { flatten, isRange } from './read-query.js';
import type { ReadOrder } from './read-query.js';
import { sortKey } from './rank.js';
import { isFirstIn } from './scan.js';
import type { Scan } from './scan.js';
import { behindPrefix, covers, valueRanges } from './search.js';
import type { AccessPath, Search } from './search.js';
import { textPath } from './text-path.js';
import { literalStart, parseLike } from './wildcards.js';

export async function accessPaths(search: Search, conjuncts: readonly Condition[]): Promise<AccessPath[]> {
  const found: AccessPath[] = [];
  for (const condition of conjuncts) {
    const path = await accessPath(search, condition, conjuncts);
    if (path) found.push(path);
  }
  return found;
}

async function accessPath(
  search: Search,
  condition: Condition,
  conjuncts: readonly Condition[],
): Promise<AccessPath | undefined> {
  if ('or' in condition) return alternatives(search, condition.or, conjuncts);
  if ('type' in condition) return typePath(search, condition);
  if ('fullText' in condition) return textPath(search, condition, conjuncts);
  if (!('op' in condition)) return undefined;
  const property = parsePropertyPath(condition.property);
  const index = usableIndex(search, property, conjuncts);
  if (!index) return undefined;
  const prefix = propertyPrefix(index.id, property.name);
  const made = (rank: number, ranges: readonly KeyRange[]): AccessPath => ({
    id: `${rank}:${index.id}:${condition.property}`,
    rank,
    scans: [propertyScan(search.types, index, property, ranges)],
  });
  if (condition.op === '=' || condition.op === 'in') {
    const values = [...new Set(equalTo(condition).map(indexedPart))].sort();
    const path = made(
      0,
      values.flatMap((value) => valueRanges(search.query, `${prefix}${value}\0`, property.tail)),
    );
    return {
      ...path,
      scans: path.scans.map((scan) => (values.length === 1 ? ofOneValue(scan, values, condition) : scan)),
    };
  }
  if (isRange(condition))
    return made(
      2,
      rangesOf(condition).map((range) => stretch(prefix, range)),
    );
  if (condition.op === 'like') {
    const start = encodeText(literalStart(parseLike(condition.value)));
    return start === 's' ? undefined : made(2, [startingWith(prefix, indexedPart(start))]);
  }
  if (condition.op === 'exists' || condition.op === '!=') return made(5, [{ gte: prefix, lt: behindPrefix(prefix) }]);
  return undefined;
}

/** Every alternative needs an index of its own; each gives its own hits, but for those that one before it gave. */
async function alternatives(
  search: Search,
  conditions: readonly Condition[],
  conjuncts: readonly Condition[],
): Promise<AccessPath | undefined> {
  const ids: string[] = [];
  const scans: Scan[] = [];
  const earlier: Test[] = [];
  let rank = 0;
  for (const condition of conditions) {
    const parts = flatten(condition);
    const paths = await accessPaths(search, [...parts, ...conjuncts.filter((other) => 'type' in other)]);
    // The type that all alternatives share would be read once for each of them.
    const own = paths.filter(({ id }) => parts.some((part) => 'type' in part) || !id.startsWith('4:'));
    const [best] = own.sort((a, b) => a.rank - b.rank);
    if (!best) return undefined;
    const test = compileCondition(condition, search.types, new Set());
    // An index mostly holds more than the hits of the alternative, and these may be hits of another one.
    const except = [...earlier, (subject: Subject) => !test(subject)];
    scans.push(...best.scans.map((scan) => ({ ...scan, except: [...scan.except, ...except] })));
    ids.push(best.id);
    rank = Math.max(rank, best.rank + 0.5);
    earlier.push(test);
  }
  return scans.length === 0 ? undefined : { id: `(${ids.join('|')})`, rank, scans };
}

/** By the types that occur, of which there are few, so that it does not matter where a type comes from. */
async function typePath(
  search: Search,
  condition: Extract<Condition, { readonly type: string }>,
): Promise<AccessPath | undefined> {
  const { type } = condition;
  const names = ['jcr:primaryType', 'jcr:mixinTypes'];
  const index = search.indexes.find(
    ({ definition }) =>
      definition.type === 'property' &&
      names.every((name) => definition.propertyNames.includes(name)) &&
      covers(search, definition, '', [{ type }]),
  );
  if (!index) return undefined;
  const ranges: KeyRange[] = [];
  const values: string[] = [];
  for (const name of names) {
    const prefix = propertyPrefix(index.id, name);
    for await (const value of distinctValues(search.snapshot, prefix)) {
      const wanted = value.length > maxIndexedCharacters || search.types.isNodeType(value.slice(1), [], type);
      if (!wanted) continue;
      values.push(value);
      ranges.push(...valueRanges(search.query, `${prefix}${value}\0`, ''));
    }
  }
  const several = propertyScan(search.types, index, { tail: '', name: type }, ranges);
  const scan = values.length === 1 ? ofOneValue(several, values, condition) : several;
  return { id: `4:${index.id}:${type}`, rank: 4, scans: [scan] };
}

async function* distinctValues(snapshot: StoreSnapshot, prefix: string): AsyncGenerator<string> {
  const lt = behindPrefix(prefix);
  let gte: string | undefined = `${prefix}s`;
  while (gte !== undefined) {
    let next: string | undefined;
    for await (const batch of snapshot.range({ gte, lt }, { limit: 1 })) {
      for (const { key } of batch) {
        const { value } = splitPropertyKey(key);
        yield value;
        next = `${prefix}${value}\u0001`;
      }
    }
    gte = next;
  }
}

/** All nodes that have a value, in the order of the values; `undefined` without an index for it. */
export function orderedPath(
  search: Search,
  order: ReadOrder,
): { readonly id: string; readonly scan: Scan } | undefined {
  if (typeof order.by !== 'object' || order.caseInsensitive) return undefined;
  const index = usableIndex(search, order.by, search.query.conjuncts);
  if (!index) return undefined;
  const prefix = propertyPrefix(index.id, order.by.name);
  const ranges = order.window?.map((range) => stretch(prefix, range)) ?? [
    { gte: `${prefix}a`, lt: behindPrefix(prefix) },
  ];
  const scan: Scan = {
    ...propertyScan(search.types, index, order.by, order.descending ? ranges.reverse() : ranges),
    reverse: order.descending,
    isFirst: (key, subject) => sortKey(order, subject) === splitPropertyKey(key).value,
  };
  return { id: `order:${index.id}`, scan };
}

function usableIndex(search: Search, property: PropertyPath, conjuncts: readonly Condition[]): KeptIndex | undefined {
  return search.indexes.find(
    ({ definition }) =>
      definition.type === 'property' &&
      definition.propertyNames.includes(property.name) &&
      covers(search, definition, property.tail, conjuncts),
  );
}

/** A node has one entry of one value; and unless the value was cut, the entry says all that the condition asks. */
function ofOneValue({ isFirst: _, ...scan }: Scan, values: readonly string[], condition: Condition): Scan {
  const isExact = values.every((value) => value.length <= maxIndexedCharacters);
  return isExact ? { ...scan, answers: [condition] } : scan;
}

function propertyScan(
  types: NodeTypeRegistry,
  index: KeptIndex,
  { tail, name }: PropertyPath,
  ranges: readonly KeyRange[],
): Scan {
  const scan = { ranges, reverse: false };
  return {
    ...scan,
    text: `index ${index.definition.path} (${tail === '' ? name : `${tail}/${name}`})`,
    index: index.definition.path,
    tail,
    locate: (key) => {
      const { path } = splitPropertyKey(key);
      return { source: path, hit: withoutTail(path, tail) };
    },
    isFirst: (key, subject) =>
      ranges.length <= 1 && hasOneValue(subject, tail, name)
        ? true
        : isFirstEntry(index, types, scan, key, subject, tail),
    except: [],
  };
}

function hasOneValue(subject: Subject, tail: string, name: string): boolean {
  return subject.below(tail)?.properties.get(name)?.multiple === false;
}

function isFirstEntry(
  index: KeptIndex,
  types: NodeTypeRegistry,
  scan: Pick<Scan, 'ranges' | 'reverse'>,
  key: string,
  subject: Subject,
  tail: string,
): boolean {
  const record = subject.below(tail);
  if (!record) return false;
  const entries: IndexEntries = new Map();
  addEntries(entries, index, joinPath(subject.path, tail), record, types);
  return isFirstIn(scan, key, entries.keys());
}

/** Entries that hold all values of an interval; where values were cut, some more. */
function stretch(prefix: string, { kind, from, to }: EncodedRange): KeyRange {
  const low = from && prefix + indexedPart(from.value);
  const high = to && prefix + indexedPart(to.value);
  const isExact = (value: string) => value.length <= maxIndexedCharacters;
  return {
    gte: low === undefined ? prefix + kind : from?.open && isExact(from.value) ? `${low}\u0001` : `${low}\0`,
    lt:
      high === undefined
        ? prefix + String.fromCharCode(kind.charCodeAt(0) + 1)
        : to?.open && isExact(to.value)
          ? `${high}\0`
          : `${high}\u0001`,
  };
}

function startingWith(prefix: string, start: string): KeyRange {
  return { gte: prefix + start, lt: `${prefix}${start}\u{10ffff}` };
}
