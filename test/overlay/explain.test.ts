/** Nothing that a layer holds goes missing without an explanation. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explain, type ExplainedResource } from '../../repository/overlay/explain.js';
import { mergeLayers } from '../../repository/overlay/merge.js';
import { layerLabels, layerTrees, type TreeInput } from './layer-tree.js';
import { overlayTree } from './overlay-tree.js';

const isNode = (value: TreeInput[string]): value is TreeInput => typeof value === 'object' && !Array.isArray(value);

/** Which of a layer's own parts the explanation does not speak of. */
function unexplained(layer: number, tree: TreeInput, resource: ExplainedResource | undefined, path: string): string[] {
  const label = layerLabels[layer] ?? '';
  const at = (name: string) => `${label}${path}/${name}`;
  if (!resource) return [`${label}${path}`];
  // A layer at or above this one hides it, and says so in the list of the node.
  const isHidden = (kind: 'child' | 'property', name: string) =>
    resource.hidden.some(
      (item) =>
        item.kind === kind && item.name === name && item.of.includes(label) && layerLabels.indexOf(item.by) >= layer,
    );
  return Object.entries(tree).flatMap(([name, value]) => {
    if (isNode(value)) {
      if (isHidden('child', name)) return [];
      return unexplained(
        layer,
        value,
        resource.children.find((child) => child.name === name),
        `${path}/${name}`,
      );
    }
    if (name.startsWith('sling:')) return [];
    const shown = resource.properties.find((property) => property.name === name);
    const isShown = shown?.layer === label || shown?.overrides.some((below) => below.layer === label);
    return isShown || isHidden('property', name) ? [] : [at(`@${name}`)];
  });
}

/** A node that a layer removes takes what it holds along, so nothing in it needs an explanation of its own. */
function withoutRemoved(tree: TreeInput): TreeInput {
  const parts = Object.entries(tree).map(([name, value]): [string, TreeInput[string]] => {
    if (!isNode(value)) return [name, value];
    return [name, value['sling:hideResource'] === true ? { 'sling:hideResource': true } : withoutRemoved(value)];
  });
  return Object.fromEntries(parts);
}

describe('an explanation', () => {
  it('accounts for every property and child of every layer: shown, overridden, or hidden by a layer', () => {
    fc.assert(
      fc.property(fc.array(overlayTree(2), { minLength: 1, maxLength: 4 }), (layers) => {
        const trees = layers.map((tree) => ({ ...withoutRemoved(tree), 'sling:hideResource': false }));
        const merged = mergeLayers(layerTrees(trees));
        const { resource } = explain(merged, [], '');
        expect(trees.flatMap((tree, layer) => unexplained(layer, tree, resource, ''))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('names for every part a layer that holds it', () => {
    fc.assert(
      fc.property(fc.array(overlayTree(2), { minLength: 1, maxLength: 4 }), (layers) => {
        const { resource } = explain(mergeLayers(layerTrees(layers)), [], '');
        const check = (node: ExplainedResource): void => {
          const labels = node.sources.map(({ layer }) => layer);
          expect(new Set(labels).size).toBe(labels.length);
          expect(labels.length).toBeGreaterThan(0);
          for (const { layer, overrides } of node.properties) {
            for (const one of [layer, ...overrides.map((below) => below.layer)]) expect(labels).toContain(one);
          }
          node.children.forEach(check);
        };
        if (resource) check(resource);
      }),
    );
  });
});
