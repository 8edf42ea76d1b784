/** What a session sees before access control: its snapshot with its own pending changes on top. */
import { childrenRange, identifierKey, nodeKey, pathOfNodeKey, subtreeRanges } from './keys.js';
import type { NodeCache } from './node-cache.js';
import { isChildOf, parentOf } from './path.js';
import { decodeRecord } from './record.js';
import type { NodeRecord } from './record.js';
import { SessionNode } from './session-node.js';
import type { PendingNode, StoredNode, TransientSpace } from './session-transient.js';
import type { KeyRange, StoredRecord, StoreSnapshot } from './store/contract.js';
import { compareKeys } from './store/key-order.js';

export interface ViewNode {
  readonly path: string;
  readonly record: NodeRecord;
  /** 0 for a node that is new at its path. */
  readonly version: number;
  readonly pending: PendingNode | undefined;
}

/** A snapshot that readers hold on to: a listing that is under way outlives the session's step to a newer one. */
export class SharedSnapshot {
  #holders = 1;

  constructor(private readonly snapshot: StoreSnapshot) {}

  get sequence(): number {
    return this.snapshot.sequence;
  }

  acquire(): StoreSnapshot {
    this.#holders++;
    return this.snapshot;
  }

  /** For a read within one call of the holder. */
  peek(): StoreSnapshot {
    return this.snapshot;
  }

  async release(): Promise<void> {
    this.#holders--;
    if (this.#holders === 0) await this.snapshot.close();
  }
}

export class SessionView {
  constructor(
    readonly shared: SharedSnapshot,
    readonly transient: TransientSpace,
    private readonly cache: NodeCache,
  ) {}

  /** A stored node that the session did not change, when the cache has it. */
  cached(path: string): SessionNode | undefined {
    if (!this.transient.isEmpty && (this.transient.get(path) || this.transient.isRemoved(path))) return undefined;
    return this.cache.get(path, this.shared.sequence);
  }

  /** A node that can be had without a look into the store. */
  known(path: string): ViewNode | undefined {
    const pending = this.transient.get(path);
    return pending ? viewOfPending(pending) : this.cached(path);
  }

  async read(path: string): Promise<ViewNode | undefined> {
    return (await this.readMany([path], () => true))[0];
  }

  /** @param mayCache whether a path may be answered from the cache instead of the store */
  async readMany(paths: readonly string[], mayCache: (path: string) => boolean): Promise<(ViewNode | undefined)[]> {
    const found = paths.map((path): ViewNode | undefined => {
      const pending = this.transient.get(path);
      return pending ? viewOfPending(pending) : mayCache(path) ? this.cached(path) : undefined;
    });
    const missing = paths.filter((path, index) => !found[index] && !this.transient.isRemoved(path));
    if (missing.length === 0) return found;
    const stored = await this.readStored(missing);
    return paths.map((path, index) => found[index] ?? stored.get(path));
  }

  /** Nodes as the snapshot has them, without the session's changes. */
  async readStored(paths: readonly string[]): Promise<ReadonlyMap<string, SessionNode>> {
    const found = new Map<string, SessionNode>();
    await readInto(found, this.cache, this.shared.peek(), paths);
    return found;
  }

  async pathOfIdentifier(identifier: string): Promise<string | undefined> {
    const pending = this.transient.pathOfIdentifier(identifier);
    if (pending !== undefined) return pending;
    const [entry] = await this.shared.peek().getMany([identifierKey(identifier)]);
    return entry && !this.transient.isRemoved(entry.value) ? entry.value : undefined;
  }

  /** Whether the session has nothing below a node, as far as its stored record and the pending changes tell. */
  isLeaf({ path, record, pending }: ViewNode): boolean {
    return !pending && record.leaf === true && (this.transient.isEmpty || this.transient.below(path).length === 0);
  }

