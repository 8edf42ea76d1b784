/** Which layers a resource may come from. How they merge is merge.ts. */
import { selfAndAncestors } from '../path.js';
import type { Layer, Tenant } from './api.js';

export const configurationRoot = '/conf';

export const globalTenant: Tenant = { name: 'global', root: '/conf/global', referencedAt: undefined };

/** `/apps` over `/libs`, topmost first. */
export const searchPathLayers: readonly Layer[] = ['/apps', '/libs'].map((label) => ({ root: label, label }));

/** The tenant of a configuration root below /conf. */
export function tenantAt(root: string, referencedAt: string | undefined): Tenant {
  return { name: root.slice(configurationRoot.length + 1), root, referencedAt };
}

/** Topmost first: the tenant, its parents below /conf, /conf/global, /apps, /libs; each at its `settings`. */
export function settingsLayers(tenant: Pick<Tenant, 'root'>): readonly Layer[] {
  const tenantAndParents = [...selfAndAncestors(tenant.root)].filter((path) =>
    path.startsWith(`${configurationRoot}/`),
  );
  const labels = new Set([...tenantAndParents, globalTenant.root, '/apps', '/libs']);
  return [...labels].map((label) => ({ root: `${label}/settings`, label }));
}
