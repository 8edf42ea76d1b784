/** Reads what each layer holds of a resource: the way down to it (whose directives may hide it) and all below it. */
import type { RepositoryNode, Session } from '../api.js';
import { joinPath, nameOf, parentOf } from '../path.js';
import type { Layer } from './api.js';
import type { LayerNode, LayerTree } from './merge.js';

interface MutableLayerNode extends LayerNode {
  readonly children: MutableLayerNode[];
}

/**
 * @param layers topmost first
 * @param path relative to the layers' roots; `''` for the roots themselves
 * @returns base first. Above `path` a tree holds nothing but the way down.
 */
export async function loadLayers(session: Session, layers: readonly Layer[], path: string): Promise<LayerTree[]> {
  const names = path === '' ? [] : path.split('/');
  const wayDown = ['', ...names.map((_, index) => names.slice(0, index + 1).join('/'))];
  const nodes = await session.findNodes(
    layers.flatMap((layer) => wayDown.map((relative) => joinPath(layer.root, relative))),
  );
  const trees: LayerTree[] = [];
  for (const [index, layer] of layers.entries()) {
    const found = nodes.slice(index * wayDown.length, (index + 1) * wayDown.length);
    trees.unshift({ layer, node: await loadTree(session, found) });
  }
  return trees;
}

/** @param wayDown the layer's root first, the resource last; from the first missing one on nothing exists */
async function loadTree(
  session: Session,
  wayDown: readonly (RepositoryNode | undefined)[],
): Promise<LayerNode | undefined> {
  const chain: MutableLayerNode[] = [];
  for (const node of wayDown) {
    if (!node) break;
    const layerNode = toLayerNode(node);
    chain.at(-1)?.children.push(layerNode);
    chain.push(layerNode);
  }
  const resource = wayDown.at(-1);
  const top = chain.at(-1);
  if (resource && top && chain.length === wayDown.length) {
    const byPath = new Map([[resource.path, top]]);
    for await (const node of session.descendants(resource.path)) {
      const layerNode = toLayerNode(node);
      byPath.set(node.path, layerNode);
      byPath.get(parentOf(node.path))?.children.push(layerNode);
    }
  }
  return chain[0];
}

function toLayerNode(node: RepositoryNode): MutableLayerNode {
  return { name: nameOf(node.path), properties: node.properties, children: [] };
}
