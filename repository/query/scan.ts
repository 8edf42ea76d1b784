/** Ways to come by nodes that may be hits: stretches of an index, or of the nodes themselves. */
import { childrenRange, nodeKey, pathOfNodeKey, subtreeRanges } from '../keys.js';
import { compareKeys, isInRange } from '../store/key-order.js';
import type { KeyRange, StoredEntry, StoreSnapshot } from '../store/contract.js';
import type { Subject, Test } from './conditions.js';
import type { Condition, QueryDepth } from './query.js';

export interface Scan {
  /** For people. */
  readonly text: string;
  /** Path of the index's definition; `undefined` reads the nodes themselves. */
  readonly index: string | undefined;
  /** One after another; backwards each is read from its end. */
  readonly ranges: readonly KeyRange[];
  readonly reverse: boolean;
  /** The entries come from nodes that lie there below the hit; `''` for the hit itself. */
  readonly tail: string;
  /** The node an entry was made from, which must be readable too: that it has an entry says what it holds. */
  locate(key: string): { readonly source: string; readonly hit: string | undefined };
  /** A node may have several entries and is a hit at the first of them; `undefined` where it has one. */
  readonly isFirst?: (key: string, subject: Subject) => boolean;
  /** Conditions that every entry fulfils, so that its node need not be asked. */
  readonly answers?: readonly Condition[];
  /** Hits that earlier scans of the plan gave already. */
  readonly except: readonly Test[];
}

/** Ranges of nodes that hold all within a scope; some may hold more. */
export function scopeRanges(path: string, depth: QueryDepth): KeyRange[] {
  const self = { gte: nodeKey(path), lt: `${nodeKey(path)}\0` };
  if (depth === 'self') return [self];
  if (depth === 'children') return [childrenRange(path)];
  return depth === 'subtree' ? [self, ...subtreeRanges(path)] : [...subtreeRanges(path)];
}

export function traversal(path: string, depth: QueryDepth): Scan {
  return {
    text: 'traversal: no index',
    index: undefined,
    ranges: scopeRanges(path, depth),
    reverse: false,
    tail: '',
    locate: (key) => {
      const path = pathOfNodeKey(key);
      return { source: path, hit: path };
    },
    except: [],
  };
}

/**
 * @param after key of the last entry of an earlier reading; the scan goes on behind it
 * @param hint how many entries the reader is likely to need
 */
export async function* readScan(
  snapshot: StoreSnapshot,
  { ranges, reverse }: Pick<Scan, 'ranges' | 'reverse'>,
  after: string | undefined,
  hint: number,
): AsyncGenerator<readonly StoredEntry[]> {
  const start = after === undefined ? 0 : ranges.findIndex((range) => isInRange(after, range));
  // A cursor that was made up: there is nothing behind it.
  if (start < 0) return;
  for (let index = start; index < ranges.length; index++) {
    let range = ranges[index] ?? { gte: '', lt: '' };
    if (after !== undefined && index === start) range = behind(range, after, reverse);
    // Asked for in two steps, so that a short page does not read a long batch.
    let last: string | undefined;
    let count = 0;
    for await (const batch of firstOf(snapshot, range, reverse, hint)) {
      count += batch.length;
      last = batch.at(-1)?.key ?? last;
      yield batch;
    }
    if (count === hint && last !== undefined) yield* snapshot.range(behind(range, last, reverse), { reverse });
  }
}

/** As many entries of a range; it closes while its last batch is dealt with. */
async function* firstOf(
  snapshot: StoreSnapshot,
  range: KeyRange,
  reverse: boolean,
  limit: number,
): AsyncGenerator<readonly StoredEntry[]> {
  const batches = snapshot.range(range, { reverse, limit })[Symbol.asyncIterator]();
  try {
    let left = limit;
    for (let step = await batches.next(); !step.done; step = await batches.next()) {
      left -= step.value.length;
      // Awaited below, by `finally`.
      if (left <= 0) batches.return?.().catch(() => undefined);
      yield step.value;
    }
  } finally {
    await batches.return?.();
  }
}

function behind(range: KeyRange, key: string, reverse: boolean): KeyRange {
  return reverse ? { gte: range.gte, lt: key } : { gte: `${key}\0`, lt: range.lt };
}

/** Entries of some scans, counted no further than `bound`. */
export async function countEntries(snapshot: StoreSnapshot, scans: readonly Scan[], bound: number): Promise<number> {
  let count = 0;
  for (const range of scans.flatMap(({ ranges }) => ranges)) {
    for await (const batch of snapshot.range(range, { limit: bound - count })) count += batch.length;
    if (count >= bound) break;
  }
  return count;
}

/** Whether `key` comes first of some keys, in the order in which a scan meets them. */
export function isFirstIn(
  { ranges, reverse }: Pick<Scan, 'ranges' | 'reverse'>,
  key: string,
  keys: Iterable<string>,
): boolean {
  const own = ranges.findIndex((range) => isInRange(key, range));
  for (const other of keys) {
    const place = ranges.findIndex((range) => isInRange(other, range));
    if (place < 0 || place > own) continue;
    if (place < own) return false;
    const order = compareKeys(other, key);
    if (reverse ? order > 0 : order < 0) return false;
  }
  return true;
}
