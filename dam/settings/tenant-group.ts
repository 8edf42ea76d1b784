/** Who belongs to a tenant beside the members of `dam-users` (D8). */
import type { Session } from '../../repository/api.js';
import type { Tenant } from '../../repository/overlay/api.js';
import { tenantGroup } from './definitions.js';
import type { Settings } from './settings.js';

/** The tenant's own group; `undefined` where it has none. @throws SatchelError INVALID_CONFIGURATION */
export async function readTenantGroup(
  session: Session,
  settings: Settings,
  tenant: Tenant,
): Promise<string | undefined> {
  return (await settings.read(session, tenant, tenantGroup)).value;
}
