/** What a session sees before access control: its snapshot with its own pending changes on top. */
import { childrenRange, identifierKey, nodeKey, pathOfNodeKey, subtreeRanges } from './keys.js';
import { parentOf } from './path.js';
import { decodeRecord } from './record.js';
import type { NodeRecord } from './record.js';
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
  ) {}

  async read(path: string): Promise<ViewNode | undefined> {
    return (await this.readMany([path]))[0];
  }

  async readMany(paths: readonly string[]): Promise<(ViewNode | undefined)[]> {
    const stored = await this.readStored(
      paths.filter((path) => !this.transient.get(path) && !this.transient.isRemoved(path)),
    );
    return paths.map((path) => {
      const pending = this.transient.get(path);
      if (pending) return viewOfPending(pending);
      const node = stored.get(path);
      return node && { ...node, pending: undefined };
    });
  }

  /** Nodes as the snapshot has them, without the session's changes. */
  async readStored(paths: readonly string[]): Promise<ReadonlyMap<string, StoredNode>> {
    return readStoredNodes(this.shared.peek(), paths);
  }

  async pathOfIdentifier(identifier: string): Promise<string | undefined> {
    const pending = this.transient.pathOfIdentifier(identifier);
    if (pending !== undefined) return pending;
    const [entry] = await this.shared.peek().getMany([identifierKey(identifier)]);
    return entry && !this.transient.isRemoved(entry.value) ? entry.value : undefined;
  }

  /** Children in child order: by position where they have one, after those without, which are in name order. */
  children(path: string): AsyncGenerator<ViewNode> {
    return inChildOrder(this.#merged([childrenRange(path)], this.transient.childrenOf(path)));
  }

  /** The subtree without its root: parents before children, siblings side by side in child order. */
  descendants(path: string): AsyncGenerator<ViewNode> {
    return inChildOrder(this.#merged(subtreeRanges(path), this.transient.below(path)));
  }

  /** @param pending nodes of the session within the ranges, in key order */
  async *#merged(ranges: readonly KeyRange[], pending: readonly PendingNode[]): AsyncGenerator<ViewNode> {
    const shared = this.shared;
    const snapshot = shared.acquire();
    try {
      const added = pending.map((node) => ({ key: nodeKey(node.path), path: node.path }));
      let next = 0;
      for (const range of ranges) {
        for await (const batch of snapshot.range(range)) {
          for (const entry of batch) {
            for (let head = added[next]; head && compareKeys(head.key, entry.key) <= 0; head = added[next]) {
              next++;
              if (head.key !== entry.key) yield* this.#stillPending(head.path);
            }
            const path = pathOfNodeKey(entry.key);
            if (this.transient.get(path)) yield* this.#stillPending(path);
            else if (!this.transient.isRemoved(path)) yield { ...storedNode(path, entry), pending: undefined };
          }
        }
      }
      for (const { path } of added.slice(next)) yield* this.#stillPending(path);
    } finally {
      await shared.release();
    }
  }

  /** The caller may have removed or saved it while it reads the listing. */
  *#stillPending(path: string): Generator<ViewNode> {
    const node = this.transient.get(path);
    if (node) yield viewOfPending(node);
  }
}

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
  for (const range of subtreeRanges(path)) {
    for await (const batch of snapshot.range(range)) {
      for (const entry of batch) yield storedNode(pathOfNodeKey(entry.key), entry);
    }
  }
}

function storedNode(path: string, stored: StoredRecord): StoredNode {
  return { path, record: decodeRecord(path, stored.value), version: stored.version };
}

function viewOfPending(pending: PendingNode): ViewNode {
  const { path, record, origin } = pending;
  return { path, record, version: origin?.path === path ? origin.version : 0, pending };
}

/** Expects siblings side by side in name order. Only siblings that have positions are held, until the last of them came. */
async function* inChildOrder(nodes: AsyncIterable<ViewNode>): AsyncGenerator<ViewNode> {
  let parent: string | undefined;
  let positioned: ViewNode[] = [];
  for await (const node of nodes) {
    const nodeParent = parentOf(node.path);
    if (nodeParent !== parent) {
      yield* positioned.sort(byPosition);
      positioned = [];
      parent = nodeParent;
    }
    if (node.record.position === undefined) yield node;
    else positioned.push(node);
  }
  yield* positioned.sort(byPosition);
}

/** Equal positions, of sessions that added at the same time, stay in name order: the sort is stable. */
function byPosition(a: ViewNode, b: ViewNode): number {
  return compareKeys(a.record.position ?? '', b.record.position ?? '');
}
