/**
 * Context-aware configuration as Sling has it (https://sling.apache.org/documentation/bundles/context-aware-configuration.html):
 * `sling:configs` below what the content refers to. The first place that has a configuration gives it; only where that says so
 * are properties and collections taken from the places after it. Settings, which always merge, are in resolver.ts.
 */
import type { RepositoryNode, Session } from '../api.js';
import { RepositoryError } from '../errors.js';
import { assertPath, joinPath, nameOf, selfAndAncestors } from '../path.js';
import type { HiddenItem, MergedProperty, MergedResource } from './api.js';
import { configurationNameProblem } from './configuration-name.js';
import { readReferences, referencedTenants } from './context.js';
import { configurationRoot, globalTenant } from './layers.js';
import { booleanOf, createMergedResource, firstValue } from './merged-resource.js';
import { matchingOverrides, type ConfigurationOverride } from './override-string.js';

export const defaultBuckets: readonly string[] = ['sling:configs'];

/** Label of the layer that overrides make, above all others. */
export const overrideLayer = 'override';

export const inheritProperties = 'sling:configPropertyInherit';
export const inheritCollection = 'sling:configCollectionInherit';

export interface ConfigurationOptions {
  readonly overrides?: readonly ConfigurationOverride[];
  /** Folders of configurations below each place, the first that has it counting; default `sling:configs`. */
  readonly buckets?: readonly string[];
}

/** A place that was looked into. */
export interface ConfigurationPlace {
  /** `/conf/aurora`, `/apps/conf`, … or `override` */
  readonly label: string;
  /** Path of the node that was found, else of the first one looked for; the text of an override. */
  readonly source: string;
  readonly found: boolean;
  /** Whether something of it shows. */
  readonly used: boolean;
}

export interface ResolvedConfiguration {
  readonly name: string;
  /** The properties with the layer of each; no children. `undefined` when no place has it. */
  readonly resource: MergedResource | undefined;
  /** Nearest first. */
  readonly places: readonly ConfigurationPlace[];
}

export interface ConfigurationCollection {
  readonly name: string;
  /** In the order of the places, and of the children of each. */
  readonly items: readonly ResolvedConfiguration[];
  readonly places: readonly ConfigurationPlace[];
}

/**
 * The configuration of that name for a content path, which need not exist.
 * @throws INVALID_PATH, INVALID_VALUE (the name, or a bucket)
 */
export async function resolveConfiguration(
  session: Session,
  contentPath: string,
  name: string,
  options: ConfigurationOptions = {},
): Promise<ResolvedConfiguration> {
  const buckets = checkNames(name, options);
  const roots = await resolvePaths(session, contentPath, buckets);
  return resolveIn(session, roots, contentPath, name, buckets, options);
}

/** All configurations below that name. @throws as `resolveConfiguration` */
export async function resolveConfigurationCollection(
  session: Session,
  contentPath: string,
  name: string,
  options: ConfigurationOptions = {},
): Promise<ConfigurationCollection> {
  const buckets = checkNames(name, options);
  const roots = await resolvePaths(session, contentPath, buckets);
  const places: ConfigurationPlace[] = [];
  const names = new Set<string>();
  let isOpen = true;
  for (const { label, source, node } of await findIn(session, roots, name, buckets)) {
    const before = names.size;
    if (isOpen && node) {
      for await (const child of session.children(node.path)) {
        // Content of a page, not an item of a list.
        if (child.name !== 'jcr:content') names.add(child.name);
      }
    }
    places.push({ label, source, found: node !== undefined, used: names.size > before });
    if (node && !isTrue(node, inheritCollection)) isOpen = false;
  }
  const items: ResolvedConfiguration[] = [];
  for (const item of names) {
    items.push(await resolveIn(session, roots, contentPath, `${name}/${item}`, buckets, options));
  }
  return { name, items, places };
}

/**
 * Where configurations of a content path are looked for, nearest first: what its ancestors refer to, each with its parents
 * below /conf, then /conf/global, /apps/conf and /libs/conf.
 */
export async function resolvePaths(
  session: Session,
  contentPath: string,
  buckets: readonly string[] = defaultBuckets,
): Promise<string[]> {
  const [references = []] = await readReferences(session, [assertPath(contentPath)]);
  const referenced = referencedTenants(references)
    .map(({ root }) => root)
    // A reference to the configurations themselves is a mistake that Sling ignores; the fallbacks come last in any case.
    .filter((root) => !buckets.some((bucket) => root.endsWith(`/${bucket}`)))
    .filter((root) => root !== globalTenant.root && !root.startsWith(`${globalTenant.root}/`));
  const withParents = referenced.flatMap((root) =>
    [...selfAndAncestors(root)].filter((path) => path.startsWith(`${configurationRoot}/`)),
  );
  return [...new Set([...withParents, globalTenant.root, '/apps/conf', '/libs/conf'])];
}

