/**
 * How layers merge: a pure fold from the base upward, one layer at a time; the result of the layers so far is the base
 * for the next, so an empty layer changes nothing. The rules are those of Sling's resource merger
 * (https://sling.apache.org/documentation/bundles/resource-merger.html), applied to every layer alike.
 */
import { joinPath, nameOf } from '../path.js';
import { parseHideRule } from './hide-list.js';
import { propertyTexts, valueText } from '../property-text.js';
import type { Property } from '../value.js';
import type { Layer, MergedProperty, MergedResource } from './api.js';
import { booleanOf, createMergedResource, firstValue } from './merged-resource.js';

/** A node as one layer holds it. */
export interface LayerNode {
  readonly name: string;
  readonly properties: ReadonlyMap<string, Property>;
  /** In child order. */
  readonly children: readonly LayerNode[];
}

export interface LayerTree {
  readonly layer: Layer;
  /** The node at the layer's root; `undefined` where the layer has none. */
  readonly node: LayerNode | undefined;
}

type Hidden = MergedResource['hidden'][number];

const directives = new Set(['sling:hideResource', 'sling:hideProperties', 'sling:hideChildren', 'sling:orderBefore']);

/**
 * A resource without its way down, which gives the same as the whole where nothing on that way has a directive: what lies
 * above decides nothing then.
 * @param trees base first; those that have the resource
 * @param base what the layers below them merge to, at that path
 */
export function mergeResource(
  trees: readonly { readonly layer: Layer; readonly node: LayerNode }[],
  path: string,
  base?: MergedResource,
): MergedResource | undefined {
  return trees.reduce((below, { layer, node }) => overlayNode(below, node, layer, path), base);
}

/** Whether a node says something of what is below it, or of its own place. */
export function hasDirective({ properties }: LayerNode): boolean {
  for (const name of properties.keys()) if (directives.has(name)) return true;
  return false;
}

/**
 * @param trees base first
 * @param base what the layers below them merge to
 */
export function mergeLayers(trees: readonly LayerTree[], base?: MergedResource): MergedResource | undefined {
  return trees.reduce((below, { layer, node }) => (node ? overlayNode(below, node, layer, '') : below), base);
}

function overlayNode(
  base: MergedResource | undefined,
  node: LayerNode,
  layer: Layer,
  path: string,
): MergedResource | undefined {
  // Hides this layer's node and all below it in the fold; a layer above starts anew.
  if (booleanOf(firstValue(node.properties.get('sling:hideResource')))) return undefined;
  const hidden: Hidden[] = [...(base?.hidden ?? [])];
  return createMergedResource({
    name: nameOf(path),
    path,
    layers: [...(base?.layers ?? []), layer.label],
    properties: overlayProperties(base, node, layer, path, hidden),
    children: overlayChildren(base, node, layer, path, hidden),
    hidden,
  });
}

function overlayProperties(
  base: MergedResource | undefined,
  node: LayerNode,
  layer: Layer,
  path: string,
  hidden: Hidden[],
): ReadonlyMap<string, MergedProperty> {
  const rule = parseHideRule(propertyTexts(node.properties.get('sling:hideProperties')));
  const merged = new Map(base?.properties);
  const hide = (name: string) => {
    const underlying = base?.properties.get(name);
    const of = underlying ? [...(underlying.overrides ?? []), underlying].map((value) => value.layer) : [];
    if (node.properties.has(name)) of.push(layer.label);
    hidden.push({ kind: 'property', name, by: layer.label, of });
  };
  const isLocal = (name: string) => node.properties.has(name) && !directives.has(name) && !rule.hidesLocal(name);
  for (const name of [...merged.keys()]) {
    // What this layer sets itself replaces what underlies either way.
    if (!rule.hidesUnderlying(name) || isLocal(name)) continue;
    merged.delete(name);
    hide(name);
  }
  for (const [name, property] of node.properties) {
    if (directives.has(name)) continue;
    if (!isLocal(name)) {
      if (!base?.properties.has(name)) hide(name);
      continue;
    }
    const underlying = merged.get(name);
    merged.set(name, {
      property,
      layer: layer.label,
      source: joinPath(layer.root, path),
      ...(underlying && { overrides: [...(underlying.overrides ?? []), withoutOverrides(underlying)] }),
    });
  }
  return merged;
}

function withoutOverrides({ property, layer, source }: MergedProperty): Omit<MergedProperty, 'overrides'> {
  return { property, layer, source };
}

/**
 * Base order, then this layer's new children. `sling:orderBefore` moves a child before the sibling it names. As in
 * Sling, a child that both hold keeps its place until this layer has brought in a new one; from then on it moves behind.
 */
function overlayChildren(
  base: MergedResource | undefined,
  node: LayerNode,
  layer: Layer,
  path: string,
  hidden: Hidden[],
): readonly MergedResource[] {
  const rule = parseHideRule(propertyTexts(node.properties.get('sling:hideChildren')));
  const locals = new Set(node.children.map(({ name }) => name));
  const hide = (name: string, isLocal: boolean) => {
    const of = [...(base?.child(name)?.layers ?? []), ...(isLocal ? [layer.label] : [])];
    hidden.push({ kind: 'child', name, by: layer.label, of });
  };
  const merged: MergedResource[] = [];
  for (const child of base?.children ?? []) {
    if (rule.hidesUnderlying(child.name)) hide(child.name, locals.has(child.name) && rule.hidesLocal(child.name));
    else merged.push(child);
  }
  /** Removed by `sling:hideResource`: they mark their place until the end, so that a substitute can be put there. */
  const removed = new Set<string>();
  let newChildPlaced = false;
  for (const local of node.children) {
    if (rule.hidesLocal(local.name)) {
      if (!base?.child(local.name)) hide(local.name, true);
      continue;
    }
    const position = merged.findIndex((child) => child.name === local.name);
    const [underlying] = position < 0 ? [] : merged.splice(position, 1);
    const child = overlayNode(underlying, local, layer, path === '' ? local.name : `${path}/${local.name}`);
    if (!child) {
      hide(local.name, true);
      if (underlying) merged.splice(position, 0, underlying);
      removed.add(local.name);
      continue;
    }
    newChildPlaced ||= !underlying;
    // The child itself is not in the list now, so a reference to itself finds nothing, like one to a missing sibling.
    const orderBefore = valueText(firstValue(local.properties.get('sling:orderBefore')));
    const before = merged.findIndex((sibling) => sibling.name === orderBefore);
    if (before >= 0) merged.splice(before, 0, child);
    else if (newChildPlaced) merged.push(child);
    else merged.splice(position, 0, child);
  }
  return merged.filter((child) => !removed.has(child.name));
}
