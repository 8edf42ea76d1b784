/** Layers written as plain objects: scalars and arrays are properties, objects are children, in the order written. */
import type { MergedResource } from '../../repository/overlay/api.js';
import type { LayerNode, LayerTree } from '../../repository/overlay/merge.js';
import type { Property } from '../../repository/value.js';

type Scalar = string | number | boolean;
export interface TreeInput {
  readonly [name: string]: Scalar | readonly string[] | TreeInput;
}

export function layerNode(tree: TreeInput, name = ''): LayerNode {
  const properties = new Map<string, Property>();
  const children: LayerNode[] = [];
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'object' && !isList(value)) children.push(layerNode(value, key));
    else properties.set(key, toProperty(value));
  }
  return { name, properties, children };
}

function isList(value: readonly string[] | TreeInput): value is readonly string[] {
  return Array.isArray(value);
}

function toProperty(value: Scalar | readonly string[]): Property {
  if (typeof value === 'object') return { type: 'String', multiple: true, values: value };
  const type = typeof value === 'string' ? 'String' : typeof value === 'number' ? 'Long' : 'Boolean';
  return { type, multiple: false, values: [value] };
}

export const layerLabels = ['/libs', '/apps', '/conf/global', '/conf/emea', '/conf/emea/aurora'];

/** Base first; `undefined` for a layer that holds nothing. */
export function layerTrees(trees: readonly (TreeInput | undefined)[]): LayerTree[] {
  return trees.map((tree, index) => {
    const label = layerLabels[index] ?? `/layer-${index}`;
    return { layer: { root: label, label }, node: tree && layerNode(tree) };
  });
}

/** The merged tree as JSON text, so that order counts. */
export function outline(resource: MergedResource | undefined): string {
  return toText(toPlain(resource));
}

/** Plain data as `outline` writes it; `undefined` is a resource that does not show. */
export function toText(plain: unknown): string {
  return plain === undefined ? 'nothing' : JSON.stringify(plain);
}

function toPlain(resource: MergedResource | undefined): unknown {
  if (!resource) return undefined;
  return Object.fromEntries([
    ...[...resource.properties].map(([name, { property }]) => [
      name,
      property.multiple ? property.values : property.values[0],
    ]),
    ...resource.children.map((child) => [child.name, toPlain(child)]),
  ]);
}
