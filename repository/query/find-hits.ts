/** From scans to hits: entries are read in batches, their nodes with one lookup, and every condition is asked of the nodes themselves. */
import type { AccessEvaluator } from '../access/evaluate.js';
import { RepositoryError } from '../errors.js';
import { nodeKey } from '../keys.js';
import type { NodeCache } from '../node-cache.js';
import { joinPath } from '../path.js';
import type { NodeRecord } from '../record.js';
import type { StoredNode } from '../session-transient.js';
import { readSharedNodes, readStoredNodes } from '../session-view.js';
import type { StoredEntry, StoreSnapshot } from '../store/contract.js';
import type { Subject } from './conditions.js';
import { LazyRecord } from './lazy-record.js';
import type { ReadQuery } from './read-query.js';
import { readScan } from './scan.js';
import type { Scan } from './scan.js';

export interface Hit {
  readonly subject: Subject;
  readonly version: number;
  /** Which of the scans gave it, and with which entry. */
  readonly scan: number;
  readonly key: string;
}

/** Nodes looked at, of those that may be read: how many others there are must not show. */
export interface Visits {
  count: number;
}

interface HitSearch {
  readonly query: ReadQuery;
  readonly snapshot: StoreSnapshot;
  readonly access: AccessEvaluator;
  readonly visits: Visits;
  /** Knows every commit up to the snapshot. */
  readonly nodes: NodeCache;
}

/** Entries asked for at once where nothing is known of how many are needed. */
const wholeBatch = 256;

/** @param from the last hit of an earlier reading @param hint how many hits are needed @throws QUERY_TOO_EXPENSIVE */
export async function* findHits(
  search: HitSearch,
  scans: readonly Scan[],
  from?: { readonly scan: number; readonly key: string },
  hint = Infinity,
): AsyncGenerator<readonly Hit[]> {
  for (const [index, scan] of scans.entries()) {
    if (from && index < from.scan) continue;
    const after = from?.scan === index ? from.key : undefined;
    for await (const entries of readScan(search.snapshot, scan, after, Math.min(hint, wholeBatch))) {
      yield await hitsAmong(search, scan, index, entries);
    }
  }
}

interface Candidate {
  readonly key: string;
  readonly node: StoredNode;
}

async function hitsAmong(
  search: HitSearch,
  scan: Scan,
  index: number,
  entries: readonly StoredEntry[],
): Promise<readonly Hit[]> {
  const { query } = search;
  if (isAnswered(search, scan) && !query.ordersByNodesBelow) {
    const found = await readCandidates(search, scan, entries);
    return found.map(({ key, node }) => ({ subject: alone(node), version: node.version, scan: index, key }));
  }
  const candidates = (await readCandidates(search, scan, entries)).filter(({ node }) =>
    query.matchesAlone(alone(node)),
  );
  const tails = [...new Set([...query.tails, scan.tail])].filter((tail) => tail !== '');
  const below =
    tails.length === 0 ? new Map<string, Pick<StoredNode, 'record'>>() : await readBelow(search, candidates, tails);
  const hits: Hit[] = [];
  for (const { key, node } of candidates) {
    const { path, record, version } = node;
    const subject: Subject = {
      path,
      record,
      below: (tail): NodeRecord | undefined => {
        if (tail === '') return record;
        return below.get(joinPath(path, tail))?.record;
      },
    };
    if (!query.matches(subject)) continue;
    if (scan.isFirst && !scan.isFirst(key, subject)) continue;
    if (scan.except.some((test) => test(subject))) continue;
    hits.push({ subject, version, scan: index, key });
  }
  return hits;
}

/** For tests that look at nothing below the node. */
function alone({ path, record }: StoredNode): Subject {
  return { path, record, below: (tail) => (tail === '' ? record : undefined) };
}

/** Whether every entry of the scan is a hit, with nothing left to be asked of its node. */
function isAnswered({ query, access }: HitSearch, { answers, isFirst, except }: Scan): boolean {
  // An entry may come from a property that is hidden from who asks.
  if (!access.mayDoEverything) return false;
  const { conjuncts } = query;
  if (!answers || isFirst || except.length > 0) return false;
  return conjuncts.every((condition) => answers.includes(condition));
}

