/** Which of the ways to answer a query is taken: what an index holds is counted, no further than it takes to decide. */
import { accessPaths, orderedPath } from './access-paths.js';
import type { Test } from './conditions.js';
import type { Cursor } from './cursor.js';
import { invalidQuery } from './invalid-query.js';
import { sortKey } from './rank.js';
import { countEntries, traversal } from './scan.js';
import type { Scan } from './scan.js';
import type { AccessPath, Search } from './search.js';

/** So few entries are read rather than weighed against others. */
const fewEntries = 100;
/** Nothing is counted further than this. */
const manyEntries = 1000;

export interface ChosenPlan {
  /** Names the same plan again, for cursors. */
  readonly id: string;
  /** One after another. */
  readonly scans: readonly Scan[];
  /** Hits come in another order than asked and are sorted in memory. */
  readonly sorted: boolean;
}

/** @throws INVALID_QUERY for a cursor whose index is gone */
export async function choosePlan(
  search: Search,
  cursor: Cursor | undefined,
  maxSortedEntries: number,
): Promise<ChosenPlan> {
  const { query } = search;
  const paths = await accessPaths(search, query.conjuncts);
  paths.sort((a, b) => a.rank - b.rank);
  const all: AccessPath = { id: 'all', rank: 9, scans: [traversal(query.path, query.depth)] };
  const [order] = query.order;
  const ordered = order && query.order.length === 1 ? orderedPath(search, order) : undefined;
  const inOrder = (rest: AccessPath): ChosenPlan | undefined => {
    if (!order || !ordered) return undefined;
    const hasValue: Test = (subject) => sortKey(order, subject) !== undefined;
    // A range on what is ordered by leaves nothing without a value.
    const scans = order.window ? [] : rest.scans.map((scan) => ({ ...scan, except: [...scan.except, hasValue] }));
    return { id: `${ordered.id}+${rest.id}`, scans: [ordered.scan, ...scans], sorted: false };
  };
  if (cursor && 'plan' in cursor) {
    const known = [...paths, all]
      .flatMap((path) => [{ id: path.id, scans: path.scans, sorted: false }, inOrder(path) ?? []].flat())
      .find(({ id }) => id === cursor.plan);
    if (!known) throw invalidQuery('has an "after" whose index is gone; begin anew without it');
    return known;
  }
  const { path, count } = await narrowest(search, paths, all, ordered !== undefined);
  const isSorted = query.order.length > 0;
  const plan =
    count > Math.min(maxSortedEntries, manyEntries) && !(cursor && 'rank' in cursor) ? inOrder(path) : undefined;
  return plan ?? { id: path.id, scans: path.scans, sorted: isSorted };
}

async function narrowest(
  { query, snapshot }: Search,
  paths: readonly AccessPath[],
  all: AccessPath,
  mustCount: boolean,
): Promise<{ readonly path: AccessPath; readonly count: number }> {
  const isWholeTree = query.path === '/';
  if (query.depth === 'self') return { path: all, count: 0 };
  const candidates = isWholeTree && paths.length > 0 ? paths : [...paths, all];
  const [only] = candidates;
  if (only && candidates.length === 1 && !mustCount) return { path: only, count: 0 };
  let best: { readonly path: AccessPath; readonly count: number } | undefined;
  for (const path of candidates) {
    if (best && best.count <= fewEntries) break;
    const count = await countEntries(snapshot, path.scans, best ? best.count : manyEntries + 1);
    if (!best || count < best.count) best = { path, count };
  }
  return best ?? { path: all, count: 0 };
}
