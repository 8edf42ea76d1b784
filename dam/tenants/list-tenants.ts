/** The tenants of an installation, and what each is about. */
import { batchesOf } from '../../repository/batches.js';
import type { RepositoryNode, Session } from '../../repository/api.js';
import type { OverlayResolver, Tenant } from '../../repository/overlay/api.js';
import { configurationRoot, globalTenant, tenantAt } from '../../repository/overlay/layers.js';
import { tenantAdminGroup, tenantGroup, tenantLocale, tenantTitle } from '../settings/definitions.js';
import { readLayerSettings, type LayerSettings } from '../settings/layer-settings.js';
import type { Settings } from '../settings/settings.js';

/** `global`, then every node below /conf that has settings, parents first. */
export async function* findTenants(session: Session): AsyncGenerator<Tenant> {
  yield globalTenant;
  yield* tenantsBelow(session, configurationRoot);
}

async function* tenantsBelow(session: Session, parent: string): AsyncGenerator<Tenant> {
  for await (const { path, name } of session.children(parent)) {
    // Settings hold no tenants, and neither does what belongs to the repository or to Sling.
    if (name === 'settings' || name.includes(':') || path === globalTenant.root) continue;
    if (await session.findNode(`${path}/settings`)) yield tenantAt(path, undefined);
    yield* tenantsBelow(session, path);
  }
}

export interface TenantSummary {
  /** `aurora`, `emea/aurora` */
  readonly name: string;
  /** Its configuration root. */
  readonly root: string;
  readonly title: string | undefined;
  readonly locale: string | undefined;
  readonly group: string | undefined;
  readonly adminGroup: string | undefined;
}

/** With what it inherits. @throws SatchelError INVALID_CONFIGURATION */
export async function summariseTenant(session: Session, settings: Settings, tenant: Tenant): Promise<TenantSummary> {
  const { name, root } = tenant;
  return {
    name,
    root,
    title: (await settings.read(session, tenant, tenantTitle)).value,
    locale: (await settings.read(session, tenant, tenantLocale)).value,
    group: (await settings.read(session, tenant, tenantGroup)).value,
    adminGroup: (await settings.read(session, tenant, tenantAdminGroup)).value,
  };
}

export interface TenantDetails extends TenantSummary, LayerSettings {
  /** Content that refers to it, of what the session may read. */
  readonly contentRoots: readonly string[];
  /** Whether there is more content than listed. */
  readonly moreContentRoots: boolean;
}

/** Nobody reads more of them at once. */
const mostContentRoots = 1000;

export async function describeTenant(
  session: Session,
  { overlay, settings }: { readonly overlay: OverlayResolver; readonly settings: Settings },
  tenant: Tenant,
): Promise<TenantDetails> {
  const contentRoots = new Set<string>();
  for await (const path of referringContent(session, overlay, tenant)) {
    contentRoots.add(path);
    if (contentRoots.size > mostContentRoots) break;
  }
  return {
    ...(await summariseTenant(session, settings, tenant)),
    ...(await readLayerSettings(session, overlay, tenant)),
    contentRoots: [...contentRoots].slice(0, mostContentRoots).sort(),
    moreContentRoots: contentRoots.size > mostContentRoots,
  };
}

/** By the index of references, and then as the resolver sees them: relative ones, and those to a root that is gone, count. */
async function* referringContent(session: Session, overlay: OverlayResolver, tenant: Tenant): AsyncGenerator<string> {
  for (const property of ['sling:configRef', 'cq:conf']) {
    const found = await session.query({ path: '/content', depth: 'subtree', where: { property, op: 'exists' } });
    for await (const batch of batchesOf<RepositoryNode>(found.nodes(), 100)) {
      const paths = batch.map(({ path }) => path.replace(/\/jcr:content$/u, ''));
      const tenants = await overlay.tenantsOf(session, paths);
      for (const [index, { root, referencedAt }] of tenants.entries()) {
        const path = paths[index];
        if (path !== undefined && root === tenant.root && referencedAt === path) yield path;
      }
    }
  }
}
