/** What a session changed and has not saved: nodes as they will be, and the stored subtrees that are gone. */
import { nodeKey } from './keys.js';
import { isDescendantOrSelf, joinPath, nameOf, parentOf, selfAndAncestors } from './path.js';
import type { NodeRecord } from './record.js';
import { compareKeys, hasPlainOrder } from './store/key-order.js';

/** A node as the store has it. */
export interface StoredNode {
  readonly path: string;
  readonly record: NodeRecord;
  readonly version: number;
}

export interface PendingNode {
  readonly path: string;
  readonly record: NodeRecord;
  /** The stored node it comes from, which lies elsewhere when the node was moved; `undefined` for a new node. */
  readonly origin: StoredNode | undefined;
  /** Added only in case it was missing: when another session adds it first, theirs is as good. */
  readonly ensured: boolean;
}

export interface RemovedSubtree {
  readonly path: string;
  /** The subtree's content was taken along at this sequence, so it must not change after; `undefined` when removed. */
  readonly movedAt: number | undefined;
}

export class TransientSpace {
  #pending = new Map<string, PendingNode>();
  /**
   * Names by parent that lead to pending nodes, so that listing a folder does not look at every change. Names stay when
   * their node is forgotten. `undefined` until something is listed: who only adds and saves does without.
   */
  #names: Map<string, Set<string>> | undefined;
  #identifiers = new Map<string, string>();
  #removed = new Map<string, RemovedSubtree>();
  #epoch = 0;

  /** Rises whenever all changes are saved or dropped. */
  get epoch(): number {
    return this.#epoch;
  }

  get isEmpty(): boolean {
    return this.#pending.size === 0 && this.#removed.size === 0;
  }

  get(path: string): PendingNode | undefined {
    return this.#pending.get(path);
  }

  pathOfIdentifier(identifier: string): string | undefined {
    return this.#identifiers.get(identifier);
  }

  put(node: PendingNode): void {
    this.#forget(node.path);
    this.#pending.set(node.path, node);
    this.#identifiers.set(node.record.identifier, node.path);
    if (this.#names) addNames(this.#names, node.path);
  }

  #forget(path: string): void {
    const node = this.#pending.get(path);
    if (!node) return;
    this.#pending.delete(path);
    if (this.#identifiers.get(node.record.identifier) === path) this.#identifiers.delete(node.record.identifier);
  }

  /** Drops pending changes at and below a path. @param stored whether the store has a node there that is now gone */
  remove(path: string, stored: boolean, movedAt?: number): void {
    for (const node of this.below(path)) this.#forget(node.path);
    this.#forget(path);
    if (!stored) return;
    // A subtree moved out of this one earlier keeps its guard: its content lives on elsewhere.
    for (const removed of this.#removed.values()) {
      if (isDescendantOrSelf(removed.path, path) && removed.movedAt === undefined) this.#removed.delete(removed.path);
    }
    this.#removed.set(path, { path, movedAt });
  }

  /** True for a stored path that is no longer there, at itself or through an ancestor. */
  isRemoved(path: string): boolean {
    if (this.#removed.size === 0) return false;
    for (const node of selfAndAncestors(path)) if (this.#removed.has(node)) return true;
    return false;
  }

  removedSubtrees(): readonly RemovedSubtree[] {
    return [...this.#removed.values()];
  }

  /** The removed subtree turns out to be gone from the store as well. */
  forgetRemoved(path: string): void {
    this.#removed.delete(path);
  }

  nodes(): PendingNode[] {
    return [...this.#pending.values()];
  }

  /** Pending children in the order of their keys. */
  childrenOf(parent: string): PendingNode[] {
    return inKeyOrder(this.#pathsIn(parent).flatMap((path) => this.#pending.get(path) ?? []));
  }

  /** Pending nodes below a path, in the order of their keys. */
  below(path: string): PendingNode[] {
    const found: PendingNode[] = [];
    const open = this.#pathsIn(path);
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const node = this.#pending.get(next);
      if (node) found.push(node);
      for (const child of this.#pathsIn(next)) open.push(child);
    }
    return inKeyOrder(found);
  }

  #pathsIn(parent: string): string[] {
    return [...(this.#namesByParent().get(parent) ?? [])].map((name) => joinPath(parent, name));
  }

  #namesByParent(): ReadonlyMap<string, ReadonlySet<string>> {
    if (this.#names) return this.#names;
    this.#names = new Map();
    for (const path of this.#pending.keys()) addNames(this.#names, path);
    return this.#names;
  }

  clear(): void {
    this.#epoch++;
    // New maps: V8 links what a cleared one held to what it holds next, so that garbage would stay young for long.
    this.#pending = new Map();
    this.#names = undefined;
    this.#identifiers = new Map();
    this.#removed = new Map();
  }
}

function addNames(names: Map<string, Set<string>>, path: string): void {
  for (const node of selfAndAncestors(path)) {
    const parent = parentOf(node);
    const siblings = names.get(parent) ?? new Set();
    if (siblings.has(nameOf(node))) return;
    names.set(parent, siblings.add(nameOf(node)));
  }
}

export function inKeyOrder<T extends { readonly path: string }>(nodes: T[]): T[] {
  if (nodes.length < 2) return nodes;
  const keyed = nodes.map((node) => ({ node, key: nodeKey(node.path) }));
  keyed.sort(keyed.every(({ key }) => hasPlainOrder(key)) ? byPlainKey : (a, b) => compareKeys(a.key, b.key));
  return keyed.map(({ node }) => node);
}

/** The keys of different nodes are never equal. */
function byPlainKey(a: { readonly key: string }, b: { readonly key: string }): number {
  return a.key < b.key ? -1 : 1;
}
