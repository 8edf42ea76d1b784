/** From scans to hits: entries are read in batches, their nodes with one lookup, and every condition is asked of the nodes themselves. */
import type { AccessEvaluator } from '../access/evaluate.js';
import { RepositoryError } from '../errors.js';
import { joinPath } from '../path.js';
import { decodeRecord } from '../record.js';
import type { NodeRecord } from '../record.js';
import type { StoredNode } from '../session-transient.js';
import { readStoredNodes } from '../session-view.js';
import type { StoredEntry, StoreSnapshot } from '../store/contract.js';
import type { Subject } from './conditions.js';
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
  const candidates = (await readCandidates(search, scan, entries)).filter(({ node }) =>
    query.matchesAlone({ ...node, below: (tail) => (tail === '' ? node.record : undefined) }),
  );
  const tails = [...new Set([...query.tails, scan.tail])].filter((tail) => tail !== '');
  const below = tails.length === 0 ? new Map<string, StoredNode>() : await readBelow(search, candidates, tails);
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

async function readCandidates(
  { query, snapshot, access, visits }: HitSearch,
  scan: Scan,
  entries: readonly StoredEntry[],
): Promise<Candidate[]> {
  const located: { readonly key: string; readonly path: string; readonly entry: StoredEntry }[] = [];
  for (const entry of entries) {
    const { source, hit: path } = scan.locate(entry.key);
    if (path === undefined || !access.canRead(path) || (source !== path && !access.canRead(source))) continue;
    if (scan.index === undefined && ++visits.count > query.maxVisited) throw tooExpensive(query);
    if (query.inScope(path)) located.push({ key: entry.key, path, entry });
  }
  if (scan.index === undefined) {
    return located.map(({ key, path, entry }) => ({
      key,
      node: { path, record: decodeRecord(path, entry.value), version: entry.version },
    }));
  }
  visits.count += located.length;
  const nodes = await readStoredNodes(
    snapshot,
    located.map(({ path }) => path),
  );
  return located.flatMap(({ key, path }) => {
    const node = nodes.get(path);
    return node ? { key, node } : [];
  });
}

async function readBelow(
  { snapshot, access }: HitSearch,
  candidates: readonly Candidate[],
  tails: readonly string[],
): Promise<ReadonlyMap<string, StoredNode>> {
  const paths = candidates.flatMap(({ node }) => tails.map((tail) => joinPath(node.path, tail)));
  return readStoredNodes(
    snapshot,
    paths.filter((path) => access.canRead(path)),
  );
}

function tooExpensive({ maxVisited, path }: ReadQuery): RepositoryError {
  return new RepositoryError(
    'QUERY_TOO_EXPENSIVE',
    `The query has no index and would look at more than ${maxVisited} nodes below ${path}; narrow it or define an index.`,
    { paths: [path] },
  );
}
