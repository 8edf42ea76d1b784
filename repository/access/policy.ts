/** Access control as content: a `rep:policy` child (rep:ACL) with ordered rep:GrantACE and rep:DenyACE entries. */
import type { Privilege, RepositoryNode, Session } from '../api.js';
import { joinPath } from '../path.js';
import type { PropertyInput } from '../value.js';
import { assertPrivileges, expandPrivileges } from './privileges.js';

export const policyName = 'rep:policy';

export interface PolicyEntryOptions {
  /** Narrows the entry to paths below the controlled node (Oak's `rep:glob`); default: the node and all below. */
  readonly glob?: string;
}

/**
 * Allows a user or group something at a path and below. An entry that says the same already stays as it is. Not saved.
 * @throws PATH_NOT_FOUND, INVALID_VALUE (unknown privilege)
 */
export async function grant(
  session: Session,
  path: string,
  principal: string,
  privileges: readonly Privilege[],
  options: PolicyEntryOptions = {},
): Promise<void> {
  await addEntry(session, path, 'rep:GrantACE', principal, privileges, options);
}

/** Denies, as `grant` allows. */
export async function deny(
  session: Session,
  path: string,
  principal: string,
  privileges: readonly Privilege[],
  options: PolicyEntryOptions = {},
): Promise<void> {
  await addEntry(session, path, 'rep:DenyACE', principal, privileges, options);
}

async function addEntry(
  session: Session,
  path: string,
  primaryType: 'rep:GrantACE' | 'rep:DenyACE',
  principal: string,
  privileges: readonly Privilege[],
  options: PolicyEntryOptions,
): Promise<void> {
  assertPrivileges(privileges);
  const policy = joinPath(path, policyName);
  await session.ensureNode(policy, { primaryType: 'rep:ACL' });
  const names = new Set<string>();
  const own: RepositoryNode[] = [];
  for await (const entry of session.children(policy)) {
    names.add(entry.name);
    if (entry.text('rep:principalName') === principal) own.push(entry);
  }
  // An earlier entry still counts while none of the opposite kind comes after it.
  const afterLastOpposite = own.slice(own.findLastIndex((entry) => entry.primaryType !== primaryType) + 1);
  if (afterLastOpposite.some((entry) => isSame(entry, privileges, options))) return;
  const properties: Record<string, PropertyInput> = {
    'rep:principalName': principal,
    'rep:privileges': { type: 'Name', multiple: true, values: [...privileges] },
    ...(options.glob === undefined ? {} : { 'rep:glob': options.glob }),
  };
  await session.addNode(joinPath(policy, freeName(names, primaryType === 'rep:GrantACE' ? 'allow' : 'deny')), {
    primaryType,
    properties,
  });
}

function isSame(entry: RepositoryNode, privileges: readonly Privilege[], options: PolicyEntryOptions): boolean {
  const held = expandPrivileges(entry.texts('rep:privileges'));
  const wanted = expandPrivileges(privileges);
  return held.size === wanted.size && [...wanted].every((p) => held.has(p)) && entry.text('rep:glob') === options.glob;
}

function freeName(taken: ReadonlySet<string>, prefix: string): string {
  let name = prefix;
  for (let count = 1; taken.has(name); count++) name = `${prefix}${count}`;
  return name;
}
