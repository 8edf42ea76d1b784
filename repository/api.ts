/**
 * The public surface of the repository room: the types every other room works with. `openRepository` (repository.ts)
 * gives the one implementation, over any store that fulfils the store contract.
 */
import type { Readable } from 'node:stream';
import type { NodeTypeRegistry } from './node-types/registry.js';
import type { Indexer } from './query/indexer.js';
import type { Query, QueryResult } from './query/query.js';
import type { BlobStore, ByteRange } from './store/contract.js';
import type { BinaryValue, Property, PropertyInput } from './value.js';
import type { VersionManager } from './versions/api.js';

/** A node as the session saw it when it was read; it does not change. Properties include jcr:primaryType and jcr:mixinTypes. */
export interface RepositoryNode {
  readonly path: string;
  readonly name: string;
  /** Stable over moves: `jcr:uuid` where the node is referenceable, else the repository's own id. */
  readonly identifier: string;
  readonly primaryType: string;
  readonly mixins: readonly string[];
  readonly properties: ReadonlyMap<string, Property>;
  /** The sequence of the commit that last wrote this node; 0 while it is new and unsaved. */
  readonly version: number;
  property(name: string): Property | undefined;
  /** First value as text; `undefined` when absent or binary. */
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
  /** First value as a number, when it is or converts to one. */
  number(name: string): number | undefined;
  boolean(name: string): boolean | undefined;
  binary(name: string): BinaryValue | undefined;
}

export interface NodeInput {
  /** Default: what the parent's type says of children without one, else `nt:unstructured`. */
  readonly primaryType?: string;
  readonly mixins?: readonly string[];
  readonly properties?: Readonly<Record<string, PropertyInput>>;
  /** See `SetOptions`; autocreated children are not added, as an import brings its own (autocreated-children.ts). */
  readonly imported?: boolean;
}

export interface SetOptions {
  /** The content was made elsewhere: values of protected properties (jcr:created, jcr:isCheckedOut) are taken as given. */
  readonly imported?: boolean;
}

/** A node of an import. */
export interface ImportedNodeInput {
  /** Relative to the parent of the import: `a`, then `a/b`. */
  readonly path: string;
  readonly input: NodeInput;
}

export interface ImportOptions {
  /**
   * What becomes of a jcr:uuid (JCR 2.0, section 7.3.6). `createNew`: every referenceable node has a new one, and references
   * within the import follow. When another node has it, that one is removed with all below (`removeExisting`), gives its
   * place to the node (`replaceExisting`), or makes the import fail (`throw`).
   */
  readonly uuidBehavior: 'createNew' | 'removeExisting' | 'replaceExisting' | 'throw';
}

/** A property that refers to a node. */
export interface Reference {
  /** Of the node that has the property. */
  readonly path: string;
  readonly property: string;
  /** A WeakReference, which does not keep the node it names from being removed. */
  readonly weak: boolean;
}

/** Aggregates hold others (access/privileges.ts). */
export const privileges = [
  'jcr:read',
  'rep:readNodes',
  'rep:readProperties',
  'jcr:write',
  'rep:write',
  'jcr:modifyProperties',
  'rep:addProperties',
  'rep:alterProperties',
  'rep:removeProperties',
  'jcr:addChildNodes',
  'jcr:removeNode',
  'jcr:removeChildNodes',
  'jcr:nodeTypeManagement',
  'jcr:readAccessControl',
  'jcr:modifyAccessControl',
  'jcr:versionManagement',
  'jcr:lockManagement',
  'rep:userManagement',
  'satchel:launchWorkflow',
  'jcr:all',
] as const;
export type Privilege = (typeof privileges)[number];

/**
 * A user's view of the repository: a consistent snapshot plus this session's own unsaved changes. Not for concurrent
 * changes from several async flows; concurrent reads are fine. What the user may not read answers exactly as what does
 * not exist, in every method.
 */
export interface Session {
  readonly userId: string;
  /** The node types of the commit this session sees. */
  readonly nodeTypes: NodeTypeRegistry;
  /** The commit this session sees; moves on by `save` and `refresh`. */
  readonly sequence: number;
  readonly hasPendingChanges: boolean;
  readonly versions: VersionManager;
  /**
   * What observers are told with every commit this session makes from now on (JCR 2.0, section 12.6.2); `undefined`: nothing.
   * @throws INVALID_VALUE for more than 4,096 characters
   */
  setUserData(text: string | undefined): void;

