/**
 * Users and groups as content (Jackrabbit's user management laid out flat):
 *
 *     /home/users/<id>            rep:User: rep:principalName, rep:disabled?, satchel:passwordHash?
 *       profile                   email, language, timeZone, displayName
 *     /home/users/system/<name>   rep:SystemUser
 *     /home/groups/<id>           rep:Group: rep:principalName, rep:members String[] of user and group ids
 *
 * The functions work in the caller's session, with its rights, and leave saving to it.
 */
import { groupsRoot, serviceUsersRoot, usersRoot } from './access/authorizables.js';
import { groupsOfMember } from './access/membership.js';
import { adminUser, groups } from './api.js';
import type { RepositoryNode, Session, UserProfile } from './api.js';
import { RepositoryError } from './errors.js';
import { nameProblem, parentOf, printable } from './path.js';

export { groupsRoot, serviceUsersRoot, usersRoot } from './access/authorizables.js';

const serviceFolder = 'system';
const profileName = 'profile';

export interface NewUser {
  readonly id: string;
  readonly email?: string;
  /** BCP 47. */
  readonly language?: string;
  /** IANA name, as `Europe/Zurich`. */
  readonly timeZone?: string;
  readonly displayName?: string;
  /** Ids of groups that exist. */
  readonly groups?: readonly string[];
  /** As the password hasher made it; without one the user cannot log in with a password. */
  readonly passwordHash?: string;
}

/** @throws ITEM_EXISTS (users, service users and groups share their names), INVALID_PATH (id), PATH_NOT_FOUND (group) */
export async function createUser(session: Session, user: NewUser): Promise<UserProfile> {
  const path = await freePrincipalPath(session, usersRoot, user.id);
  await session.addNode(path, {
    primaryType: 'rep:User',
    properties: withoutAbsent({ 'rep:principalName': user.id, 'satchel:passwordHash': user.passwordHash }),
  });
  const { email, language, timeZone, displayName } = user;
  const profile = withoutAbsent({ email, language, timeZone, displayName });
  await session.addNode(`${path}/${profileName}`, { properties: profile });
  for (const group of user.groups ?? []) await addMember(session, group, user.id);
  return { id: user.id, path, email, language, timeZone, displayName, disabled: false };
}

/** Code of the product logs in as one with `loginService`. @throws ITEM_EXISTS, INVALID_PATH */
export async function createServiceUser(session: Session, name: string): Promise<void> {
  const path = await freePrincipalPath(session, serviceUsersRoot, name);
  await session.addNode(path, { primaryType: 'rep:SystemUser', properties: { 'rep:principalName': name } });
}

/** @throws ITEM_EXISTS, INVALID_PATH */
export async function createGroup(session: Session, id: string): Promise<void> {
  const path = await freePrincipalPath(session, groupsRoot, id);
  await session.addNode(path, { primaryType: 'rep:Group', properties: { 'rep:principalName': id } });
}

/** Policies name principals only, so one name must never mean two of them. */
async function freePrincipalPath(session: Session, root: string, id: string): Promise<string> {
  const problem = id === serviceFolder ? 'is reserved' : nameProblem(id);
  if (problem !== undefined) {
    throw new RepositoryError('INVALID_PATH', `The id "${printable(id.slice(0, 300))}" ${problem}; choose another.`, {
      paths: [id],
    });
  }
  const candidates = [usersRoot, serviceUsersRoot, groupsRoot].map((folder) => `${folder}/${id}`);
  const taken = (await session.findNodes(candidates)).find((node) => node !== undefined);
  if (taken) {
    throw new RepositoryError('ITEM_EXISTS', `The id "${id}" is that of ${taken.path}; choose another.`, {
      paths: [taken.path],
    });
  }
  return `${root}/${id}`;
}

/** @returns `undefined` for no such user, and for service users */
export async function findUser(session: Session, id: string): Promise<UserProfile | undefined> {
  const path = principalPath(usersRoot, id);
  if (path === undefined) return undefined;
  const [user, profile] = await session.findNodes([path, `${path}/${profileName}`]);
  return user?.primaryType === 'rep:User' ? toProfile(user, profile) : undefined;
}

/** Every user the session may read, service users not among them, in order of their ids. */
export async function* listUsers(session: Session): AsyncGenerator<UserProfile> {
  // A profile comes after all users, so each is looked up in batches instead of in the one range.
  let batch: RepositoryNode[] = [];
  for await (const user of session.children(usersRoot)) {
    if (user.primaryType !== 'rep:User') continue;
    batch.push(user);
    if (batch.length === 100) {
      yield* await withProfiles(session, batch);
      batch = [];
    }
  }
  yield* await withProfiles(session, batch);
}

async function withProfiles(session: Session, users: readonly RepositoryNode[]): Promise<UserProfile[]> {
  const profiles = await session.findNodes(users.map(({ path }) => `${path}/${profileName}`));
  return users.map((user, index) => toProfile(user, profiles[index]));
}

/** @param address compared without regard to case */
export async function findUserByEmail(session: Session, address: string): Promise<UserProfile | undefined> {
  const wanted = address.toLowerCase();
  for await (const user of listUsers(session)) {
    if (user.email?.toLowerCase() === wanted) return user;
  }
  return undefined;
}

/** Does nothing for who is a member already. @throws PATH_NOT_FOUND (no such group) */
export async function addMember(session: Session, groupId: string, memberId: string): Promise<void> {
  // All users are in `everyone`, without being listed there.
  if (groupId === groups.everyone) return;
  const group = await session.getNode(`${groupsRoot}/${groupId}`);
  const members = group.texts('rep:members');
  if (members.includes(memberId)) return;
  await session.setProperties(group.path, { 'rep:members': [...members, memberId] });
}

