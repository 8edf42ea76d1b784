/** The privileges a save needs, all decided in one place (JCR 2.0, section 16.6; Oak for what that leaves open). */
import type { AccessEvaluator } from './access/evaluate.js';
import { controlledPath } from './access/evaluate.js';
import type { AtomicPrivilege } from './access/privileges.js';
import { RepositoryError } from './errors.js';
import { parentOf } from './path.js';
import { changedProperties } from './record-merge.js';
import { isMoveRoot } from './session-plan.js';
import type { PlannedNode, SavePlan } from './session-plan.js';
import { isCheckedOutState } from './versions/checked-out.js';

/** Given by the repository with every node, so that setting them is part of adding it. */
const ownProperties: ReadonlySet<string> = new Set([
  'jcr:primaryType',
  'jcr:mixinTypes',
  'jcr:uuid',
  'jcr:created',
  'jcr:createdBy',
]);

/** @throws ACCESS_DENIED where the user may read the node in question, else PATH_NOT_FOUND */
export function assertPermitted(plan: SavePlan, evaluator: AccessEvaluator): void {
  const require = (path: string, ...privileges: AtomicPrivilege[]) => {
    const missing = privileges.filter((privilege) => !evaluator.isAllowed(path, privilege));
    if (missing.length > 0) throw refused(path, missing, evaluator);
  };
  for (const { path, movedAt, nodes } of plan.removed) {
    const controlled = controlledPath(path);
    if (controlled !== undefined) {
      require(controlled, 'jcr:modifyAccessControl');
      continue;
    }
    // What was moved out of a subtree that is gone by now needs its own right, even when nothing is stored there any more.
    if (nodes.length === 0 && movedAt === undefined) continue;
    require(parentOf(path), 'jcr:removeChildNodes');
    require(path, 'jcr:removeNode');
    for (const below of evaluator.policiesBelow(path)) {
      // Named after the subtree's root: the node that is protected may be one the user must not know of.
      if (!evaluator.isAllowed(below, 'jcr:removeNode')) throw refused(path, ['jcr:removeNode'], evaluator);
    }
  }
  for (const node of plan.nodes.values()) {
    const controlled = controlledPath(node.path);
    if (controlled !== undefined) {
      // A policy that comes along inside a moved subtree is not set by the user.
      if (!isCarriedAlong(plan, node)) require(controlled, 'jcr:modifyAccessControl');
      continue;
    }
    const parent = parentOf(node.path);
    if (node.inPlace) {
      if (node.record.position !== node.origin?.record.position) {
        require(parent, 'jcr:addChildNodes', 'jcr:removeChildNodes');
      }
    } else if (parent !== '' && !isCarriedAlong(plan, node)) {
      require(parent, 'jcr:addChildNodes');
    }
    if (setsProperties(node)) require(node.path, 'jcr:modifyProperties');
  }
}

function isCarriedAlong(plan: SavePlan, node: PlannedNode): boolean {
  return !node.inPlace && node.origin !== undefined && !isMoveRoot(plan, node) && !setsProperties(node);
}

function setsProperties({ record, origin }: PlannedNode): boolean {
  // Checking in and out has a privilege of its own, and other ways to that property are closed.
  const isOwn = (name: string) =>
    isCheckedOutState(record, name) && (!origin || isCheckedOutState(origin.record, name));
  if (origin) return changedProperties(origin.record, record).some((name) => !isOwn(name));
  return [...record.properties.keys()].some((name) => !ownProperties.has(name) && !isOwn(name));
}

function refused(path: string, missing: readonly AtomicPrivilege[], evaluator: AccessEvaluator): RepositoryError {
  if (!evaluator.canRead(path)) {
    return new RepositoryError('PATH_NOT_FOUND', `There is no node ${path}, or it may not be read.`, { paths: [path] });
  }
  return new RepositoryError('ACCESS_DENIED', `The user lacks ${missing.join(', ')} at ${path}.`, { paths: [path] });
}
