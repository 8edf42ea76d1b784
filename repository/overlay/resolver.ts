/** The one resolver that templates, models, presets, limits and settings go through. */
import type { Repository, Session } from '../api.js';
import { RepositoryError } from '../errors.js';
import { assertPath, joinPath } from '../path.js';
import type { Layer, MergedResource, OverlayResolver } from './api.js';
import { resolveConfiguration, resolveConfigurationCollection } from './configuration.js';
import { findTenants } from './context.js';
import { configurationRoot, globalTenant, searchPathLayers, settingsLayers, tenantAt } from './layers.js';
import { loadLayers, type LoadedTree } from './load-layers.js';
import { mergeLayers, mergeResource } from './merge.js';
import { resolveOverride } from './override.js';
import type { ConfigurationOverride } from './override-string.js';
import { ResolutionCache } from './resolution-cache.js';
import { weightOf } from './resource-weight.js';

export interface OverlayResolverOptions {
  readonly repository: Pick<Repository, 'commitsAfter'>;
  /** How much memory resolved resources may take, in bytes; default 32 MiB. */
  readonly cacheBytes?: number;
  /** Of context-aware configurations; later ones win. */
  readonly overrides?: readonly ConfigurationOverride[];
}

/**
 * Everything is read with the caller's session: its rights, its commit, and its unsaved changes (so that a change can be
 * tried before it is saved). Code that applies configuration to a user, such as a limit, passes a service session.
 */
export function createOverlayResolver({
  repository,
  cacheBytes,
  overrides = [],
}: OverlayResolverOptions): OverlayResolver {
  const cache = new ResolutionCache<MergedResource>(repository, cacheBytes);

  /** @param scope names the layers in the cache */
  function resolve(
    session: Session,
    scope: string,
    layersOf: () => readonly Layer[],
    path: string,
  ): Promise<MergedResource | undefined> {
    // Most calls end here, so this is no async function: it would cost as much as the rest.
    return cache.find(session, scope, path)?.answer ?? read(session, scope, layersOf(), path);
  }

  async function read(
    session: Session,
    scope: string,
    layers: readonly Layer[],
    path: string,
  ): Promise<MergedResource | undefined> {
    if (path !== '') assertPath(`/${path}`);
    await cache.follow(session);
    // Another call may have read it while this one was waiting.
    const found = cache.find(session, scope, path);
    if (found) return found.answer;
    const place = cache.reserve(session, scope, path, watchedOf(layers, path));
    try {
      const { resource, base } = await merge(session, layers, path);
      place?.keep(resource, weightOf(resource, base));
      return resource;
    } finally {
      place?.release();
    }
  }

  /**
   * What all tenants have in common is merged once for all of them, with the way down to it.
   * @returns `base`: that, as far as it is kept for them, at the resource's path
   */
  async function merge(
    session: Session,
    layers: readonly Layer[],
    path: string,
  ): Promise<{ readonly resource: MergedResource | undefined; readonly base?: MergedResource | undefined }> {
    const shared = layers.slice(sharedFrom(layers));
    const own = layers.slice(0, layers.length - shared.length);
    if (own.length === 0 || shared.length === 0) {
      return { resource: mergeTrees(await loadLayers(session, layers, path), path) };
    }
    const found = cache.find(session, sharedScope, path);
    if (found) {
      const base = await found.answer;
      const trees = await loadLayers(session, own, path);
      return { resource: mergeTrees(trees, path, base), base: base?.descendant(path) };
    }
    const place = cache.reserve(session, sharedScope, path, watchedOf(shared, path));
    try {
      const trees = await loadLayers(session, layers, path);
      const base = mergeLayers(trees.slice(0, shared.length));
      place?.keep(base, weightOf(base));
      return { resource: mergeTrees(trees.slice(shared.length), path, base), base: base?.descendant(path) };
    } finally {
      place?.release();
    }
  }

  return {
    tenantOf: async (session, contentPath) => (await findTenants(session, [contentPath]))[0] ?? globalTenant,
    tenantsOf: findTenants,
    tenant: async (session, name) => {
      if (name === globalTenant.name) return globalTenant;
      const root = assertPath(`${configurationRoot}/${name}`);
      if (await session.findNode(root)) return tenantAt(root, undefined);
      throw new RepositoryError('PATH_NOT_FOUND', `There is no tenant "${name}": ${root} does not exist.`, {
        paths: [root],
      });
    },
    settingsLayers,
    settings: (session, tenant, path) => resolve(session, tenant.root, () => settingsLayers(tenant), path),
    searchPath: (session, path) => resolve(session, searchPathScope, () => searchPathLayers, path),
    searchPathLayers: () => searchPathLayers,
    override: resolveOverride,
    configuration: (session, contentPath, name) => resolveConfiguration(session, contentPath, name, { overrides }),
    configurations: (session, contentPath, name) =>
      resolveConfigurationCollection(session, contentPath, name, { overrides }),
  };
}

/** @param base what the layers below merge to, with the way down */
function mergeTrees(trees: readonly LoadedTree[], path: string, base?: MergedResource): MergedResource | undefined {
  if (!trees.every(({ isPlain }) => isPlain)) return mergeLayers(trees, base)?.descendant(path);
  const holding = trees.flatMap(({ layer, resource }) => (resource ? [{ layer, node: resource }] : []));
  return mergeResource(holding, path, base?.descendant(path));
}

const searchPathScope = 'search path';
const sharedScope = 'layers of all tenants';

/** Where the layers begin that every tenant has: /conf/global, /apps and /libs. */
function sharedFrom(layers: readonly Layer[]): number {
  const at = layers.findIndex(({ label }) => label === globalTenant.root);
  return at < 0 ? layers.length : at;
}

function watchedOf(layers: readonly Layer[], path: string) {
  return layers.map(({ root }) => ({ root, path: joinPath(root, path) }));
}
