/** What a session changed and has not saved: nodes as they will be, and the stored subtrees that are gone. */
import { nodeKey } from './keys.js';
import { selfAndAncestors } from './path.js';
import { PathTree } from './path-tree.js';
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
   * Paths of pending nodes, so that listing a folder does not look at every change. A path may stay when its node is forgotten.
   * `undefined` until something is listed: who only adds and saves does without.
   */
  #pendingPaths: PathTree | undefined;
  #identifiers = new Map<string, string>();
  #removed = new Map<string, RemovedSubtree>();
  /** Where `#removed` has something, so that removing does not look at every earlier removal. A path may stay there too. */
  #removedPaths = new PathTree();
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
    this.#pendingPaths?.add(node.path);
  }

  #forget(path: string): void {
    const node = this.#pending.get(path);
    if (!node) return;
    this.#pending.delete(path);
    if (this.#identifiers.get(node.record.identifier) === path) this.#identifiers.delete(node.record.identifier);
  }

  /** Drops pending changes at and below a path. @param stored whether the store has a node there that is now gone */
  remove(path: string, stored: boolean, movedAt?: number): void {
    for (const pending of this.#paths().take(path)) this.#forget(pending);
    if (!stored) return;
    for (const below of this.#removedPaths.take(path)) {
      // A subtree moved out of this one earlier keeps its guard: its content lives on elsewhere.
      if (this.#removed.get(below)?.movedAt === undefined) this.#removed.delete(below);
      else this.#removedPaths.add(below);
    }
    this.#removed.set(path, { path, movedAt });
    this.#removedPaths.add(path);
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
    return this.#nodesAt(this.#paths().childrenOf(parent));
  }

  /** Pending nodes below a path, in the order of their keys. */
  below(path: string): PendingNode[] {
    return this.#nodesAt(this.#paths().below(path));
  }

  #nodesAt(paths: readonly string[]): PendingNode[] {
    return inKeyOrder(paths.flatMap((path) => this.#pending.get(path) ?? []));
  }

  #paths(): PathTree {
    return (this.#pendingPaths ??= new PathTree(this.#pending.keys()));
  }

  clear(): void {
    this.#epoch++;
    // New maps: V8 links what a cleared one held to what it holds next, so that garbage would stay young for long.
    this.#pending = new Map();
    this.#pendingPaths = undefined;
    this.#identifiers = new Map();
    this.#removed = new Map();
    this.#removedPaths = new PathTree();
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
