/** Who sees which mails: administrators all, administrators of a tenant those of the tenant, everybody what was sent to them. */
import type { MailScope } from '../activities/mail/mail-log.js';
import type { MailboxEntry } from '../activities/mail/mailbox.js';
import { tenantAdminGroup } from '../dam/settings/definitions.js';
import type { Settings } from '../dam/settings/settings.js';
import { findTenants } from '../dam/tenants/list-tenants.js';
import { adminUser, groups, type Session } from '../repository/api.js';
import { findUser, groupsOf } from '../repository/users.js';
import type { Account } from './accounts.js';

/** The embedded mailbox knows no tenants: administrators read every mail of it, others those that were sent to them. */
export function mayReadMail(
  { administrator, email }: Pick<Account, 'administrator' | 'email'>,
  { to }: Pick<MailboxEntry, 'to'>,
): boolean {
  return administrator || to.some((address) => address.toLowerCase() === email?.toLowerCase());
}

/**
 * What of the mail log somebody sees.
 * @param session one that reads users and the tenants' settings
 */
export async function mailScopeOf(session: Session, settings: Settings, user: string): Promise<MailScope> {
  const memberships = await groupsOf(session, user);
  if (user === adminUser || memberships.includes(groups.administrators)) return 'all';
  return {
    recipient: (await findUser(session, user))?.email,
    tenants: await administeredTenants(session, settings, memberships),
  };
}

/** Whether somebody who sees a mail may also have it sent again: its recipient may not. */
export function mayRetry(scope: MailScope, { tenant }: { readonly tenant: string }): boolean {
  return scope === 'all' || scope.tenants.includes(tenant);
}

async function administeredTenants(
  session: Session,
  settings: Settings,
  memberships: readonly string[],
): Promise<string[]> {
  const administered: string[] = [];
  for await (const tenant of findTenants(session)) {
    const { value: group } = await settings.read(session, tenant, tenantAdminGroup);
    if (group !== undefined && memberships.includes(group)) administered.push(tenant.name);
  }
  return administered;
}
