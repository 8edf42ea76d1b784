/** What of the tenants a person may see. Who may read one tenant need not be able to list /conf. */
import { findTenants } from '../../../dam/tenants/list-tenants.js';
import type { Repository, Session } from '../../../repository/api.js';
import type { OverlayResolver, Tenant } from '../../../repository/overlay/api.js';
import { globalTenant } from '../../../repository/overlay/layers.js';
import { templatesPath } from '../template-source.js';

export async function isVisible(session: Session, tenant: Tenant): Promise<boolean> {
  return tenant.root === globalTenant.root || (await session.findNode(tenant.root)) !== undefined;
}

/** `global`, then every tenant that the session's user may read. */
export async function visibleTenants(repository: Repository, session: Session): Promise<Tenant[]> {
  return repository.withSession({ service: 'workflow' }, async (service) => {
    const tenants: Tenant[] = [];
    for await (const tenant of findTenants(service)) if (await isVisible(session, tenant)) tenants.push(tenant);
    return tenants;
  });
}

/**
 * Labels of the layers that take part in a tenant's mails, but that the user may not read: what they see is not what is sent.
 * Those are parents of the tenant; their names are part of its own.
 */
export async function unreadableLayers(
  { repository, overlay }: { readonly repository: Repository; readonly overlay: OverlayResolver },
  session: Session,
  tenant: Tenant,
): Promise<string[]> {
  const layers = overlay.settingsLayers(tenant);
  const hidden: string[] = [];
  for (const { label, root } of layers) if (!(await session.findNode(root))) hidden.push(label);
  if (hidden.length === 0) return [];
  return repository.withSession({ service: 'workflow' }, async (service) => {
    const paths = hidden.map((label) => `${label}/settings/${templatesPath}`);
    const found = await service.findNodes(paths);
    return hidden.filter((_, index) => found[index] !== undefined);
  });
}
