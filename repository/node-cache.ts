/**
 * Decoded nodes that every session of the process shares. The cache stands at one commit; a session at an earlier one takes
 * from it only what was not written since, and a session at a later one first brings it up to its own (`catchUp`), so nobody
 * sees a state from before the session.
 */
import type { Change } from './api.js';
import { RepositoryError } from './errors.js';
import { commitsAfter } from './observation.js';
import { isDescendantOrSelf, parentOf } from './path.js';
import type { SessionNode } from './session-node.js';
import type { NodeStore } from './store/contract.js';

export const defaultNodeCacheBytes = 64 * 1024 * 1024;
/** Paths whose last write is remembered, so that a reader of an earlier commit does not bring back what it read. */
const maxTouched = 100_000;
/**
 * A decoded node takes about this much beside its text, and this many times the length of its text: 1,370 bytes of heap a node,
 * measured with the nodes of 2,000 assets.
 */
const [bytesPerNode, bytesPerCharacter] = [450, 4];

/** What one commit did to the nodes. */
export interface CommittedNodes {
  /** As they are now, with the length of their stored text. */
  readonly written: readonly { readonly node: SessionNode; readonly length: number }[];
  readonly removed: readonly string[];
}

export class NodeCache {
  /** Entries wander from old to young when they are used; when both are full, old is dropped and young becomes old. */
  #young = new Map<string, SessionNode>();
  #old = new Map<string, SessionNode>();
  #youngBytes = 0;
  #oldBytes = 0;
  /** Every commit up to this one was taken into account. */
  #sequence: number;
  #touched = new Map<string, number>();
  /** Which paths were written up to this commit is not known any more. */
  #horizon: number;
  /** Commits of this process that came while earlier ones of others were not yet known. */
  readonly #ahead = new Map<number, CommittedNodes>();
  #catchingUp: Promise<void> | undefined;

  constructor(
    private readonly store: NodeStore,
    head: number,
    private readonly maxBytes = defaultNodeCacheBytes,
  ) {
    this.#sequence = head;
    this.#horizon = head;
  }

  /** The node as a session at `sequence` sees it, when that is known. */
  get(path: string, sequence: number): SessionNode | undefined {
    let node = this.#young.get(path);
    if (!node) {
      node = this.#old.get(path);
      if (!node) return undefined;
      this.#remove(path);
      this.#add(node, node.weight);
    }
    return node.version <= sequence ? node : undefined;
  }

  /** What a session at `sequence` read from the store. */
  offer(node: SessionNode, length: number, sequence: number): void {
    if (sequence < this.#horizon || (this.#touched.get(node.path) ?? 0) > sequence) return;
    this.#add(node, bytesPerNode + length * bytesPerCharacter);
  }

  #add(node: SessionNode, weight: number): void {
    this.#remove(node.path);
    node.weight = weight;
    this.#young.set(node.path, node);
    this.#youngBytes += weight;
    const isFull = this.#youngBytes + this.#oldBytes > this.maxBytes;
    const begins = this.#old.size === 0 && this.#youngBytes > this.maxBytes / 2;
    if (!isFull && !begins) return;
    this.#old = this.#young;
    this.#oldBytes = this.#youngBytes;
    this.#young = new Map();
    this.#youngBytes = 0;
  }

  #remove(path: string): void {
    const young = this.#young.get(path);
    if (young && this.#young.delete(path)) this.#youngBytes -= young.weight;
    const old = this.#old.get(path);
    if (old && this.#old.delete(path)) this.#oldBytes -= old.weight;
  }

  /** A commit of this process; those of others come through the journal. */
  committed(sequence: number, nodes: CommittedNodes): void {
    if (sequence <= this.#sequence) return;
    this.#ahead.set(sequence, nodes);
    this.#applyAhead();
  }

  #applyAhead(): void {
    for (let nodes = this.#takeNext(); nodes; nodes = this.#takeNext()) {
      this.#sequence++;
      for (const path of nodes.removed) this.#touch(path);
      for (const { node, length } of nodes.written) {
        this.#noteWrite(node.path);
        this.#add(node, bytesPerNode + length * bytesPerCharacter);
      }
    }
  }

  #takeNext(): CommittedNodes | undefined {
    const nodes = this.#ahead.get(this.#sequence + 1);
    if (nodes) this.#ahead.delete(this.#sequence + 1);
    return nodes;
  }

  #touch(path: string): void {
    this.#remove(path);
    this.#noteWrite(path);
  }

  #noteWrite(path: string): void {
    if (this.#touched.size >= maxTouched) {
      this.#touched = new Map();
      this.#horizon = this.#sequence;
    }
    this.#touched.set(path, this.#sequence);
  }

  /** Takes all commits up to `sequence` into account. */
  async catchUp(sequence: number): Promise<void> {
    while (this.#sequence < sequence) {
      const before = this.#sequence;
      this.#catchingUp ??= this.#readJournal().finally(() => (this.#catchingUp = undefined));
      await this.#catchingUp;
      // A snapshot may hold a commit that the store is still about to count: it needs a turn to do so.
      if (this.#sequence === before) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async #readJournal(): Promise<void> {
    // Taken before reading: after a trimmed journal everything up to here is forgotten.
    const head = await this.store.head();
    try {
      for await (const event of commitsAfter(this.store, this.#sequence)) {
        // A commit of this process may have said so itself meanwhile.
        if (event.sequence !== this.#sequence + 1) continue;
        this.#sequence = event.sequence;
        this.#ahead.delete(event.sequence);
        for (const change of event.changes) this.#forget(change);
        this.#applyAhead();
      }
    } catch (error) {
      if (!(error instanceof RepositoryError && error.code === 'JOURNAL_TRIMMED')) throw error;
      this.#forgetAll(head);
    }
  }

  /** The journal names a moved subtree by its root, and new places among siblings by their parent. */
  #forget(change: Change): void {
    this.#touch(change.path);
    // Its parent may have been a leaf (record.ts).
    if (change.kind === 'nodeAdded' || change.kind === 'nodeMoved') this.#touch(parentOf(change.path));
    if (change.kind === 'nodeMoved') {
      const { path, from = path } = change;
      this.#forgetWhere((cached) => isDescendantOrSelf(cached, path) || isDescendantOrSelf(cached, from));
    } else if (change.kind === 'childrenReordered') {
      this.#forgetWhere((cached) => parentOf(cached) === change.path);
    }
  }

  #forgetWhere(isGone: (path: string) => boolean): void {
    for (const generation of [this.#young, this.#old]) {
      for (const path of generation.keys()) if (isGone(path)) this.#remove(path);
    }
    // A reader of an earlier commit may hold any of the paths.
    this.#horizon = this.#sequence;
  }

  #forgetAll(sequence: number): void {
    this.#young = new Map();
    this.#old = new Map();
    this.#youngBytes = 0;
    this.#oldBytes = 0;
    this.#touched = new Map();
    this.#sequence = Math.max(this.#sequence, sequence);
    this.#horizon = this.#sequence;
    for (const ahead of this.#ahead.keys()) if (ahead <= this.#sequence) this.#ahead.delete(ahead);
  }
}
