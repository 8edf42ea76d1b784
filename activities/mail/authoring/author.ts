/** Who may change a tenant's templates: whoever may write the tenant's configuration, by the repository's own rights. */
import type { Session } from '../../../repository/api.js';
import type { OverlayResolver, Tenant } from '../../../repository/overlay/api.js';
import { SatchelError } from '../../../workflows/contract/errors.js';

/** Drafts and versions of a tenant lie here: who may write its configuration may write them, and nobody else sees them. */
const recordsName = 'satchel:mail';

export function draftPath({ root }: Tenant, template: string): string {
  return `${root}/${recordsName}/drafts/${template}`;
}

export function versionsPath({ root }: Tenant, template: string): string {
  return `${root}/${recordsName}/versions/${template}`;
}

/** The root of the tenant's own layer. */
export function layerRootOf({ root }: Tenant): string {
  return `${root}/settings`;
}

/**
 * @throws RepositoryError PATH_NOT_FOUND for a tenant that does not exist or may not be read; SatchelError NOT_ALLOWED for one that
 * may be read but not changed
 */
export async function tenantToChange(session: Session, overlay: OverlayResolver, name: string): Promise<Tenant> {
  const tenant = await overlay.tenant(session, name);
  if (await session.hasPrivileges(tenant.root, 'rep:write')) return tenant;
  throw new SatchelError('NOT_ALLOWED', `${session.userId} may not change the templates of ${tenant.root}.`, {
    details: { tenant: tenant.name },
  });
}

/** Template names are names of nodes. @throws SatchelError UNKNOWN_TEMPLATE */
export function assertTemplateName(template: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/u.test(template)) return template;
  throw new SatchelError('UNKNOWN_TEMPLATE', `"${template.slice(0, 200)}" is no name of an e-mail template.`, {
    details: { template: template.slice(0, 200) },
  });
}
