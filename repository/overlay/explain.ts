/** Why a resource looks as it does: for every part the layer it came from, what it hides, and where was looked. */
import type { Property, Value } from '../value.js';
import { joinPath } from '../path.js';
import type { Layer, MergedResource } from './api.js';

export interface ExplainedValue {
  readonly layer: string;
  /** Path of the node in that layer. */
  readonly source: string;
  readonly type: string;
  /** As text; a binary by its size and hash. One element unless the property is multi-valued. */
  readonly values: readonly string[];
}

export interface ExplainedProperty extends ExplainedValue {
  readonly name: string;
  /** The values it hides, base first. */
  readonly overrides: readonly ExplainedValue[];
}

export interface ExplainedResource {
  readonly name: string;
  readonly path: string;
  /** The layers that hold the node, base first. */
  readonly sources: readonly { readonly layer: string; readonly source: string }[];
  readonly properties: readonly ExplainedProperty[];
  readonly children: readonly ExplainedResource[];
  readonly hidden: MergedResource['hidden'];
}

export interface Explanation {
  readonly path: string;
  /** Every layer, topmost first, and whether the resource has anything from it. */
  readonly layers: readonly { readonly label: string; readonly source: string; readonly used: boolean }[];
  /** `undefined` when no layer has the resource, or it is hidden. */
  readonly resource: ExplainedResource | undefined;
}

/** @param layers topmost first, as the resource was resolved with */
export function explain(resource: MergedResource | undefined, layers: readonly Layer[], path: string): Explanation {
  const roots = new Map(layers.map(({ label, root }) => [label, root]));
  const usedLayers = new Set<string>();
  if (resource) collectLayers(resource, usedLayers);
  return {
    path,
    layers: layers.map(({ label, root }) => ({ label, source: joinPath(root, path), used: usedLayers.has(label) })),
    resource: resource && explainResource(resource, roots),
  };
}

function collectLayers(resource: MergedResource, into: Set<string>): void {
  resource.layers.forEach((label) => into.add(label));
  resource.hidden.forEach(({ by }) => into.add(by));
  resource.children.forEach((child) => collectLayers(child, into));
}

function explainResource(resource: MergedResource, roots: ReadonlyMap<string, string>): ExplainedResource {
  return {
    name: resource.name,
    path: resource.path,
    sources: resource.layers.map((layer) => ({ layer, source: joinPath(roots.get(layer) ?? layer, resource.path) })),
    properties: explainProperties(resource),
    children: resource.children.map((child) => explainResource(child, roots)),
    hidden: resource.hidden,
  };
}

export function explainProperties({ properties }: Pick<MergedResource, 'properties'>): ExplainedProperty[] {
  return [...properties].map(([name, { property, layer, source, overrides = [] }]) => ({
    name,
    ...explainValue(property, layer, source),
    overrides: overrides.map((below) => explainValue(below.property, below.layer, below.source)),
  }));
}

function explainValue(property: Property, layer: string, source: string): ExplainedValue {
  return {
    layer,
    source,
    type: property.multiple ? `${property.type}[]` : property.type,
    values: property.values.map(describeValue),
  };
}

function describeValue(value: Value): string {
  return typeof value === 'object' ? `${value.size} bytes, sha256 ${value.sha256.slice(0, 12)}…` : String(value);
}

/** The explanation as an indented tree for people, one line a part. */
export function renderExplanation({ path, layers, resource }: Explanation): string {
  const lines = [path || '/', 'layers, topmost first:'];
  for (const { label, source, used } of layers) lines.push(`  ${used ? '●' : '○'} ${label}  ${source}`);
  lines.push('');
  if (resource) renderResource(resource, 0, lines);
  else lines.push('no layer holds it, or it is hidden');
  return `${lines.join('\n')}\n`;
}

function renderResource(resource: ExplainedResource, depth: number, lines: string[]): void {
  const indent = '  '.repeat(depth);
  lines.push(`${indent}${resource.name || '/'}  ← ${resource.sources.map(({ layer }) => layer).join(', ')}`);
  for (const { name, values, layer, overrides } of resource.properties) {
    const hides = overrides.map((below) => `${below.layer} ${shorten(below.values)}`).join(', ');
    lines.push(`${indent}  @${name} = ${shorten(values)}  ← ${layer}${hides && `, hides ${hides}`}`);
  }
  for (const { kind, name, by, of } of resource.hidden) {
    lines.push(
      `${indent}  ✕ ${kind === 'property' ? '@' : ''}${name}  hidden by ${by}${of.length > 0 ? `, of ${of.join(', ')}` : ''}`,
    );
  }
  resource.children.forEach((child) => renderResource(child, depth + 1, lines));
}

const maximumWidth = 80;

/** Values as text, cut where they are long. */
export function shorten(values: readonly string[]): string {
  const text = values.map((value) => JSON.stringify(value)).join(', ');
  return text.length > maximumWidth ? `${text.slice(0, maximumWidth)}…` : text;
}
