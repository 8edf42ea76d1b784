/** Which policies hold at a path, and why somebody may do something there or may not. */
import { groups } from '../api.js';
import type { Session } from '../api.js';
import { RepositoryError } from '../errors.js';
import { selfAndAncestors } from '../path.js';
import type { AccessEntry } from './access-state.js';
import { groupsRoot } from './authorizables.js';
import { controlledPath } from './controlled-path.js';
import { isAdministrator } from './evaluate.js';
import { listEntries } from './policy.js';
import type { PolicyEntry } from './policy.js';
import { atomicPrivileges, bitsOfPrivilege, expandPrivileges } from './privileges.js';
import type { AtomicPrivilege } from './privileges.js';
import type { Item, Restrictions } from './restrictions.js';
import { isAbout, UserRights } from './user-rights.js';

export interface EffectivePolicy {
  /** The node that has the policy. */
  readonly path: string;
  readonly entries: readonly PolicyEntry[];
}

export interface DecidingEntry {
  /** The node that has the policy. */
  readonly path: string;
  /** Of the entry; `undefined` for what everyone may do with their own user node. */
  readonly name: string | undefined;
  readonly principal: string;
  /** How the one asked about comes to be that principal: groups, nearest first; empty for themself. */
  readonly via: readonly string[];
  readonly restrictions: Restrictions;
}

export interface PrivilegeExplanation {
  readonly privilege: AtomicPrivilege;
  readonly decision: 'allowed' | 'denied' | 'nothing said';
  /** `undefined` when nothing is said, and for administrators, whom no policy concerns. */
  readonly by: DecidingEntry | undefined;
}

export interface PermissionsExplanation {
  readonly path: string;
  readonly principal: string;
  /** Nothing said is denied; an administrator may do everything. */
  readonly administrator: boolean;
  /** All groups the principal is in, `everyone` among them. */
  readonly groups: readonly string[];
  /** Every privilege that holds no others. */
  readonly privileges: readonly PrivilegeExplanation[];
}

/**
 * The policies at a path and above it, nearest first (JCR 2.0, section 16.4.2), as far as the session may read them
 * (jcr:readAccessControl). @throws PATH_NOT_FOUND
 */
export async function effectivePolicies(session: Session, path: string): Promise<EffectivePolicy[]> {
  await session.getNode(path);
  const policies: EffectivePolicy[] = [];
  for (const controlled of selfAndAncestors(controlledPath(path) ?? path)) {
    const entries = await listEntries(session, controlled);
    if (entries.length > 0) policies.push({ path: controlled, entries });
  }
  return policies;
}

/**
 * For every privilege: allowed or denied on the node, and by which entry; with the session's unsaved changes. An answer from
 * only some of the policies would be wrong, so it takes jcr:read and jcr:readAccessControl on the path and all above it, and
 * jcr:read on the groups.
 * @param principal a user, service user or group
 * @throws PATH_NOT_FOUND, ACCESS_DENIED
 */
export async function explainPermissions(
  session: Session,
  path: string,
  principal: string,
): Promise<PermissionsExplanation> {
  const node = await session.getNode(path);
  const asked = controlledPath(path) ?? path;
  await assertExplainable(session, path);
  const policies = new Map(
    (await effectivePolicies(session, path)).map((policy) => [policy.path, policy.entries.map(toAccessEntry)]),
  );
  const members = new Map<string, readonly string[]>();
  for await (const group of session.children(groupsRoot)) {
    if (group.primaryType === 'rep:Group') members.set(group.name, group.texts('rep:members'));
  }
  const rights = new UserRights({ policyEpoch: 0, groupEpoch: 0, policies, members }, principal);
  // What is asked at a policy is asked of the node that has it.
  const { primaryType } = asked === path ? node : await session.getNode(asked);
  const item = { path: asked, isProperty: false, primaryType };
  const administrator = principal === groups.administrators || isAdministrator(principal, rights.memberships);
  return {
    path,
    principal,
    administrator,
    groups: [...rights.memberships.keys()],
    privileges: atomicPrivileges.map((privilege) =>
      administrator
        ? { privilege, decision: 'allowed', by: undefined }
        : explainPrivilege(rights, item, principal, privilege),
    ),
  };
}

async function assertExplainable(session: Session, path: string): Promise<void> {
  for (const above of selfAndAncestors(controlledPath(path) ?? path)) {
    if (await session.hasPrivileges(above, 'jcr:read', 'jcr:readAccessControl')) continue;
    throw new RepositoryError(
      'ACCESS_DENIED',
      `Explaining permissions at ${path} takes jcr:read and jcr:readAccessControl there and on all that is above it.`,
      { paths: [path] },
    );
  }
  if (await session.hasPrivileges(groupsRoot, 'jcr:read')) return;
  throw new RepositoryError('ACCESS_DENIED', `Explaining permissions at ${path} takes jcr:read on the groups.`, {
    paths: [path],
  });
}

function explainPrivilege(
  rights: UserRights,
  item: Item,
  principal: string,
  privilege: AtomicPrivilege,
): PrivilegeExplanation {
  const bit = bitsOfPrivilege(privilege);
  const deciding = rights
    .chainAt(item.path)
    .entries.find((concern) => (concern.bits & bit) !== 0 && isAbout(concern, item));
  if (!deciding) return { privilege, decision: 'nothing said', by: undefined };
  const { entry, controlled } = deciding;
  return {
    privilege,
    decision: entry.allow ? 'allowed' : 'denied',
    by: {
      path: controlled,
      name: entry.name === '' ? undefined : entry.name,
      principal: entry.principal,
      via: entry.principal === principal ? [] : (rights.memberships.get(entry.principal) ?? []),
      restrictions: entry.restrictions,
    },
  };
}

function toAccessEntry(entry: PolicyEntry): AccessEntry {
  const { name, principal, restrictions, unknownRestrictions } = entry;
  const privileges = expandPrivileges(entry.privileges);
  return { name, allow: entry.kind === 'allow', principal, privileges, restrictions, unknownRestrictions };
}
