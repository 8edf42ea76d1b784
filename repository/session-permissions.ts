/** The privileges a save needs, all decided in one place (JCR 2.0, section 16.6; Oak for what that leaves open). */
import { isAuthorizable, makesPrincipal } from './access/authorizables.js';
import { controlledPath } from './access/controlled-path.js';
import type { AccessEvaluator } from './access/evaluate.js';
import type { AtomicPrivilege } from './access/privileges.js';
import { RepositoryError } from './errors.js';
import { parentOf } from './path.js';
import type { NodeRecord } from './record.js';
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

/** Stored nodes that rights may go by the type of, by path. */
type StoredRecords = ReadonlyMap<string, { readonly record: NodeRecord }>;

/** Whose types the rights of a save may go by, beside the nodes that it writes or removes. */
export function pathsAskedFor(plan: SavePlan): string[] {
  const touched = [...plan.nodes.values(), ...plan.removed].map(({ path }) => controlledPath(path) ?? parentOf(path));
  return [...new Set(touched)].filter((path) => path !== '');
}

/**
 * @param stored nodes of `pathsAskedFor`, where the user's rights go by types
 * @throws ACCESS_DENIED where the user may read the node in question, else PATH_NOT_FOUND
 */
export function assertPermitted(plan: SavePlan, evaluator: AccessEvaluator, stored: StoredRecords = new Map()): void {
  if (evaluator.mayDoEverything) return;
  const rights = new RightsOfSave(plan, evaluator, stored);
  for (const removed of plan.removed) rights.assertRemovable(removed);
  for (const node of plan.nodes.values()) {
    const controlled = controlledPath(node.path);
    // A policy that comes along inside a moved subtree is not set by the user.
    if (controlled === undefined) rights.assertWritable(node);
    else if (!isCarriedAlong(plan, node)) rights.require(controlled, 'jcr:modifyAccessControl');
  }
}

class RightsOfSave {
  constructor(
    private readonly plan: SavePlan,
    private readonly evaluator: AccessEvaluator,
    private readonly stored: StoredRecords,
  ) {}

  assertRemovable({ path, movedAt, nodes }: RemovedNodes): void {
    const controlled = controlledPath(path);
    if (controlled !== undefined) {
      this.require(controlled, 'jcr:modifyAccessControl');
      return;
    }
    // What was moved out of a subtree that is gone by now needs its own right, even when nothing is stored there any more.
    if (nodes.length === 0 && movedAt === undefined) return;
    const [root] = nodes;
    if (!root || !isAuthorizable(root.record)) {
      this.require(parentOf(path), 'jcr:removeChildNodes');
      this.#requireOf(path, root?.record, 'jcr:removeNode');
    }
    // Both are named after the subtree's root: what is protected may be a node the user must not know of.
    for (const { path: below, record } of nodes) {
      if (isAuthorizable(record) && !this.evaluator.isAllowed(below, 'rep:userManagement', record)) {
        throw refused(path, root?.record, ['rep:userManagement'], this.evaluator);
      }
    }
    for (const below of this.evaluator.policiesBelow(path)) {
      const record = nodes.find((node) => node.path === below)?.record;
      if (!this.evaluator.isAllowed(below, 'jcr:removeNode', record)) {
        throw refused(path, root?.record, ['jcr:removeNode'], this.evaluator);
      }
    }
  }

  assertWritable(node: PlannedNode): void {
    const { path, record, origin, inPlace } = node;
    const parent = parentOf(path);
    const authorizable = isAuthorizable(record) || (origin !== undefined && isAuthorizable(origin.record));
    if (inPlace) {
      if (record.position !== origin?.record.position) {
        this.require(parent, 'jcr:addChildNodes', 'jcr:removeChildNodes');
      }
    } else if (authorizable) {
      this.require(path, 'rep:userManagement');
    } else if (parent !== '' && !isCarriedAlong(this.plan, node)) {
      this.require(parent, 'jcr:addChildNodes');
    }
    for (const name of writtenProperties(node)) {
      if (authorizable && makesPrincipal(name)) {
        this.require(path, 'rep:userManagement');
        continue;
      }
      const managed = managedProperties.get(name);
      if (managed !== undefined) this.require(path, managed);
      else if (name !== 'jcr:uuid') this.#requireOnProperty(node, name);
    }
  }

  require(path: string, ...privileges: AtomicPrivilege[]): void {
    const planned = this.plan.nodes.get(path);
    this.#requireOf(path, planned ? typedBy(planned) : this.stored.get(path)?.record, ...privileges);
  }

  #requireOf(path: string, record: NodeRecord | undefined, ...privileges: AtomicPrivilege[]): void {
    const missing = privileges.filter((privilege) => !this.evaluator.isAllowed(path, privilege, record));
    if (missing.length > 0) throw refused(path, record, missing, this.evaluator);
  }

  #requireOnProperty(node: PlannedNode, name: string): void {
    const { path, record, origin } = node;
    const privilege = !origin?.record.properties.has(name)
      ? 'rep:addProperties'
      : record.properties.has(name)
        ? 'rep:alterProperties'
        : 'rep:removeProperties';
    const typed = typedBy(node);
    if (this.evaluator.isAllowedOnProperty(path, name, privilege, typed)) return;
    throw refused(path, typed, [privilege], this.evaluator);
  }
}

/** The record whose type rights go by: a type that the save only gives the node adds none to it. */
function typedBy({ record, origin }: PlannedNode): NodeRecord {
  return origin?.record ?? record;
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

function refused(
  path: string,
  record: NodeRecord | undefined,
  missing: readonly AtomicPrivilege[],
  evaluator: AccessEvaluator,
): RepositoryError {
  if (!evaluator.canRead(path, record)) {
    return new RepositoryError('PATH_NOT_FOUND', `There is no node ${path}, or it may not be read.`, { paths: [path] });
  }
  return new RepositoryError('ACCESS_DENIED', `The user lacks ${missing.join(', ')} at ${path}.`, { paths: [path] });
}
