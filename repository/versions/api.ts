/**
 * Versions of a node and what is below it (JCR 2.0, chapter 15). A history belongs to a node's identifier, not to its path,
 * so it outlives moves and the removal of the node. How versions are stored: docs/decisions/0011-version-storage.md.
 */
import type { RepositoryNode } from '../api.js';
import type { Property } from '../value.js';

export interface Version {
  /** Identifier of the node whose history it is part of. */
  readonly history: string;
  /** `1.0`, `1.1` …, as Jackrabbit names them; a name is never given twice. */
  readonly name: string;
  /** Names; empty for the first version. */
  readonly predecessors: readonly string[];
  /** In name order. */
  readonly labels: readonly string[];
  /** What the node was last checked in as, or restored from. */
  readonly isBase: boolean;
  /** Where the node was when it was checked in. */
  readonly path: string;
  /** ISO 8601. */
  readonly created: string;
  readonly createdBy: string;
  readonly comment: string | undefined;
  /** Nodes that were frozen, the root among them. */
  readonly nodes: number;
}

/** A node as it was when its version was made. */
export interface FrozenNode {
  /** From the versionable node: `jcr:content/metadata`; empty for that node itself. */
  readonly relativePath: string;
  /** Its path is the one it had then. */
  readonly node: RepositoryNode;
}

export interface PropertyDifference {
  readonly name: string;
  /** `undefined`: it was not there. */
  readonly before: Property | undefined;
  /** `undefined`: it is not there any more. */
  readonly after: Property | undefined;
}

/**
 * One step from one state to another, paths relative to the versionable node. Applied in the order they come in, with added
 * and moved nodes placed last, they make the second state of the first.
 */
export type VersionDifference =
  | { readonly kind: 'nodeRemoved'; readonly relativePath: string }
  | { readonly kind: 'nodeAdded'; readonly relativePath: string; readonly node: RepositoryNode }
  /** With all below; `from` is where it was in the first state. */
  | { readonly kind: 'nodeMoved'; readonly relativePath: string; readonly from: string }
  | {
      readonly kind: 'propertiesChanged';
      readonly relativePath: string;
      readonly properties: readonly PropertyDifference[];
    }
  /** Names of all children that have a place, in the second state's order. */
  | { readonly kind: 'childrenReordered'; readonly relativePath: string; readonly children: readonly string[] };

export interface RestoreOptions {
  /**
   * A referenceable node of the version may live elsewhere today: `true` removes it there, else the restore is refused
   * with ITEM_EXISTS.
   */
  readonly removeExisting?: boolean;
  /** What changed since the base version may be lost. */
  readonly force?: boolean;
  /** Keeps the state before as a version of its own, in a commit before the restore. */
  readonly checkpoint?: boolean;
}

/**
 * Each method that writes is one commit of its own, on the newest state, not part of the session's pending changes; the
 * session sees it afterwards and keeps its other pending changes. Writing needs jcr:versionManagement at the node, and
 * no unsaved changes at or below it (CONSTRAINT_VIOLATION).
 *
 * Versions may be read by who may read the node where it is and where it was then; when the node is gone, its last path and
 * that path's parent. Frozen nodes whose path may not be read are left out. What may not be read answers as what does not
 * exist: PATH_NOT_FOUND.
 */
export interface VersionManager {
  /**
   * Freezes the node with all below as the next version, and makes it read-only until it is checked out. A node the session
   * sees checked in already stays as it is.
   * @returns the version's name
   * @throws PATH_NOT_FOUND, ACCESS_DENIED, CONSTRAINT_VIOLATION (not versionable), CONFLICT
   */
  checkIn(path: string, options?: { readonly comment?: string }): Promise<string>;
  /** @throws as `checkIn` */
  checkOut(path: string): Promise<void>;
  /** Freezes the node as the next version and leaves it, or makes it, checked out; one commit. @throws as `checkIn` */
  checkpoint(path: string, options?: { readonly comment?: string }): Promise<string>;
  /** False for a node that is checked in, or is part of one. @throws PATH_NOT_FOUND */
  isCheckedOut(path: string): Promise<boolean>;

  /** Newest first; nothing for a node that was never checked in. @throws PATH_NOT_FOUND */
  history(path: string): AsyncIterable<Version>;
  /** The same by identifier, also of a node that was removed. @throws PATH_NOT_FOUND */
  historyOf(identifier: string): AsyncIterable<Version>;
  /** @throws PATH_NOT_FOUND */
  version(path: string, nameOrLabel: string): Promise<Version>;
  versionOf(identifier: string, nameOrLabel: string): Promise<Version>;
  /** Parents before children, siblings in child order. @throws PATH_NOT_FOUND */
  frozen(version: Version): AsyncIterable<FrozenNode>;
  /** @throws PATH_NOT_FOUND (the version) */
  frozenNode(version: Version, relativePath: string): Promise<RepositoryNode | undefined>;
  /**
   * What leads from one version to another, or to the node as the session sees it. Holds identifiers and places of both
   * states in memory, never their content.
   * @throws PATH_NOT_FOUND, INVALID_VALUE (versions of two histories)
   */
  diff(from: Version, to: Version | 'current'): AsyncIterable<VersionDifference>;

  /**
   * A label names one version of a history; any name but that of a version.
   * @throws ITEM_EXISTS unless `moveLabel`, INVALID_PATH, INVALID_VALUE, PATH_NOT_FOUND, ACCESS_DENIED
   */
  addLabel(path: string, version: string, label: string, options?: { readonly moveLabel?: boolean }): Promise<void>;
  /** @throws PATH_NOT_FOUND, ACCESS_DENIED */
  removeLabel(path: string, label: string): Promise<void>;
  /** With its labels. @throws CONSTRAINT_VIOLATION for the base version, PATH_NOT_FOUND, ACCESS_DENIED */
  removeVersion(path: string, name: string): Promise<void>;

  /**
   * Makes the subtree what it was: nodes that the version does not have go, nodes that still exist keep their identifier,
   * policies and places outside stay. The node is checked in afterwards (JCR 2.0, section 15.7), with the version as its base.
   * Needs the rights for each change it makes.
   * @throws CONSTRAINT_VIOLATION when something changed since the base version and the options do not say what to do;
   * NODE_CHECKED_IN for a versionable node below that would change; ITEM_EXISTS, PATH_NOT_FOUND, ACCESS_DENIED, CONFLICT
   */
  restore(path: string, nameOrLabel: string, options?: RestoreOptions): Promise<void>;
  /**
   * Brings a removed node back, with its identifier, where the parent of `newPath` exists; without nodes the user may not
   * read.
   * @throws ITEM_EXISTS when the node still exists or the place is taken; PATH_NOT_FOUND, ACCESS_DENIED, CONFLICT
   */
  restoreAt(
    newPath: string,
    identifier: string,
    nameOrLabel: string,
    options?: Pick<RestoreOptions, 'removeExisting'>,
  ): Promise<void>;
}
