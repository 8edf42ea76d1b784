/**
 * An independent account of the overlay rules, to compare the fold with: no fold, but for every path the question "what
 * shows here?", answered from the layers alone. Children are listed as Sling's provider lists them, with list positions.
 */
import type { TreeInput } from './layer-tree.js';

type Layers = readonly (TreeInput | undefined)[];

export function directRead(layers: Layers): unknown {
  return show(layers, []);
}

function show(layers: Layers, path: readonly string[]): unknown {
  const visible = visibleNodes(layers, path);
  if (visible.every((node) => node === undefined)) return undefined;
  return Object.fromEntries([
    ...propertiesOf(visible),
    ...listChildren(layers, path).map((name) => [name, show(layers, [...path, name])] as const),
  ]);
}

/** Per layer the node that counts at a path: not hidden by its own layer or by one above it. */
function visibleNodes(layers: Layers, path: readonly string[]): (TreeInput | undefined)[] {
  return layers.map((_, layer) => (isCovered(layers, path, layer) ? undefined : nodeAt(layers[layer], path)));
}

function isCovered(layers: Layers, path: readonly string[], layer: number): boolean {
  for (let depth = 0; depth <= path.length; depth++) {
    const at = path.slice(0, depth);
    for (let above = layer; above < layers.length; above++) {
      const node = nodeAt(layers[above], at);
      if (node === undefined || (above > layer && isSwitchedOff(layers, at, above))) continue;
      if (isTrue(node['sling:hideResource'])) return true;
      const next = path[depth];
      if (next !== undefined && hides(node['sling:hideChildren'], next, above === layer)) return true;
    }
  }
  return false;
}

/** A directive of a node that its own layer hides has no say: only the hiding itself counts, and it is found above. */
function isSwitchedOff(layers: Layers, path: readonly string[], layer: number): boolean {
  for (let depth = 0; depth < path.length; depth++) {
    const node = nodeAt(layers[layer], path.slice(0, depth));
    if (isTrue(node?.['sling:hideResource'])) return true;
    if (hides(node?.['sling:hideChildren'], path[depth] ?? '', true)) return true;
  }
  return false;
}

function nodeAt(tree: TreeInput | undefined, path: readonly string[]): TreeInput | undefined {
  let node: TreeInput | undefined = tree;
  for (const name of path) {
    const child: unknown = node?.[name];
    node = isNode(child) ? child : undefined;
  }
  return node;
}

function isNode(value: unknown): value is TreeInput {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function propertiesOf(nodes: readonly (TreeInput | undefined)[]): Map<string, unknown> {
  const result = new Map<string, unknown>();
  for (const node of nodes) {
    for (const [name, value] of Object.entries(node ?? {})) {
      if (isNode(value) || name.startsWith('sling:')) continue;
      if (!hides(node?.['sling:hideProperties'], name, true)) result.set(name, value);
    }
    for (const name of [...result.keys()]) {
      const local = node?.[name] !== undefined && !hides(node['sling:hideProperties'], name, true);
      if (!local && hides(node?.['sling:hideProperties'], name, false)) result.delete(name);
    }
  }
  return result;
}

function listChildren(layers: Layers, path: readonly string[]): string[] {
  const candidates: string[] = [];
  for (const [layer] of layers.entries()) {
    const upToHere = layers.slice(0, layer + 1);
    const shows = (name: string) => visibleNodes(upToHere, [...path, name]).some((node) => node !== undefined);
    const node = isCovered(upToHere, path, layer) ? undefined : nodeAt(layers[layer], path);
    for (const name of [...candidates]) {
      // Seen as if this layer had no such child: one that it removes still marks its place.
      const others = [...layers.slice(0, layer), withoutChild(layers[layer], path, name)];
      const survives = visibleNodes(others, [...path, name]).some((visible) => visible !== undefined);
      if (!survives) candidates.splice(candidates.indexOf(name), 1);
    }
    let lastPlaced = -1;
    for (const [name, child] of Object.entries(node ?? {})) {
      if (!isNode(child) || !shows(name) || isTrue(child['sling:hideResource'])) continue;
      let at = candidates.indexOf(name);
      if (at < 0) {
        candidates.push(name);
        at = lastPlaced = candidates.length - 1;
      }
      const target = child['sling:orderBefore'];
      const before = target === name || typeof target !== 'string' ? -1 : candidates.indexOf(target);
      if (before >= 0) {
        candidates.splice(at, 1);
        candidates.splice(candidates.indexOf(target as string), 0, name);
      } else if (lastPlaced >= 0) {
        candidates.splice(at, 1);
        candidates.push(name);
      }
    }
    for (const name of [...candidates]) if (!shows(name)) candidates.splice(candidates.indexOf(name), 1);
  }
  return candidates;
}

function withoutChild(tree: TreeInput | undefined, path: readonly string[], name: string): TreeInput | undefined {
  const [next, ...rest] = path;
  if (!tree) return undefined;
  if (next === undefined) return Object.fromEntries(Object.entries(tree).filter(([key]) => key !== name));
  const child = tree[next];
  return isNode(child) ? { ...tree, [next]: withoutChild(child, rest, name) ?? {} } : tree;
}

/** Whether a hide list covers a name, of the layer itself (`local`) or of those below it. */
function hides(list: unknown, name: string, local: boolean): boolean {
  if (!Array.isArray(list)) return false;
  const values = list.filter((value): value is string => typeof value === 'string');
  const deciding = values.find((value) => value !== '*');
  const star = values.includes('*');
  if (deciding === undefined) return star && !local;
  const literal = (value: string) => {
    let rest = value;
    let marks = '';
    while (rest.startsWith('!!')) [rest, marks] = [rest.slice(2), `${marks}!`];
    return rest.startsWith('!') ? { except: true, name: marks + rest.slice(1) } : { except: false, name: marks + rest };
  };
  const { except } = literal(deciding);
  const named = values.some(
    (value) => value !== '*' && literal(value).except === except && literal(value).name === name,
  );
  if (except) return star && !local && !named;
  return named || (star && !local);
}

function isTrue(value: unknown): boolean {
  return value === true || value === 'true';
}
