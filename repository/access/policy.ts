/** Access control as content: a `rep:policy` child (rep:ACL) with ordered rep:GrantACE and rep:DenyACE entries. */
import type { Privilege, RepositoryNode, Session } from '../api.js';
import { RepositoryError } from '../errors.js';
import { joinPath } from '../path.js';
import type { NodeRecord } from '../record.js';
import type { PropertyInput } from '../value.js';
import { policyName } from './controlled-path.js';
import { globProblem } from './glob.js';
import { assertPrivileges, expandPrivileges } from './privileges.js';
import { readRestrictions, restrictionProperties, sameRestrictions } from './restrictions.js';
import type { Restrictions } from './restrictions.js';

const restrictionsName = 'rep:restrictions';

/** An entry to be. */
export interface NewPolicyEntry {
  readonly kind: 'allow' | 'deny';
  /** A user, service user or group; it need not exist yet. */
  readonly principal: string;
  readonly privileges: readonly Privilege[];
  readonly restrictions?: Restrictions;
}

/** An entry as it stands in a policy. */
export interface PolicyEntry {
  /** Of its node, by which it is removed. */
  readonly name: string;
  readonly kind: 'allow' | 'deny';
  readonly principal: string;
  /** As they were given; aggregates are not replaced. */
  readonly privileges: readonly string[];
  readonly restrictions: Restrictions;
  /** Names of restrictions that cannot be evaluated here. */
  readonly unknownRestrictions: readonly string[];
}

/**
 * Allows a user or group something at a path and below. An entry that says the same already stays as it is. Not saved.
 * @throws PATH_NOT_FOUND, ACCESS_DENIED, INVALID_VALUE (unknown privilege, malformed glob)
 */
export async function grant(
  session: Session,
  path: string,
  principal: string,
  privileges: readonly Privilege[],
  restrictions: Restrictions = {},
): Promise<void> {
  await addEntry(session, path, { kind: 'allow', principal, privileges, restrictions });
}

/** Denies, as `grant` allows. */
export async function deny(
  session: Session,
  path: string,
  principal: string,
  privileges: readonly Privilege[],
  restrictions: Restrictions = {},
): Promise<void> {
  await addEntry(session, path, { kind: 'deny', principal, privileges, restrictions });
}

/** Entries in their order; none where there is no policy, or the session lacks jcr:readAccessControl. */
export async function listEntries(session: Session, path: string): Promise<PolicyEntry[]> {
  const nodes: RepositoryNode[] = [];
  for await (const node of session.children(joinPath(path, policyName))) nodes.push(node);
  const children = await session.findNodes(nodes.map((node) => `${node.path}/${restrictionsName}`));
  return nodes.map((node, index) => {
    const child = children[index];
    const { restrictions, unknown } = readRestrictions(recordOf(node), child && recordOf(child));
    return {
      name: node.name,
      kind: node.primaryType === 'rep:GrantACE' ? 'allow' : 'deny',
      principal: node.text('rep:principalName') ?? '',
      privileges: node.texts('rep:privileges'),
      restrictions,
      unknownRestrictions: unknown,
    };
  });
}

function recordOf({ identifier, properties }: RepositoryNode): NodeRecord {
  return { identifier, properties };
}

/**
 * Gives a path exactly these entries, in this order; without any it has no policy. Not saved.
 * @throws PATH_NOT_FOUND, ACCESS_DENIED, INVALID_VALUE
 */
export async function setPolicy(session: Session, path: string, entries: readonly NewPolicyEntry[]): Promise<void> {
  for (const entry of entries) assertEntry(entry);
  await assertMayEdit(session, path);
  const policy = joinPath(path, policyName);
  if (await session.findNode(policy)) await session.remove(policy);
  if (entries.length === 0) return;
  await session.addNode(policy, { primaryType: 'rep:ACL' });
  const names = new Set<string>();
  for (const entry of entries) names.add(await appendEntry(session, policy, entry, names));
}

/** @param name of the entry, as `listEntries` gives it. Not saved. @throws PATH_NOT_FOUND */
export async function removeEntry(session: Session, path: string, name: string): Promise<void> {
  await session.remove(joinPath(joinPath(path, policyName), name));
}

async function addEntry(session: Session, path: string, entry: NewPolicyEntry): Promise<void> {
  assertEntry(entry);
  await assertMayEdit(session, path);
  const policy = joinPath(path, policyName);
  await session.ensureNode(policy, { primaryType: 'rep:ACL' });
  const entries = await listEntries(session, path);
  const own = entries.filter(({ principal }) => principal === entry.principal);
  // An earlier entry still counts while none of the opposite kind comes after it.
  const afterLastOpposite = own.slice(own.findLastIndex(({ kind }) => kind !== entry.kind) + 1);
  if (afterLastOpposite.some((held) => isSame(held, entry))) return;
  await appendEntry(session, policy, entry, new Set(entries.map(({ name }) => name)));
}

async function appendEntry(
  session: Session,
  policy: string,
  { kind, principal, privileges, restrictions = {} }: NewPolicyEntry,
  taken: ReadonlySet<string>,
): Promise<string> {
  const name = freeName(taken, kind);
  const properties: Record<string, PropertyInput> = {
    'rep:principalName': principal,
    'rep:privileges': { type: 'Name', multiple: true, values: [...privileges] },
    ...restrictionProperties(restrictions),
  };
  const primaryType = kind === 'allow' ? 'rep:GrantACE' : 'rep:DenyACE';
  await session.addNode(joinPath(policy, name), { primaryType, properties });
  return name;
}

/** A policy that may not be read looks like none, so without this its editor would be told of a node that is missing. */
async function assertMayEdit(session: Session, path: string): Promise<void> {
  if (!(await session.findNode(path))) return;
  if (await session.hasPrivileges(path, 'jcr:readAccessControl', 'jcr:modifyAccessControl')) return;
  throw new RepositoryError(
    'ACCESS_DENIED',
    `Changing the policy of ${path} takes jcr:readAccessControl and jcr:modifyAccessControl there.`,
    { paths: [path] },
  );
}

function assertEntry({ principal, privileges, restrictions }: NewPolicyEntry): void {
  assertPrivileges(privileges);
  if (principal === '') throw new RepositoryError('INVALID_VALUE', 'An entry needs the name of a user or group.');
  const { glob, globs = [] } = restrictions ?? {};
  for (const pattern of glob === undefined ? globs : [glob, ...globs]) {
    const problem = globProblem(pattern);
    if (problem !== undefined) throw new RepositoryError('INVALID_VALUE', `The glob of an entry ${problem}.`);
  }
}

function isSame(held: PolicyEntry, entry: NewPolicyEntry): boolean {
  const [is, wanted] = [expandPrivileges(held.privileges), expandPrivileges(entry.privileges)];
  return (
    held.unknownRestrictions.length === 0 &&
    is.size === wanted.size &&
    [...wanted].every((privilege) => is.has(privilege)) &&
    sameRestrictions(held.restrictions, entry.restrictions ?? {})
  );
}

function freeName(taken: ReadonlySet<string>, prefix: string): string {
  let name = prefix;
  for (let count = 1; taken.has(name); count++) name = `${prefix}${count}`;
  return name;
}