function checkNames(name: string, { buckets = defaultBuckets }: ConfigurationOptions): readonly string[] {
  for (const checked of [name, ...buckets]) {
    const problem = configurationNameProblem(checked);
    if (problem !== undefined) {
      throw new RepositoryError('INVALID_VALUE', `The configuration name "${checked.slice(0, 300)}" ${problem}.`);
    }
  }
  return buckets;
}

interface Found {
  readonly label: string;
  readonly source: string;
  readonly node: RepositoryNode | undefined;
}

/** In every root the node of the first bucket that has it: one batched read. */
async function findIn(
  session: Session,
  roots: readonly string[],
  name: string,
  buckets: readonly string[],
): Promise<Found[]> {
  const paths = roots.map((root) => buckets.map((bucket) => joinPath(root, `${bucket}/${name}`)));
  const nodes = await session.findNodes(paths.flat());
  return roots.map((label, index) => {
    const node = nodes.slice(index * buckets.length, (index + 1) * buckets.length).find((found) => found !== undefined);
    return { label, source: node?.path ?? paths[index]?.[0] ?? label, node };
  });
}

async function resolveIn(
  session: Session,
  roots: readonly string[],
  contentPath: string,
  name: string,
  buckets: readonly string[],
  { overrides = [] }: ConfigurationOptions,
): Promise<ResolvedConfiguration> {
  const places: ConfigurationPlace[] = [];
  const properties = new Map<string, MergedProperty>();
  const layers: string[] = [];
  const hidden: HiddenItem[] = [];
  let isOpen = true;
  for (const { label, source, node } of await findIn(session, roots, name, buckets)) {
    const isUsed = isOpen && node !== undefined;
    places.push({ label, source, found: node !== undefined, used: isUsed });
    if (!isUsed) continue;
    // Every place says for itself whether those after it count.
    isOpen = isTrue(node, inheritProperties);
    layers.unshift(label);
    for (const [property, value] of node.properties) {
      if (isShown(property)) putBelow(properties, property, { property: value, layer: label, source });
    }
  }
  for (const override of matchingOverrides(overrides, contentPath, name)) {
    places.unshift({ label: overrideLayer, source: override.text, found: true, used: true });
    if (!layers.includes(overrideLayer)) layers.push(overrideLayer);
    if (override.isWhole) hideOthers(properties, override, hidden);
    for (const [property, value] of override.properties) {
      putAbove(properties, property, { property: value, layer: overrideLayer, source: override.text });
    }
  }
  const resource =
    layers.length === 0
      ? undefined
      : createMergedResource({ name: nameOf(`/${name}`), path: name, properties, children: [], layers, hidden });
  return { name, resource, places };
}

/** What the repository keeps for itself, the type of the resource, and the flags: no configuration. */
function isShown(property: string): boolean {
  const isFlag = property === inheritProperties || property === inheritCollection;
  return !property.startsWith('jcr:') && property !== 'sling:resourceType' && !isFlag;
}

type OwnValue = Omit<MergedProperty, 'overrides'>;

function putBelow(properties: Map<string, MergedProperty>, name: string, value: OwnValue): void {
  const above = properties.get(name);
  properties.set(name, above ? { ...above, overrides: [value, ...(above.overrides ?? [])] } : value);
}

function putAbove(properties: Map<string, MergedProperty>, name: string, value: OwnValue): void {
  const { overrides = [], ...below } = properties.get(name) ?? { property: undefined };
  properties.set(name, below.property ? { ...value, overrides: [...overrides, below] } : value);
}

/** An override of everything leaves nothing but its own. */
function hideOthers(
  properties: Map<string, MergedProperty>,
  override: ConfigurationOverride,
  hidden: HiddenItem[],
): void {
  for (const [name, { layer, overrides = [] }] of [...properties]) {
    if (override.properties.has(name)) continue;
    properties.delete(name);
    hidden.push({ kind: 'property', name, by: overrideLayer, of: [...overrides.map((value) => value.layer), layer] });
  }
}

function isTrue(node: RepositoryNode, property: string): boolean {
  return booleanOf(firstValue(node.property(property))) === true;
}
