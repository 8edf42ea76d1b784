/** Policies name principals only, so one name must never mean two of them, whichever way a user or group is written. */
import { RepositoryError } from '../errors.js';
import { nodeKey } from '../keys.js';
import { nameOf, parentOf } from '../path.js';
import { primaryTypeOf, textOf } from '../record.js';
import type { SaveAttempt, SaveContribution } from '../session-participant.js';
import type { PlannedNode, SavePlan } from '../session-plan.js';
import type { Precondition } from '../store/contract.js';
import { authenticationService, groupsRoot, isAuthorizable, serviceUsersRoot, usersRoot } from './authorizables.js';

const roots: readonly string[] = [usersRoot, serviceUsersRoot, groupsRoot];

/** @throws CONSTRAINT_VIOLATION (name taken, reserved, or not that of the node) */
export async function validatePrincipals({ plan, snapshot }: SaveAttempt): Promise<SaveContribution> {
  const principals = [...plan.nodes.values()].filter(isPrincipal);
  for (const node of principals) assertName(node);
  const namesakes = principals.filter(({ inPlace }) => !inPlace).flatMap(namesakesOf);
  for (const { path, other } of namesakes) if (plan.nodes.has(other)) throw taken(path, other);
  const stored = await snapshot.getMany(namesakes.map(({ other }) => nodeKey(other)));
  const preconditions = namesakes.flatMap(({ path, other }, index): Precondition[] => {
    if (isGone(plan, other)) return [];
    if (stored[index]) throw taken(path, other);
    return [{ kind: 'version', key: nodeKey(other), version: 0 }];
  });
  return { preconditions };
}

function isPrincipal({ path, record }: PlannedNode): boolean {
  return roots.includes(parentOf(path)) && isAuthorizable(record) && primaryTypeOf(record) !== 'rep:AuthorizableFolder';
}

function assertName({ path, record }: PlannedNode): void {
  const name = nameOf(path);
  const principal = textOf(record, 'rep:principalName');
  if (principal !== undefined && principal !== name) {
    throw violation(path, `has the rep:principalName "${principal}", which must be the name of its node`);
  }
  if (name === authenticationService && parentOf(path) !== serviceUsersRoot) {
    throw violation(path, `cannot be called "${name}": that is the service that compares passwords`);
  }
}

function namesakesOf({ path }: PlannedNode): { readonly path: string; readonly other: string }[] {
  return roots.filter((root) => root !== parentOf(path)).map((root) => ({ path, other: `${root}/${nameOf(path)}` }));
}

function isGone(plan: SavePlan, path: string): boolean {
  return plan.removed.some(({ nodes }) => nodes.some((node) => node.path === path));
}

function taken(path: string, other: string): RepositoryError {
  return violation(path, `has the name of ${other}: users, service users and groups share their names`);
}

function violation(path: string, problem: string): RepositoryError {
  return new RepositoryError('CONSTRAINT_VIOLATION', `The node ${path} ${problem}.`, { paths: [path] });
}