/** Does nothing for who is no member. @throws PATH_NOT_FOUND (no such group) */
export async function removeMember(session: Session, groupId: string, memberId: string): Promise<void> {
  const group = await session.getNode(`${groupsRoot}/${groupId}`);
  const members = group.texts('rep:members');
  if (!members.includes(memberId)) return;
  await session.setProperties(group.path, { 'rep:members': members.filter((id) => id !== memberId) });
}

export interface Group {
  readonly id: string;
  /** Ids of users and groups, as they are listed; `everyone` lists nobody. */
  readonly members: readonly string[];
}

/** Every group the session may read, in order of their ids. */
export async function* listGroups(session: Session): AsyncGenerator<Group> {
  for await (const group of session.children(groupsRoot)) {
    if (group.primaryType === 'rep:Group') yield { id: group.name, members: group.texts('rep:members') };
  }
}

/** @throws PATH_NOT_FOUND */
export async function getGroup(session: Session, id: string): Promise<Group> {
  const group = await session.getNode(`${groupsRoot}/${id}`);
  return { id, members: group.texts('rep:members') };
}

/** What a profile holds; `null` takes a value out, what is not named stays. */
export type ProfileChange = {
  readonly [name in 'email' | 'language' | 'timeZone' | 'displayName']?: string | null | undefined;
};

/** @throws UNKNOWN_USER */
export async function changeProfile(session: Session, id: string, change: ProfileChange): Promise<UserProfile> {
  const path = `${await userPath(session, id)}/${profileName}`;
  const { email, language, timeZone, displayName } = change;
  await session.ensureNode(path);
  await session.setProperties(path, withoutAbsent({ email, language, timeZone, displayName }));
  return (await findUser(session, id)) as UserProfile;
}

/** Ends the web sessions of the user, too. @param passwordHash as the password hasher made it @throws UNKNOWN_USER */
export async function setPasswordHash(session: Session, id: string, passwordHash: string): Promise<void> {
  await session.setProperties(await userPath(session, id), { 'satchel:passwordHash': passwordHash });
}

/**
 * A disabled user cannot log in; what policies and groups say of them stays.
 * @param reason `undefined` enables
 * @throws UNKNOWN_USER, CONSTRAINT_VIOLATION (the administrator: nobody could enable them again)
 */
export async function setDisabled(session: Session, id: string, reason: string | undefined): Promise<void> {
  const path = await userPath(session, id);
  if (id === adminUser && reason !== undefined) {
    throw new RepositoryError('CONSTRAINT_VIOLATION', `The user ${adminUser} cannot be disabled.`, { paths: [path] });
  }
  await session.setProperties(path, { 'rep:disabled': reason ?? null });
}

async function userPath(session: Session, id: string): Promise<string> {
  const user = await findUser(session, id);
  if (user) return user.path;
  throw new RepositoryError('UNKNOWN_USER', `There is no user "${printable(id.slice(0, 300))}".`);
}

/** Ids of the groups a user is in, directly or through groups, `everyone` among them. */
export async function groupsOf(session: Session, userId: string): Promise<string[]> {
  return (await groupsOfUsers(session))(userId);
}

/** For many users: all groups are read once. */
export async function groupsOfUsers(session: Session): Promise<(userId: string) => string[]> {
  const members = new Map<string, readonly string[]>();
  for await (const { id, members: ids } of listGroups(session)) members.set(id, ids);
  return (userId) => [...groupsOfMember(members, userId)];
}

/** Directly or through groups. */
export async function isMember(session: Session, userId: string, groupId: string): Promise<boolean> {
  return (await groupsOf(session, userId)).includes(groupId);
}

/** @returns `undefined` for no such user and for one without a password */
export async function passwordHashOf(session: Session, id: string): Promise<string | undefined> {
  const path = principalPath(usersRoot, id);
  return path === undefined ? undefined : (await session.findNode(path))?.text('satchel:passwordHash');
}

/** Path of a user, service user or group; `undefined` for an id that cannot name one. */
export function principalPath(root: string, id: string): string | undefined {
  return nameProblem(id) === undefined ? `${root}/${id}` : undefined;
}

/** What an empty repository starts with. The session must be that of the administrator. */
export async function createFirstPrincipals(session: Session): Promise<void> {
  await session.addNode(parentOf(usersRoot), { primaryType: 'rep:AuthorizableFolder' });
  for (const path of [usersRoot, serviceUsersRoot, groupsRoot]) {
    await session.addNode(path, { primaryType: 'rep:AuthorizableFolder' });
  }
  for (const id of Object.values(groups)) await createGroup(session, id);
  await createUser(session, { id: adminUser, displayName: 'Administrator', groups: [groups.administrators] });
}

function toProfile(user: RepositoryNode, profile: RepositoryNode | undefined): UserProfile {
  const given = [profile?.text('givenName'), profile?.text('familyName')].filter((name) => name !== undefined);
  return {
    id: user.name,
    path: user.path,
    email: profile?.text('email'),
    language: profile?.text('language'),
    timeZone: profile?.text('timeZone'),
    displayName: profile?.text('displayName') ?? (given.length > 0 ? given.join(' ') : undefined),
    disabled: isDisabled(user),
  };
}

/** `rep:disabled` holds the reason in Jackrabbit: any value but `false` disables. */
export function isDisabled(user: Pick<RepositoryNode, 'property' | 'boolean'>): boolean {
  return user.property('rep:disabled') !== undefined && user.boolean('rep:disabled') !== false;
}

function withoutAbsent<Value>(values: Readonly<Record<string, Value | undefined>>): Record<string, Value> {
  const present: Record<string, Value> = {};
  for (const [name, value] of Object.entries(values)) if (value !== undefined) present[name] = value;
  return present;
}
