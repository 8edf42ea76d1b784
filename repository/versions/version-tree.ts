/** A subtree as versions see it, frozen or current: paths count from its root, which is `/`; policies are no part of it. */
import { policyName } from '../access/controlled-path.js';
import { joinPath, parentOf } from '../path.js';
import { decodeRecord } from '../record.js';
import type { NodeRecord } from '../record.js';
import type { SessionView } from '../session-view.js';
import type { StoreSnapshot } from '../store/contract.js';
import { compareKeys } from '../store/key-order.js';
import { frozenKey, frozenPath, frozenRange } from './version-keys.js';

export interface TreeNode {
  readonly path: string;
  readonly record: NodeRecord;
}

export interface VersionTree {
  /** The root, then parents before children, siblings side by side in child order. Nothing when there is no root. */
  walk(): AsyncGenerator<TreeNode>;
  /** In the order of the paths. */
  read(paths: readonly string[]): Promise<(TreeNode | undefined)[]>;
}

/** What a version froze. */
export function frozenTree(snapshot: StoreSnapshot, identifier: string, number: number): VersionTree {
  const keyOrder = async function* (): AsyncGenerator<TreeNode> {
    for await (const batch of snapshot.range(frozenRange(identifier, number))) {
      for (const { key, value } of batch) {
        const path = frozenPath(key, identifier, number);
        yield { path, record: decodeRecord(path, value) };
      }
    }
  };
  return {
    walk: () => inChildOrder(keyOrder()),
    async read(paths) {
      const stored = await snapshot.getMany(paths.map((path) => frozenKey(identifier, number, path)));
      return paths.map((path, index) => {
        const found = stored[index];
        return found && { path, record: decodeRecord(path, found.value) };
      });
    },
  };
}

/** What a session sees below a path, its own changes among it. */
export function currentTree(view: SessionView, root: string): VersionTree {
  return {
    async *walk() {
      const node = await view.read(root);
      if (!node) return;
      yield { path: '/', record: node.record };
      for await (const batch of view.descendants(root)) {
        for (const { path, record } of batch) if (!isPolicy(path)) yield { path: pathBelow(path, root), record };
      }
    },
    async read(paths) {
      const nodes = await view.readMany(
        paths.map((path) => pathAt(root, path)),
        () => true,
      );
      return nodes.map((node, index) => node && { path: paths[index] ?? '/', record: node.record });
    },
  };
}

/** Nodes in memory, in key order. */
export function treeOf(nodes: readonly TreeNode[]): VersionTree {
  const byPath = new Map(nodes.map((node) => [node.path, node]));
  return {
    walk: () => inChildOrder(nodes),
    read: async (paths) => paths.map((path) => byPath.get(path)),
  };
}

/** The tree without what may not be read, and without all that is below such a node. */
export function visibleTree(tree: VersionTree, canRead: (path: string) => boolean): VersionTree {
  const isVisible = (path: string) => [...pathsDownTo(path)].every(canRead);
  return {
    async *walk() {
      let parent: string | undefined;
      let parentVisible = true;
      for await (const node of tree.walk()) {
        // Siblings come together, so this is decided once for all of them.
        if (node.path !== '/' && parentOf(node.path) !== parent) {
          parent = parentOf(node.path);
          parentVisible = isVisible(parent);
        }
        if (parentVisible && canRead(node.path)) yield node;
      }
    },
    read: async (paths) => (await tree.read(paths)).map((node) => (node && isVisible(node.path) ? node : undefined)),
  };
}

/** The tree with those properties of each node that may be read. */
export function withVisibleProperties(
  tree: VersionTree,
  visible: (path: string, record: NodeRecord) => NodeRecord,
): VersionTree {
  const seen = ({ path, record }: TreeNode): TreeNode => ({ path, record: visible(path, record) });
  return {
    async *walk() {
      for await (const node of tree.walk()) yield seen(node);
    },
    read: async (paths) => (await tree.read(paths)).map((node) => node && seen(node)),
  };
}

function* pathsDownTo(path: string): Generator<string> {
  for (let node = path; node !== ''; node = parentOf(node)) yield node;
}

/** `/jcr:content` of a tree whose root is at `/a` → `/a/jcr:content`. */
export function pathAt(root: string, path: string): string {
  return joinPath(root, path.slice(1));
}

/** The other way round. */
export function pathBelow(path: string, root: string): string {
  if (root === '/') return path;
  return path === root ? '/' : path.slice(root.length);
}

export function isPolicy(path: string): boolean {
  return path.split('/').includes(policyName);
}

/** Siblings without a place come first, in name order; so it is in a session too (session-view.ts). */
async function* inChildOrder(nodes: AsyncIterable<TreeNode> | Iterable<TreeNode>): AsyncGenerator<TreeNode> {
  let parent: string | undefined;
  let placed: TreeNode[] = [];
  for await (const node of nodes) {
    if (parentOf(node.path) !== parent) {
      yield* placed.sort(byPlace);
      placed = [];
      parent = parentOf(node.path);
    }
    // The root's place is among siblings that are no part of the tree.
    if (node.record.position === undefined || node.path === '/') yield node;
    else placed.push(node);
  }
  yield* placed.sort(byPlace);
}

/** For nodes that have places. */
function byPlace(a: { readonly record: NodeRecord }, b: { readonly record: NodeRecord }): number {
  return compareKeys(a.record.position ?? '', b.record.position ?? '');
}
