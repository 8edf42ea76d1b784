/** A policy that would not mean what it says is not saved. */
import { RepositoryError } from '../errors.js';
import { primaryTypeOf, textOf, textsOf } from '../record.js';
import type { NodeRecord } from '../record.js';
import type { SaveAttempt, SaveContribution } from '../session-participant.js';
import type { PlannedNode } from '../session-plan.js';
import { controlledPath, policyName } from './controlled-path.js';
import { globProblem } from './glob.js';
import { isPrivilege } from './privileges.js';

/**
 * Checks the shape of rep:policy nodes that are added or changed, their privileges and globs. A principal need not exist: an
 * entry may come, in a package, before its user (Oak: ImportBehavior.BESTEFFORT).
 * @throws CONSTRAINT_VIOLATION
 */
export function validatePolicies({ plan }: SaveAttempt): SaveContribution {
  for (const node of plan.nodes.values()) {
    const controlled = controlledPath(node.path);
    if (controlled === undefined || isUnchanged(node)) continue;
    const policy = controlled === '/' ? `/${policyName}` : `${controlled}/${policyName}`;
    const problem = problemOf(node.path.slice(policy.length).split('/').slice(1), node.record);
    if (problem !== undefined) {
      throw new RepositoryError('CONSTRAINT_VIOLATION', `The node ${node.path} ${problem}.`, { paths: [node.path] });
    }
  }
  return {};
}

/** What was moved with its policy was valid, or came before there was this check. */
function isUnchanged({ path, origin, changed }: PlannedNode): boolean {
  return (
    origin !== undefined &&
    controlledPath(origin.path) !== undefined &&
    origin.path.endsWith(path.slice(path.indexOf(`/${policyName}`))) &&
    changed.length === 0
  );
}

/** @param names below the policy node */
function problemOf(names: readonly string[], record: NodeRecord): string | undefined {
  const type = primaryTypeOf(record);
  if (names.length === 0) {
    return type === 'rep:ACL' ? undefined : `is a policy and must be of type rep:ACL, not ${type}`;
  }
  if (names.length === 1) return problemOfEntry(type, record);
  if (names.length === 2 && names[1] === 'rep:restrictions') return problemOfGlob(record);
  return 'is not part of a policy: entries hold a node rep:restrictions at most';
}

function problemOfEntry(type: string, record: NodeRecord): string | undefined {
  if (type !== 'rep:GrantACE' && type !== 'rep:DenyACE') {
    return `is an entry of a policy and must be of type rep:GrantACE or rep:DenyACE, not ${type}`;
  }
  if ((textOf(record, 'rep:principalName') ?? '') === '') return 'must name a user or group in rep:principalName';
  const named = textsOf(record, 'rep:privileges');
  if (named.length === 0) return 'must name one privilege or more in rep:privileges';
  const unknown = named.find((name) => !isPrivilege(name));
  if (unknown !== undefined) return `names an unknown privilege "${unknown}" in rep:privileges`;
  return problemOfGlob(record);
}

function problemOfGlob(record: NodeRecord): string | undefined {
  for (const glob of textsOf(record, 'rep:globs')) {
    const problem = globProblem(glob);
    if (problem !== undefined) return `has a malformed pattern in rep:globs: it ${problem}`;
  }
  const property = record.properties.get('rep:glob');
  if (!property) return undefined;
  const glob = textOf(record, 'rep:glob');
  if (property.multiple || glob === undefined) return 'must have one text as its rep:glob';
  const problem = globProblem(glob);
  return problem === undefined ? undefined : `has a malformed rep:glob: it ${problem}`;
}
