/**
 * Users and groups as far as access control is concerned. What makes a principal (that it is there, its name, members and
 * password) is changed with rep:userManagement instead of the privileges for other content, as in Oak: so a person who may write
 * below /home cannot give themselves rights by writing there.
 */
import { parentOf } from '../path.js';
import { primaryTypeOf } from '../record.js';
import type { NodeRecord } from '../record.js';

export const usersRoot = '/home/users';
export const serviceUsersRoot = '/home/users/system';
export const groupsRoot = '/home/groups';

/** Service user that may read password hashes: what compares them at login. */
export const authenticationService = 'authentication';

/** Never shown to anyone but administrators and the authentication service, wherever a node carries them. */
export const credentialProperties: readonly string[] = ['satchel:passwordHash', 'rep:password'];

const authorizableTypes: ReadonlySet<string> = new Set([
  'rep:User',
  'rep:SystemUser',
  'rep:Group',
  'rep:AuthorizableFolder',
]);

export function isAuthorizable(record: NodeRecord): boolean {
  return authorizableTypes.has(primaryTypeOf(record));
}

/** Whether a property of a user or group says who it is, rather than something about them. */
export function makesPrincipal(property: string): boolean {
  return property.startsWith('rep:') || property === 'jcr:primaryType' || credentialProperties.includes(property);
}

/** Groups count where they are looked up, whatever type a node there is about to get or lose. */
export function isGroupPath(path: string): boolean {
  return parentOf(path) === groupsRoot;
}

/** Properties of their own profile that people may change themselves; an address is where mail with links goes. */
export const ownProfileProperties: readonly string[] = ['displayName', 'givenName', 'familyName', 'language'];