  /** @throws PATH_NOT_FOUND */
  getNode(path: string): Promise<RepositoryNode>;
  findNode(path: string): Promise<RepositoryNode | undefined>;
  /** One batched read; in the order of the paths. */
  findNodes(paths: readonly string[]): Promise<(RepositoryNode | undefined)[]>;
  findNodeByIdentifier(identifier: string): Promise<RepositoryNode | undefined>;
  /** Properties of readable nodes that refer to a node. Nothing for a path that does not exist. */
  references(path: string): AsyncIterable<Reference>;
  /** Readable children in child order (orderable types), else in name order. Nothing for a path that does not exist. */
  children(path: string): AsyncIterable<RepositoryNode>;
  /** The readable subtree below `path`, without it; parents before children, siblings in child order. */
  descendants(path: string): AsyncIterable<RepositoryNode>;
  /** Searches what is saved; pending changes are not seen. @throws INVALID_QUERY, QUERY_TOO_EXPENSIVE */
  query(query: Query): Promise<QueryResult>;

  /** The parent must exist. @throws ITEM_EXISTS, PATH_NOT_FOUND (parent), INVALID_PATH, INVALID_VALUE */
  addNode(path: string, input?: NodeInput): Promise<RepositoryNode>;
  /** Adds every missing ancestor as `intermediateType` (default as in `addNode`), then the node if missing. */
  ensureNode(path: string, input?: NodeInput, intermediateType?: string): Promise<RepositoryNode>;
  /**
   * `null` removes a property; naming one that does not exist is fine.
   * @throws PATH_NOT_FOUND, INVALID_VALUE, CONSTRAINT_VIOLATION (a protected property)
   */
  setProperties(
    path: string,
    changes: Readonly<Record<string, PropertyInput | null>>,
    options?: SetOptions,
  ): Promise<RepositoryNode>;
  /** Removes the node and all below. @throws PATH_NOT_FOUND */
  remove(path: string): Promise<void>;
  move(from: string, to: string): Promise<void>;
  /**
   * Copies the readable part of a subtree: with new identifiers (jcr:uuid too), references within it leading to the copies,
   * jcr:created of now. Locks, versions and policies are not copied: the rights are those of the new place.
   * @returns the copy's root @throws PATH_NOT_FOUND, ITEM_EXISTS, INVALID_PATH
   */
  copy(from: string, to: string): Promise<RepositoryNode>;
  /**
   * Adds nodes below `parent`, parents before children, with what they were elsewhere (see `SetOptions`), and what their types
   * create and they do not bring.
   * @returns how many @throws as `addNode`; ITEM_EXISTS, CONSTRAINT_VIOLATION for an identifier that is taken
   */
  importNodes(
    parent: string,
    nodes: AsyncIterable<ImportedNodeInput> | Iterable<ImportedNodeInput>,
    options: ImportOptions,
  ): Promise<number>;
  /** Places `path` before its sibling of that name, or last. Only below orderable parents. */
  orderBefore(path: string, sibling: string | undefined): Promise<void>;

  /** @throws INVALID_VALUE for a privilege that is none */
  hasPrivileges(path: string, ...wanted: readonly Privilege[]): Promise<boolean>;

  /** Streams bytes in; the value can then be set as a property. Small content comes back inline. */
  createBinary(source: AsyncIterable<Uint8Array> | Uint8Array | string): Promise<BinaryValue>;
  openBinary(value: BinaryValue, range?: ByteRange): Readable;
  /** The whole content in memory. @throws INVALID_VALUE when larger than `maxBytes` (default 16 MiB) */
  readBinary(value: BinaryValue, maxBytes?: number): Promise<Uint8Array>;

  /**
   * All pending changes or none. Changes of others to different properties or different children merge.
   * @throws CONFLICT (naming the paths), ACCESS_DENIED, CONSTRAINT_VIOLATION; the pending changes stay for a retry
   * @returns the commit's sequence, or the session's when there was nothing to save
   */
  save(): Promise<number>;
  /** Sees the newest commit; `keepChanges` re-applies the pending changes on it, else they are dropped. */
  refresh(keepChanges?: boolean): Promise<void>;
  close(): Promise<void>;
}

