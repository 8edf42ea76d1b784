/** Reads what each layer holds of a resource: the way down to it (whose directives may hide it) and all below it. */
import type { RepositoryNode, Session } from '../api.js';
import { joinPath, nameOf, parentOf } from '../path.js';
import type { Layer } from './api.js';
import { hasDirective, type LayerNode, type LayerTree } from './merge.js';

interface MutableLayerNode extends LayerNode {
  readonly children: MutableLayerNode[];
}

/** A layer's tree, and what is in it of the resource itself. */
export interface LoadedTree extends LayerTree {
  readonly resource: LayerNode | undefined;
  /** Whether nothing above the resource has a directive. */
  readonly isPlain: boolean;
}

/**
 * @param layers topmost first
 * @param path relative to the layers' roots; `''` for the roots themselves
 * @returns base first. Above `path` a tree holds nothing but the way down.
 */
export async function loadLayers(session: Session, layers: readonly Layer[], path: string): Promise<LoadedTree[]> {
  const names = path === '' ? [] : path.split('/');
  const wayDown = ['', ...names.map((_, index) => names.slice(0, index + 1).join('/'))];
  const nodes = await session.findNodes(
    layers.flatMap((layer) => wayDown.map((relative) => joinPath(layer.root, relative))),
  );
  const trees = layers.map((layer, index) => ({
    layer,
    chain: layerChain(nodes.slice(index * wayDown.length, (index + 1) * wayDown.length)),
  }));
  await Promise.all(
    trees.map(async ({ layer, chain }) => {
      const resource = chain[wayDown.length - 1];
      if (resource) await loadBelow(session, joinPath(layer.root, path), resource);
    }),
  );
  return trees
    .map(({ layer, chain }) => ({
      layer,
      node: chain[0],
      resource: chain[names.length],
      isPlain: !chain.slice(0, names.length).some(hasDirective),
    }))
    .reverse();
}

/** The way down as far as it goes: from the first missing node on nothing exists. */
function layerChain(wayDown: readonly (RepositoryNode | undefined)[]): MutableLayerNode[] {
  const chain: MutableLayerNode[] = [];
  for (const node of wayDown) {
    if (!node) break;
    const layerNode = toLayerNode(node);
    chain.at(-1)?.children.push(layerNode);
    chain.push(layerNode);
  }
  return chain;
}

async function loadBelow(session: Session, path: string, resource: MutableLayerNode): Promise<void> {
  const byPath = new Map([[path, resource]]);
  for await (const node of session.descendants(path)) {
    const layerNode = toLayerNode(node);
    byPath.set(node.path, layerNode);
    byPath.get(parentOf(node.path))?.children.push(layerNode);
  }
}

function toLayerNode(node: RepositoryNode): MutableLayerNode {
  return { name: nameOf(node.path), properties: node.properties, children: [] };
}
