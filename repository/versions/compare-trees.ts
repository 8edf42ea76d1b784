/** What leads from one tree to another. Nodes are the same when their identifiers are, wherever they are. */
import { nameOf, parentOf } from '../path.js';
import { changedProperties } from '../record-merge.js';
import { compareKeys } from '../store/key-order.js';
import { isCheckedOutState } from './checked-out.js';
import type { PropertyDifference } from './api.js';
import type { TreeNode, VersionTree } from './version-tree.js';

export type TreeDifference =
  | { readonly kind: 'nodeRemoved'; readonly path: string }
  | { readonly kind: 'nodeAdded'; readonly path: string; readonly node: TreeNode }
  | { readonly kind: 'nodeMoved'; readonly path: string; readonly from: string }
  | { readonly kind: 'propertiesChanged'; readonly path: string; readonly properties: readonly PropertyDifference[] }
  | { readonly kind: 'childrenReordered'; readonly path: string; readonly children: readonly string[] };

interface Place {
  readonly path: string;
  /** Identifier; `undefined` for the root. */
  readonly parent: string | undefined;
  readonly position: string | undefined;
}

/** Enough for few reads, few enough to hold. */
const nodesPerRead = 100;

/** Removed nodes first, then node by node of the second tree, parents before children. */
export async function* compareTrees(from: VersionTree, to: VersionTree): AsyncGenerator<TreeDifference> {
  const before = await placesOf(from);
  const after = await placesOf(to);
  for (const [identifier, { path }] of before) if (!after.has(identifier)) yield { kind: 'nodeRemoved', path };
  let batch: TreeNode[] = [];
  for await (const node of to.walk()) {
    batch.push(node);
    if (batch.length < nodesPerRead) continue;
    yield* compareNodes(from, batch, before, after);
    batch = [];
  }
  yield* compareNodes(from, batch, before, after);
  yield* reorderings(before, after);
}

/** By identifier, in the order of the walk. */
async function placesOf(tree: VersionTree): Promise<Map<string, Place>> {
  const places = new Map<string, Place>();
  const identifiers = new Map<string, string>();
  for await (const { path, record } of tree.walk()) {
    identifiers.set(path, record.identifier);
    places.set(record.identifier, { path, parent: identifiers.get(parentOf(path)), position: record.position });
  }
  return places;
}

async function* compareNodes(
  from: VersionTree,
  nodes: readonly TreeNode[],
  before: ReadonlyMap<string, Place>,
  after: ReadonlyMap<string, Place>,
): AsyncGenerator<TreeDifference> {
  const kept = nodes.filter(({ record }) => before.has(record.identifier));
  const read = await from.read(kept.map(({ record }) => before.get(record.identifier)?.path ?? '/'));
  const olds = new Map(read.flatMap((node): [string, TreeNode][] => (node ? [[node.record.identifier, node]] : [])));
  for (const node of nodes) {
    const { path, record } = node;
    const old = olds.get(record.identifier);
    if (!old) {
      yield { kind: 'nodeAdded', path, node };
      continue;
    }
    const isMoved =
      before.get(record.identifier)?.parent !== after.get(record.identifier)?.parent ||
      (path !== '/' && nameOf(path) !== nameOf(old.path));
    if (isMoved) yield { kind: 'nodeMoved', path, from: old.path };
    const properties = changedProperties(old.record, record)
      // Whether a node is checked out is not part of what it holds.
      .filter((name) => !isCheckedOutState(old.record, name) && !isCheckedOutState(record, name))
      .map((name) => ({ name, before: old.record.properties.get(name), after: record.properties.get(name) }));
    if (properties.length > 0) yield { kind: 'propertiesChanged', path, properties };
  }
}

/** Where children that stayed are in another order, or new ones are not last. */
function* reorderings(
  before: ReadonlyMap<string, Place>,
  after: ReadonlyMap<string, Place>,
): Generator<TreeDifference> {
  const children = new Map<string, string[]>();
  for (const [identifier, { parent, position }] of after) {
    if (parent === undefined || position === undefined) continue;
    const siblings = children.get(parent);
    if (siblings) siblings.push(identifier);
    else children.set(parent, [identifier]);
  }
  for (const [parent, ordered] of children) {
    const stayed = ordered.filter((child) => before.get(child)?.parent === parent);
    const expected = stayed
      .map((child) => ({ child, place: before.get(child) }))
      .sort((a, b) => byPlace(a.place, b.place));
    const isInOrder = expected.every(({ child }, index) => ordered[index] === child);
    if (isInOrder) continue;
    const names = ordered.map((child) => nameOf(after.get(child)?.path ?? ''));
    yield { kind: 'childrenReordered', path: after.get(parent)?.path ?? '/', children: names };
  }
}

function byPlace(a: Place | undefined, b: Place | undefined): number {
  return compareKeys(a?.position ?? '', b?.position ?? '') || compareKeys(nameOf(a?.path ?? ''), nameOf(b?.path ?? ''));
}
