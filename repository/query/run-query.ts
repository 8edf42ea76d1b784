/** Answers one query over one snapshot. */
import type { AccessEvaluator } from '../access/evaluate.js';
import type { RepositoryNode } from '../api.js';
import { RepositoryError } from '../errors.js';
import type { NodeCache } from '../node-cache.js';
import type { NodeTypeRegistry } from '../node-types/registry.js';
import { SessionNode } from '../session-node.js';
import type { SharedSnapshot } from '../session-view.js';
import type { StoreSnapshot } from '../store/contract.js';
import { choosePlan } from './choose-plan.js';
import type { ChosenPlan } from './choose-plan.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import type { Cursor, Rank } from './cursor.js';
import { countHits, findHits } from './find-hits.js';
import type { Hit, Visits } from './find-hits.js';
import type { TextStatistics } from './full-text.js';
import type { IndexStateCache } from './index-state.js';
import { invalidQuery } from './invalid-query.js';
import type { Query, QueryPlan, QueryResult } from './query.js';
import { compareRanks, FirstOf, rankOf } from './rank.js';
import { maxSorted, readQuery } from './read-query.js';
import type { ReadQuery } from './read-query.js';
import { readStatistics, textIndex, unknownStatistics } from './text-path.js';

/** What the queries of a repository share. */
export interface QueryContext {
  readonly indexStates: IndexStateCache;
  readonly nodes: NodeCache;
  /** Nodes a query may look at without an index. */
  readonly maxVisitedNodes: number;
  /** Beyond so many entries, an index that is in the wanted order is better than sorting. */
  readonly maxSortedEntries: number;
}

/** Who asks, and what they see. */
export interface Asker {
  readonly shared: SharedSnapshot;
  readonly access: AccessEvaluator;
  readonly types: NodeTypeRegistry;
  /** False once the session sees another snapshot. */
  isCurrent(): boolean;
}

/** @throws INVALID_QUERY; with `count` also QUERY_TOO_EXPENSIVE */
export async function runQuery(context: QueryContext, asker: Asker, asked: Query): Promise<QueryResult> {
  const query = readQuery(asked, asker.types, context.maxVisitedNodes);
  const cursor = decodeCursor(query);
  const snapshot = asker.shared.acquire();
  try {
    const { indexes } = await context.indexStates.inForce(snapshot);
    const search = { query, snapshot, types: asker.types, indexes: indexes.filter(({ ready }) => ready) };
    const plan = await choosePlan(search, cursor, context.maxSortedEntries);
    if (plan.sorted && query.offset + (query.limit ?? 0) > maxSorted) {
      throw invalidQuery(`sorts and asks for more than ${maxSorted} hits; go on with "after" instead`);
    }
    const statistics = await statisticsFor(search, plan, cursor);
    const visits = { count: 0 };
    const counting = { query, snapshot, access: asker.access, nodes: context.nodes, visits: { count: 0 } };
    const total = query.count ? await countHits(counting, plan.scans) : undefined;
    return new StoreQueryResult({ asker, nodes: context.nodes, query, cursor, plan, statistics, visits }, total);
  } finally {
    await asker.shared.release();
  }
}

async function statisticsFor(
  search: Parameters<typeof choosePlan>[0],
  plan: ChosenPlan,
  cursor: Cursor | undefined,
): Promise<TextStatistics | undefined> {
  const { query, snapshot } = search;
  if (!query.text || !query.order.some(({ by }) => by === 'score')) return undefined;
  if (cursor && 'rank' in cursor && cursor.statistics) return cursor.statistics;
  const index = textIndex(search, query.conjuncts);
  const isUsed = index && plan.scans.some((scan) => scan.index === index.definition.path);
  return isUsed ? readStatistics(snapshot, index, query.text.expression) : unknownStatistics;
}

interface Prepared {
  readonly asker: Asker;
  readonly nodes: NodeCache;
  readonly query: ReadQuery;
  readonly cursor: Cursor | undefined;
  readonly plan: ChosenPlan;
  readonly statistics: TextStatistics | undefined;
  readonly visits: Visits;
}

class StoreQueryResult implements QueryResult {
  #next: string | undefined;

