/** The one resolver that templates, models, presets, limits and settings go through. */
import type { Repository, Session } from '../api.js';
import { RepositoryError } from '../errors.js';
import { assertPath } from '../path.js';
import type { Layer, MergedResource, OverlayResolver } from './api.js';
import { findTenants } from './context.js';
import { configurationRoot, globalTenant, searchPathLayers, settingsLayers, tenantAt } from './layers.js';
import { loadLayers } from './load-layers.js';
import { mergeLayers } from './merge.js';
import { createResolutionCache } from './resolution-cache.js';

/**
 * Everything is read with the caller's session: its rights, its commit, and its unsaved changes (so that a change can be
 * tried before it is saved). Code that applies configuration to a user, such as a limit, passes a service session.
 */
export function createOverlayResolver({ repository }: { readonly repository: Repository }): OverlayResolver {
  const cache = createResolutionCache(repository);

  async function resolve(
    session: Session,
    layers: readonly Layer[],
    path: string,
  ): Promise<MergedResource | undefined> {
    if (path !== '') assertPath(`/${path}`);
    return cache.get(session, layers, path, async () =>
      mergeLayers(await loadLayers(session, layers, path))?.descendant(path),
    );
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
    settings: (session, tenant, path) => resolve(session, settingsLayers(tenant), path),
    searchPath: (session, path) => resolve(session, searchPathLayers, path),
  };
}