export type ChangeKind = 'nodeAdded' | 'nodeRemoved' | 'nodeMoved' | 'propertiesChanged' | 'childrenReordered';

export interface Change {
  readonly kind: ChangeKind;
  readonly path: string;
  readonly primaryType: string;
  /** Where a moved node came from. */
  readonly from?: string;
  /** Names of the properties added, changed or removed. */
  readonly properties?: readonly string[];
}

/** One commit as observers see it. */
export interface CommitEvent {
  readonly sequence: number;
  readonly userId: string;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly changes: readonly Change[];
  /** What the session that saved said of itself (`Session.setUserData`). */
  readonly userData?: string;
}

/** What an observer wants to see: changes that match all of what is given. */
export interface ChangeFilter {
  /**
   * A path for itself and everything below it, or a pattern with `*` for part of a name and `**` for any number of names. A moved
   * node is shown when it, or anything that came along with it, may lie in such a place or came from there.
   */
  readonly paths?: readonly string[];
  /** Primary types; moves are shown whatever the type of the node, as others came along. */
  readonly types?: readonly string[];
  readonly kinds?: readonly ChangeKind[];
}

export interface Repository {
  readonly blobs: BlobStore;
  /** Builds indexes in the background, once it is started. */
  readonly indexer: Indexer;
  /** The newest commit. */
  head(): Promise<number>;
  /** @throws UNKNOWN_USER */
  login(userId: string): Promise<Session>;
  /**
   * A system user (`/home/users/system/<name>`): code of the product working with the least rights it needs.
   * @throws UNKNOWN_USER
   */
  loginService(name: string): Promise<Session>;
  /** Runs `work` with a session that is closed afterwards; does not save. */
  withSession<T>(user: string | { readonly service: string }, work: (session: Session) => Promise<T>): Promise<T>;
  /**
   * Adds node types from CND text, or changes them where every node stays valid. Sessions see them from their next save or
   * refresh on. With `dryRun` everything is checked and nothing changed. @returns the types that were, or would be, added or changed
   * @throws ACCESS_DENIED (who is no administrator), INVALID_NODE_TYPE, CONSTRAINT_VIOLATION (naming what stands against it)
   */
  registerNodeTypes(userId: string, cnd: string, options?: { readonly dryRun?: boolean }): Promise<string[]>;
  /** @throws ACCESS_DENIED, CONSTRAINT_VIOLATION (unknown, built in, or in use) */
  unregisterNodeTypes(userId: string, names: readonly string[]): Promise<void>;
  /**
   * Every commit after the cursor's position, exactly in order, then new ones as they come, until `signal` aborts.
   * The position is kept durably under the cursor's name when the consumer asks for the next commit; a new cursor
   * starts at `from` (default: the head). A commit whose handling was cut short is seen again. With a filter only commits
   * that hold such a change come, with these changes.
   * @throws JOURNAL_TRIMMED (while reading) when commits after the cursor are no longer kept
   */
  follow(options: {
    cursor: string;
    from?: number;
    signal: AbortSignal;
    filter?: ChangeFilter;
  }): AsyncIterable<CommitEvent>;
  /** Every cursor and its position; see maintenance/retain-journal.ts for how far behind they are. */
  cursors(): Promise<ReadonlyMap<string, number>>;
  /** Who follows under this name starts anew. Does nothing for a cursor that was never set. */
  removeCursor(name: string): Promise<void>;
  /** Calls back after commits (at least once per burst); returns a stop. For caches, which then read the journal. */
  onCommit(listener: () => void): () => void;
  /** Commits after `sequence` up to the head, without a cursor. */
  commitsAfter(sequence: number): AsyncIterable<CommitEvent>;
  close(): Promise<void>;
}

/** The user who may do everything; member of `administrators`. */
export const adminUser = 'admin';
export const groups = { administrators: 'administrators', damUsers: 'dam-users', everyone: 'everyone' } as const;

export interface UserProfile {
  readonly id: string;
  readonly path: string;
  readonly email: string | undefined;
  /** BCP 47, as `de` or `de-CH`. */
  readonly language: string | undefined;
  /** IANA name, as `Europe/Zurich`. */
  readonly timeZone: string | undefined;
  readonly displayName: string | undefined;
  readonly disabled: boolean;
}
