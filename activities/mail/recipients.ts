/** Who may get mail about assets (D8): members of `dam-users` or of the tenant's own group. */
import { adminUser, groups } from '../../repository/api.js';
import { groupsOf, listUsers } from '../../repository/users.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import type { Session, UserProfile } from '../../repository/api.js';
import type { Tenant } from '../../repository/overlay/api.js';
import { isTimeZone } from '../../dam/settings/time-zone.js';
import { readTenantGroup } from '../../dam/settings/tenant-group.js';
import type { Settings } from '../../dam/settings/settings.js';
import type { Recipient } from './mailer.js';

/**
 * The recipients behind e-mail addresses. An address is compared without regard to case; whoever has it must be a member
 * of `dam-users` or of the group named by the tenant's `settings/tenant` (property `group`); administrators always are.
 * @param session one that may read users and the tenant's settings
 * @throws SatchelError RECIPIENT_NOT_ALLOWED naming all that are not; the same for unknown addresses, so that nobody can
 * find out who has an account
 */
export async function checkRecipients(
  session: Session,
  settings: Settings,
  tenant: Tenant,
  addresses: readonly string[],
): Promise<Recipient[]> {
  const allowedGroups = await recipientGroups(session, settings, tenant);
  const wanted = new Set(addresses.map((address) => address.toLowerCase()));
  const found = new Map<string, Recipient>();
  for await (const user of listUsers(session)) {
    const address = user.email?.toLowerCase();
    if (user.email === undefined || address === undefined || !wanted.has(address) || found.has(address)) continue;
    if (await mayReceive(session, user, allowedGroups)) found.set(address, asRecipient(user, user.email));
  }
  const refused = addresses.filter((address) => !found.has(address.toLowerCase()));
  if (refused.length > 0) {
    throw new SatchelError(
      'RECIPIENT_NOT_ALLOWED',
      `Not a member of ${allowedGroups.join(' or ')}: ${refused.join(', ')}.`,
      {
        details: { addresses: refused, groups: allowedGroups },
      },
    );
  }
  return [...found.values()];
}

export function asRecipient(user: UserProfile, address: string): Recipient {
  return {
    address,
    ...(user.displayName !== undefined && { displayName: user.displayName }),
    ...(user.language !== undefined && { language: user.language }),
    // A profile is content as any: what is no time zone must not cost a mail.
    ...(user.timeZone !== undefined && isTimeZone(user.timeZone) && { timeZone: user.timeZone }),
  };
}

async function recipientGroups(session: Session, settings: Settings, tenant: Tenant): Promise<string[]> {
  const own = await readTenantGroup(session, settings, tenant);
  return [groups.damUsers, ...(own === undefined ? [] : [own])];
}

async function mayReceive(session: Session, user: UserProfile, allowed: readonly string[]): Promise<boolean> {
  if (user.disabled) return false;
  if (user.id === adminUser) return true;
  const memberOf = await groupsOf(session, user.id);
  return [...allowed, groups.administrators].some((group) => memberOf.includes(group));
}