  /** Children in child order: by position where they have one, after those without, which are in name order. */
  children(path: string): AsyncGenerator<readonly ViewNode[]> {
    return inChildOrder(this.#merged([childrenRange(path)], this.transient.childrenOf(path)));
  }

  /** The subtree without its root: parents before children, siblings side by side in child order. */
  descendants(path: string): AsyncGenerator<readonly ViewNode[]> {
    return inChildOrder(this.#merged(subtreeRanges(path), this.transient.below(path)));
  }

  /**
   * A node of a listing as it is when its turn comes: the caller may have changed or removed it meanwhile.
   * @param epoch the transient space's when the listing began; what was saved since is shown as it was listed
   */
  current(node: ViewNode, epoch: number): ViewNode | undefined {
    const { transient } = this;
    if (transient.isEmpty && (!node.pending || transient.epoch !== epoch)) return node;
    const pending = transient.get(node.path);
    if (pending) return pending === node.pending ? node : viewOfPending(pending);
    const isGone = node.pending ? transient.epoch === epoch : transient.isRemoved(node.path);
    return isGone ? undefined : node;
  }

  /** @param pending nodes of the session within the ranges, in key order */
  async *#merged(ranges: readonly KeyRange[], pending: readonly PendingNode[]): AsyncGenerator<readonly ViewNode[]> {
    const shared = this.shared;
    const snapshot = shared.acquire();
    try {
      const added = pending.map((node) => ({ key: nodeKey(node.path), node }));
      let next = 0;
      for (const range of ranges) {
        let isEmpty = true;
        for await (const batch of snapshot.range(range)) {
          isEmpty = false;
          const merged: ViewNode[] = [];
          for (const entry of batch) {
            for (let head = added[next]; head && compareKeys(head.key, entry.key) <= 0; head = added[next]) {
              next++;
              merged.push(viewOfPending(head.node));
              if (head.key === entry.key) break;
            }
            // Pending nodes and removed ones are those of the start of the listing or later: see `current`.
            const path = pathOfNodeKey(entry.key);
            if (added[next - 1]?.key !== entry.key && !this.transient.isRemoved(path)) {
              merged.push(storedNode(path, entry));
            }
          }
          yield merged;
        }
        // Where a node has no children nothing is deeper below it either.
        if (isEmpty) break;
      }
      if (next < added.length) yield added.slice(next).map(({ node }) => viewOfPending(node));
    } finally {
      await shared.release();
    }
  }
}

/** Nodes as a snapshot has them, through a cache that knows every commit up to it. */
export async function readSharedNodes(
  cache: NodeCache,
  snapshot: StoreSnapshot,
  paths: readonly string[],
): Promise<ReadonlyMap<string, StoredNode>> {
  const found = new Map<string, SessionNode>();
  const missing: string[] = [];
  for (const path of paths) {
    const node = cache.get(path, snapshot.sequence);
    if (node) found.set(path, node);
    else missing.push(path);
  }
  if (missing.length > 0) await readInto(found, cache, snapshot, missing);
  return found;
}

/** Reads from the store, and offers what it finds to the cache. */
async function readInto(
  found: Map<string, SessionNode>,
  cache: NodeCache,
  snapshot: StoreSnapshot,
  paths: readonly string[],
): Promise<void> {
  const records = await snapshot.getMany(paths.map(nodeKey));
  paths.forEach((path, index) => {
    const record = records[index];
    if (!record) return;
    const node = storedNode(path, record);
    cache.offer(node, record.value.length, snapshot.sequence);
    found.set(path, node);
  });
}

/** Nodes as a snapshot has them, past any cache. */
export async function readStoredNodes(
  snapshot: StoreSnapshot,
  paths: readonly string[],
): Promise<ReadonlyMap<string, StoredNode>> {
  const records = await snapshot.getMany(paths.map(nodeKey));
  const found = new Map<string, StoredNode>();
  paths.forEach((path, index) => {
    const record = records[index];
    if (record) found.set(path, storedNode(path, record));
  });
  return found;
}

/** A node and everything below it, as the snapshot has them; nothing when there is no such node. */
export async function* storedSubtree(snapshot: StoreSnapshot, path: string): AsyncGenerator<StoredNode> {
  const root = (await readStoredNodes(snapshot, [path])).get(path);
  if (!root) return;
  yield root;
  if (root.record.leaf) return;
  for (const range of subtreeRanges(path)) {
    for await (const batch of snapshot.range(range)) {
      for (const entry of batch) yield storedNode(pathOfNodeKey(entry.key), entry);
    }
  }
}

function storedNode(path: string, stored: StoredRecord): SessionNode {
  return new SessionNode(path, stored.version, decodeRecord(path, stored.value));
}

function viewOfPending(pending: PendingNode): ViewNode {
  const { path, record, origin } = pending;
  return { path, record, version: origin?.path === path ? origin.version : 0, pending };
}

/** Expects siblings side by side in name order. Only siblings that have positions are held, until the last of them came. */
async function* inChildOrder(batches: AsyncIterable<readonly ViewNode[]>): AsyncGenerator<readonly ViewNode[]> {
  let parent: string | undefined;
  let positioned: ViewNode[] = [];
  for await (const batch of batches) {
    const ordered: ViewNode[] = [];
    for (const node of batch) {
      if (parent === undefined || !isChildOf(node.path, parent)) {
        for (const sibling of positioned.sort(byPosition)) ordered.push(sibling);
        positioned = [];
        parent = parentOf(node.path);
      }
      if (node.record.position === undefined) ordered.push(node);
      else positioned.push(node);
    }
    yield ordered;
  }
  yield positioned.sort(byPosition);
}

/** Equal positions, of sessions that added at the same time, stay in name order: the sort is stable. */
function byPosition(a: ViewNode, b: ViewNode): number {
  return compareKeys(a.record.position ?? '', b.record.position ?? '');
}
