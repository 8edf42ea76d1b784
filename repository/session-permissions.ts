/** The privileges a save needs, all decided in one place (JCR 2.0, section 16.6; Oak for what that leaves open). */
import { isAuthorizable, makesPrincipal } from './access/authorizables.js';
import { controlledPath } from './access/controlled-path.js';
import type { AccessEvaluator } from './access/evaluate.js';
import type { AtomicPrivilege } from './access/privileges.js';
import { RepositoryError } from './errors.js';
import { parentOf } from './path.js';
import { isMoveRoot } from './session-plan.js';
import type { PlannedNode, RemovedNodes, SavePlan } from './session-plan.js';
import { isCheckedOutState } from './versions/checked-out.js';

/** Given by the repository with every node, so that setting them is part of adding it. */
const ownProperties: ReadonlySet<string> = new Set(['jcr:primaryType', 'jcr:uuid', 'jcr:created', 'jcr:createdBy']);

/** Properties that a mechanism of the repository keeps, and the privilege to use it (Oak: PermissionValidator). */
const managedProperties: ReadonlyMap<string, AtomicPrivilege> = new Map([
  ['jcr:primaryType', 'jcr:nodeTypeManagement'],
  ['jcr:mixinTypes', 'jcr:nodeTypeManagement'],
  ['jcr:lockOwner', 'jcr:lockManagement'],
  ['jcr:lockIsDeep', 'jcr:lockManagement'],
]);

/** @throws ACCESS_DENIED where the user may read the node in question, else PATH_NOT_FOUND */
export function assertPermitted(plan: SavePlan, evaluator: AccessEvaluator): void {
  if (evaluator.mayDoEverything) return;
  for (const removed of plan.removed) assertRemovable(removed, evaluator);
  for (const node of plan.nodes.values()) {
    const controlled = controlledPath(node.path);
    // A policy that comes along inside a moved subtree is not set by the user.
    if (controlled === undefined) assertWritable(plan, node, evaluator);
    else if (!isCarriedAlong(plan, node)) require(controlled, evaluator, 'jcr:modifyAccessControl');
  }
}

function assertRemovable({ path, movedAt, nodes }: RemovedNodes, evaluator: AccessEvaluator): void {
  const controlled = controlledPath(path);
  if (controlled !== undefined) {
    require(controlled, evaluator, 'jcr:modifyAccessControl');
    return;
  }
  // What was moved out of a subtree that is gone by now needs its own right, even when nothing is stored there any more.
  if (nodes.length === 0 && movedAt === undefined) return;
  const [root] = nodes;
  if (!root || !isAuthorizable(root.record)) {
    require(parentOf(path), evaluator, 'jcr:removeChildNodes');
    require(path, evaluator, 'jcr:removeNode');
  }
  // Both are named after the subtree's root: what is protected may be a node the user must not know of.
  for (const { path: below, record } of nodes) {
    if (isAuthorizable(record) && !evaluator.isAllowed(below, 'rep:userManagement')) {
      throw refused(path, ['rep:userManagement'], evaluator);
    }
  }
  for (const below of evaluator.policiesBelow(path)) {
    if (!evaluator.isAllowed(below, 'jcr:removeNode')) throw refused(path, ['jcr:removeNode'], evaluator);
  }
}

function assertWritable(plan: SavePlan, node: PlannedNode, evaluator: AccessEvaluator): void {
  const { path, record, origin, inPlace } = node;
  const parent = parentOf(path);
  const authorizable = isAuthorizable(record) || (origin !== undefined && isAuthorizable(origin.record));
  if (inPlace) {
    if (record.position !== origin?.record.position) {
      require(parent, evaluator, 'jcr:addChildNodes', 'jcr:removeChildNodes');
    }
  } else if (authorizable) {
    require(path, evaluator, 'rep:userManagement');
  } else if (parent !== '' && !isCarriedAlong(plan, node)) {
    require(parent, evaluator, 'jcr:addChildNodes');
  }
  for (const name of writtenProperties(node)) {
    if (authorizable && makesPrincipal(name)) {
      require(path, evaluator, 'rep:userManagement');
      continue;
    }
    const managed = managedProperties.get(name);
    if (managed !== undefined) require(path, evaluator, managed);
    else if (name !== 'jcr:uuid') requireOnProperty(node, name, evaluator);
  }
}

function require(path: string, evaluator: AccessEvaluator, ...privileges: AtomicPrivilege[]): void {
  const missing = privileges.filter((privilege) => !evaluator.isAllowed(path, privilege));
  if (missing.length > 0) throw refused(path, missing, evaluator);
}

function requireOnProperty({ path, record, origin }: PlannedNode, name: string, evaluator: AccessEvaluator): void {
  const privilege = !origin?.record.properties.has(name)
    ? 'rep:addProperties'
    : record.properties.has(name)
      ? 'rep:alterProperties'
      : 'rep:removeProperties';
  if (!evaluator.isAllowedOnProperty(path, name, privilege)) throw refused(path, [privilege], evaluator);
}

function isCarriedAlong(plan: SavePlan, node: PlannedNode): boolean {
  return !node.inPlace && node.origin !== undefined && !isMoveRoot(plan, node) && writtenProperties(node).length === 0;
}

function writtenProperties(node: PlannedNode): string[] {
  return node.changed.filter((name) => !isGiven(node, name));
}

/** What the repository sets itself: with a new node, with one that becomes mix:created, and by checking in and out. */
function isGiven({ record, origin }: PlannedNode, name: string): boolean {
  if (isCheckedOutState(record, name)) return !origin || isCheckedOutState(origin.record, name);
  if (!ownProperties.has(name)) return false;
  return !origin || (name.startsWith('jcr:created') && !origin.record.properties.has(name));
}

function refused(path: string, missing: readonly AtomicPrivilege[], evaluator: AccessEvaluator): RepositoryError {
  if (!evaluator.canRead(path)) {
    return new RepositoryError('PATH_NOT_FOUND', `There is no node ${path}, or it may not be read.`, { paths: [path] });
  }
  return new RepositoryError('ACCESS_DENIED', `The user lacks ${missing.join(', ')} at ${path}.`, { paths: [path] });
}