/** How many hits there are. What the entries say already is counted without reading nodes. @throws QUERY_TOO_EXPENSIVE */
export async function countHits(search: HitSearch, scans: readonly Scan[]): Promise<number> {
  let count = 0;
  for (const [index, scan] of scans.entries()) {
    const answered = isAnswered(search, scan);
    for await (const entries of readScan(search.snapshot, scan, undefined, wholeBatch)) {
      count += answered ? locate(search, scan, entries).length : (await hitsAmong(search, scan, index, entries)).length;
    }
  }
  return count;
}

interface Located {
  readonly path: string;
  readonly entry: StoredEntry;
}

/** Entries whose nodes may be read and lie within the scope. */
function locate({ query, access, visits }: HitSearch, scan: Scan, entries: readonly StoredEntry[]): Located[] {
  const located: Located[] = [];
  for (const entry of entries) {
    const { source, hit: path } = scan.locate(entry.key);
    if (path === undefined || !access.mayBeReadable(path)) continue;
    if (source !== path && !access.mayBeReadable(source)) continue;
    if (scan.index === undefined && isHiddenByType(access, path, new LazyRecord(path, entry.value))) continue;
    if (scan.index === undefined && ++visits.count > query.maxVisited) throw tooExpensive(query);
    if (query.inScope(path)) located.push({ path, entry });
  }
  if (scan.index !== undefined) visits.count += located.length;
  return located;
}

/** The nodes of entries, with the properties that who asks may read. */
async function readCandidates(search: HitSearch, scan: Scan, entries: readonly StoredEntry[]): Promise<Candidate[]> {
  const candidates = await readWhole(search, scan, entries);
  const { access } = search;
  if (access.mayDoEverything) return candidates;
  return candidates.map(({ key, node: { path, record, version } }) => {
    return { key, node: { path, record: access.visible(path, record), version } };
  });
}

async function readWhole(search: HitSearch, scan: Scan, entries: readonly StoredEntry[]): Promise<Candidate[]> {
  const located = locate(search, scan, entries);
  // A traversal read the nodes already.
  if (scan.index === undefined) {
    return located.map(({ path, entry: { key, value, version } }) => {
      return { key, node: { path, record: new LazyRecord(path, value), version } };
    });
  }
  const stored = await readHits(
    search,
    located.map(({ path }) => path),
  );
  return located.flatMap(({ path, entry: { key } }) => {
    const node = stored.get(path);
    if (!node) return [];
    if (isHiddenByType(search.access, path, node.record)) {
      search.visits.count--;
      return [];
    }
    return { key, node };
  });
}

/** A page of hits is likely to be asked for again, so its nodes are kept; those of a long result would only push out others. */
async function readHits(
  { query, snapshot, nodes }: HitSearch,
  paths: readonly string[],
): Promise<ReadonlyMap<string, StoredNode>> {
  if (query.limit !== undefined && query.limit <= wholeBatch) return readSharedNodes(nodes, snapshot, paths);
  const records = await snapshot.getMany(paths.map(nodeKey));
  const found = new Map<string, StoredNode>();
  paths.forEach((path, index) => {
    const record = records[index];
    if (record) found.set(path, { path, record: new LazyRecord(path, record.value), version: record.version });
  });
  return found;
}

async function readBelow(
  { snapshot, access }: HitSearch,
  candidates: readonly Candidate[],
  tails: readonly string[],
): Promise<ReadonlyMap<string, Pick<StoredNode, 'record'>>> {
  const paths = candidates.flatMap(({ node }) => tails.map((tail) => joinPath(node.path, tail)));
  const stored = await readStoredNodes(
    snapshot,
    paths.filter((path) => access.mayBeReadable(path)),
  );
  if (access.mayDoEverything) return stored;
  const readable = [...stored].filter(([path, { record }]) => !isHiddenByType(access, path, record));
  return new Map(readable.map(([path, node]) => [path, { record: access.visible(path, node.record) }]));
}

/** Of a node that may be readable, as far as its path tells. */
function isHiddenByType(access: AccessEvaluator, path: string, record: NodeRecord): boolean {
  return access.goesByType && !access.canRead(path, record);
}

function tooExpensive({ maxVisited, path }: ReadQuery): RepositoryError {
  return new RepositoryError(
    'QUERY_TOO_EXPENSIVE',
    `The query has no index and would look at more than ${maxVisited} nodes below ${path}; narrow it or define an index.`,
    { paths: [path] },
  );
}