  constructor(
    private readonly prepared: Prepared,
    readonly total: number | undefined,
  ) {}

  get next(): string | undefined {
    return this.#next;
  }

  get plan(): QueryPlan {
    const { plan, visits } = this.prepared;
    const texts = [...new Set(plan.scans.map(({ text }) => text))].join(', then ');
    return {
      text: plan.sorted ? `${texts}; sorted in memory` : texts,
      indexes: [...new Set(plan.scans.flatMap(({ index }) => index ?? []))],
      visited: visits.count,
    };
  }

  async *nodes(): AsyncGenerator<RepositoryNode> {
    const { asker, query, plan } = this.prepared;
    if (!asker.isCurrent()) {
      throw new RepositoryError('SNAPSHOT_EXPIRED', 'The session moved on since the query; query again.');
    }
    const snapshot = asker.shared.acquire();
    try {
      if (query.limit === 0) return;
      // A generator within a generator costs more for each hit than the hit does, so they hand over pages.
      for await (const page of plan.sorted ? this.#inSortedOrder(snapshot) : this.#inScanOrder(snapshot)) {
        for (const node of page) yield node;
      }
    } finally {
      await asker.shared.release();
    }
  }

  async *#inScanOrder(snapshot: StoreSnapshot): AsyncGenerator<readonly RepositoryNode[]> {
    const { asker, nodes, query, plan, cursor, visits } = this.prepared;
    const from = cursor && 'plan' in cursor ? cursor : undefined;
    const skipped = from ? 0 : query.offset;
    const wanted = query.limit === undefined ? Infinity : skipped + query.limit;
    let seen = 0;
    let last: Hit | undefined;
    const search = { query, snapshot, access: asker.access, nodes, visits };
    for await (const hits of findHits(search, plan.scans, from, wanted + 1)) {
      const isMore = hits.length > wanted - seen;
      const taken = isMore ? hits.slice(0, wanted - seen) : hits;
      yield taken.slice(Math.max(0, skipped - seen)).map(toNode);
      seen += taken.length;
      last = taken.at(-1) ?? last;
      if (isMore && last) {
        this.#next = encodeCursor(query, { plan: plan.id, scan: last.scan, key: last.key });
        return;
      }
    }
  }

  /** Without a limit the sorted stretches follow one another, so that memory stays flat. */
  async *#inSortedOrder(snapshot: StoreSnapshot): AsyncGenerator<readonly RepositoryNode[]> {
    const { query, cursor, statistics } = this.prepared;
    let after = cursor && 'rank' in cursor ? cursor.rank : undefined;
    let skipped = after ? 0 : query.offset;
    for (;;) {
      const wanted = query.limit === undefined ? maxSorted : skipped + query.limit;
      const found = await this.#sorted(snapshot, after, wanted + 1);
      yield found.slice(skipped, wanted).map(({ node }) => node);
      if (found.length <= wanted) return;
      after = found[wanted - 1]?.rank;
      if (after === undefined) return;
      if (query.limit !== undefined) {
        this.#next = encodeCursor(query, { rank: after, ...(statistics && { statistics }) });
        return;
      }
      skipped = 0;
    }
  }

  async #sorted(snapshot: StoreSnapshot, after: Rank | undefined, size: number): Promise<readonly RankedHit[]> {
    const { asker, nodes, query, plan, statistics, visits } = this.prepared;
    const compare = (a: Rank, b: Rank) => compareRanks(query.order, a, b);
    const first = new FirstOf<RankedHit>(size, (a, b) => compare(a.rank, b.rank));
    const search = { query, snapshot, access: asker.access, nodes, visits };
    for await (const hits of findHits(search, plan.scans)) {
      for (const hit of hits) {
        const rank = rankOf(query, hit.subject, statistics);
        if (after === undefined || compare(rank, after) > 0) first.add({ node: toNode(hit), rank });
      }
    }
    return first.sorted();
  }
}

function toNode({ subject, version }: Hit): RepositoryNode {
  return new SessionNode(subject.path, version, subject.record);
}

/** Without what was read around the hit, which would be held with it. */
interface RankedHit {
  readonly node: RepositoryNode;
  readonly rank: Rank;
}
