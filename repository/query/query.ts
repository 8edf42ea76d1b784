/** What a query asks and what it answers (`Session.query`). */
import type { RepositoryNode } from '../api.js';

/**
 * A value to compare with. Text is compared with texts, and with numbers, moments and booleans where it reads as one (`5`,
 * `2024-05-01T00:00:00Z`, `true`); every other value only with its own kind. A Date compares by moment.
 */
export type QueryValue = string | number | bigint | boolean | Date;

/**
 * `self` the node alone; `children`; `descendants` everything below; `subtree` the node and everything below; a number is how
 * many levels below.
 */
export type QueryDepth = 'self' | 'children' | 'descendants' | 'subtree' | number;

/**
 * `property` is the name of a property or a path to one of a node below (`jcr:content/metadata/dc:format`). A comparison holds
 * when some value fulfils it; none holds where there is no value (JCR 2.0, section 6.7.16). `like` has `%` for any characters,
 * `_` for one, and `\` before one that is meant as such. `between` wants one value within both of its bounds.
 */
export type Condition =
  | { readonly and: readonly Condition[] }
  | { readonly or: readonly Condition[] }
  | { readonly not: Condition }
  | ComparedBy<'=' | '!=' | '<' | '<=' | '>' | '>='>
  | { readonly property: string; readonly op: 'like'; readonly value: string }
  | { readonly property: string; readonly op: 'in'; readonly value: readonly QueryValue[] }
  | { readonly property: string; readonly op: 'between'; readonly from?: RangeBound; readonly to?: RangeBound }
  | { readonly property: string; readonly op: 'exists' }
  | { readonly property: string; readonly op: 'missing' }
  /** The node's name, with `*` for any characters and `?` for one. */
  | { readonly name: string }
  | { readonly type: string }
  | { readonly path: string; readonly depth?: QueryDepth }
  | FullText;

/** One shape for each operator. */
type ComparedBy<Op extends string> = Op extends string
  ? { readonly property: string; readonly op: Op; readonly value: QueryValue }
  : never;

export interface RangeBound {
  readonly value: QueryValue;
  /** The bound itself is not within. Default false. */
  readonly open?: boolean;
}

/**
 * Words that must all occur, in any case and with or without accents: `lake mountain`; `lake OR sea`; `-winter` must not;
 * `"deep lake"` side by side; `mount*` begins with. A node's text is its name, its String properties but technical ones,
 * and those of its `jcr:content` and `jcr:content/metadata`; with `property` it is that property alone.
 */
export interface FullText {
  readonly fullText: string;
  readonly property?: string;
}

/**
 * Nodes without a value come last in either direction. A node with several values stands at its smallest, descending at its
 * largest; where the query holds exactly one range (`<`, `<=`, `>`, `>=`, `between`) on that property, only values within it count.
 * Texts are ordered by their first 150 characters.
 */
export type QueryOrder = {
  readonly direction?: 'ascending' | 'descending';
  readonly caseInsensitive?: boolean;
} & ({ readonly property: string } | { readonly by: 'path' | 'score' });

export interface Query {
  /** Default `/`. */
  readonly path?: string;
  /** Default `descendants`. */
  readonly depth?: QueryDepth;
  /** A primary type or mixin; types that inherit from it are meant too. */
  readonly type?: string;
  readonly where?: Condition;
  readonly fullText?: string | FullText;
  /** Without one: best matches first where there is a full text, else as it costs least. */
  readonly order?: readonly QueryOrder[];
  /** Hits to leave out first. */
  readonly offset?: number;
  /** Default: all. */
  readonly limit?: number;
  /** `next` of a result of the same query: goes on after its last node, at no cost for what came before. */
  readonly after?: string;
  /** Also counts all hits, which costs as much as reading them. */
  readonly count?: boolean;
  /** Nodes that may be looked at without an index; lowers what the repository allows. */
  readonly maxVisited?: number;
}

export interface QueryPlan {
  /** One line for people: which index is used, or `traversal: no index`. */
  readonly text: string;
  /** Paths of the definitions of the indexes used; empty for a traversal. */
  readonly indexes: readonly string[];
  /** Readable nodes looked at so far. */
  readonly visited: number;
}

export interface QueryResult {
  /**
   * The hits the session may read, as of the commit it saw when it asked; once.
   * @throws QUERY_TOO_EXPENSIVE; SNAPSHOT_EXPIRED when the session was saved, refreshed or closed before this was read
   */
  nodes(): AsyncIterable<RepositoryNode>;
  /** Where to go on; known when `nodes` came to an end, `undefined` when there is nothing more. */
  readonly next: string | undefined;
  /** With `count`: all hits, whatever offset and limit say. */
  readonly total: number | undefined;
  readonly plan: QueryPlan;
}
