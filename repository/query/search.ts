/** What the makers of access paths share: what is asked, which indexes hold all of it, and where in them it lies. */
import type { NodeTypeRegistry } from '../node-types/registry.js';
import type { KeyRange, StoreSnapshot } from '../store/contract.js';
import { coversPath } from './index-definition.js';
import type { KeptIndex } from './index-state.js';
import type { Condition } from './query.js';
import type { ReadQuery } from './read-query.js';
import { scopeRanges } from './scan.js';
import type { Scan } from './scan.js';

export interface AccessPath {
  /** The same for the same query as long as its indexes stand. */
  readonly id: string;
  /** Lower is likely to be narrower; decides where counting does not. */
  readonly rank: number;
  readonly scans: readonly Scan[];
}

/** What a scan is made for: the query, and which types its hits are known to have. */
export interface Search {
  readonly query: ReadQuery;
  readonly snapshot: StoreSnapshot;
  readonly types: NodeTypeRegistry;
  /** Ready ones only. */
  readonly indexes: readonly KeptIndex[];
}

/** Whether an index holds every node that could be a hit, or that could lie below one. */
export function covers(
  { query, types }: Search,
  definition: KeptIndex['definition'],
  tail: string,
  conjuncts: readonly Condition[],
): boolean {
  if (!coversPath(definition, query.path)) return false;
  const { declaringNodeTypes: declared } = definition;
  if (declared.length === 0) return true;
  // Nothing is known of the types of nodes below a hit.
  if (tail !== '') return false;
  return conjuncts.some((part) => 'type' in part && declared.some((wanted) => types.isNodeType(part.type, [], wanted)));
}

/** Entries of one value within the scope of the query. @param prefix up to and with the separator after the value */
export function valueRanges({ path, depth }: ReadQuery, prefix: string, tail: string): KeyRange[] {
  if (path === '/' && depth !== 'children') return [{ gte: prefix, lt: behindPrefix(prefix) }];
  // Nodes below a hit lie somewhere below the path.
  return scopeRanges(path, tail === '' ? depth : 'descendants').map(({ gte, lt }) => ({
    gte: prefix + gte.slice(1),
    lt: prefix + lt.slice(1),
  }));
}

/** @param prefix ends with a separator, `\0` */
export function behindPrefix(prefix: string): string {
  return `${prefix.slice(0, -1)}\u0001`;
}
