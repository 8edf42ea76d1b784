/**
 * Rights as docs/decisions/0007 describes them, over the model of the content: policies lie on a few nodes that stay where they are, so
 * that every other node has the rights of the nearest of these.
 */
import { expandPrivileges } from '../../../repository/access/privileges.js';
import type { AtomicPrivilege } from '../../../repository/access/privileges.js';
import type { NewPolicyEntry } from '../../../repository/access/policy.js';
import type { RepositoryErrorCode } from '../../../repository/errors.js';
import { changedNames, ModelSession, ModelStore, parentOf } from './model.js';
import type { Changed, Content, ModelNode, Outcome } from './model.js';

/** Entries by the path of the node they control. */
export type Policies = ReadonlyMap<string, readonly NewPolicyEntry[]>;

export class RightsStore extends ModelStore {
  constructor(
    content: Content,
    sequence: number,
    public policies: Policies,
  ) {
    super(content, sequence);
  }

  setPolicy(path: string, entries: readonly NewPolicyEntry[]): void {
    const before = this.policies.get(path) ?? [];
    // Nothing is saved.
    if (before.length === 0 && entries.length === 0) return;
    this.policies = new Map(this.policies).set(path, entries);
    this.commit([], new Map());
  }
}

/** The first entry that names the privilege: the user's before the groups', nearest first, the last one first. */
function allows(policies: Policies, principals: Principals, path: string, privilege: AtomicPrivilege): boolean {
  for (const names of [[principals.user], principals.groups]) {
    for (let node = path; node !== ''; node = parentOf(node)) {
      const entry = policies
        .get(node)
        ?.findLast((each) => names.includes(each.principal) && expandPrivileges(each.privileges).has(privilege));
      if (entry) return entry.kind === 'allow';
    }
  }
  return false;
}

export interface Principals {
  readonly user: string;
  readonly groups: readonly string[];
}

/** A session that sees what its user may read, and saves what its user may change. */
export class RightsSession extends ModelSession {
  /** Of the commit that the session sees. */
  #policies: Policies;

  constructor(
    protected override readonly store: RightsStore,
    private readonly principals: Principals,
  ) {
    super(store);
    this.#policies = store.policies;
  }

  override view(): Map<string, ModelNode> {
    return new Map([...this.everything()].filter(([path]) => this.#canRead(path)));
  }

  override listed(root: string): Map<string, ModelNode> {
    const view = this.view();
    const isListed = (path: string): boolean => view.has(path) && (path === root || isListed(parentOf(path)));
    return new Map([...view].filter(([path]) => isListed(path)));
  }

  override move(from: string, to: string): Outcome {
    // A change of one's own is known even where it may not be read any more.
    return this.view().has(from) && this.hasChangedAt(to) ? 'ITEM_EXISTS' : super.move(from, to);
  }

  override save(): Outcome {
    const { removed, nodes } = this.plan();
    if (removed.length > 0 || nodes.size > 0) {
      const refused = this.#refusals(nodes, this.#policies);
      if (refused.length > 0) return refused;
      const merged = this.merged();
      if (!merged) return ['CONFLICT', ...this.#hiddenConflicts(nodes)];
      if (this.store.policies !== this.#policies) {
        const refusedNow = this.#refusals(this.#onNewest(nodes, merged), this.store.policies);
        if (refusedNow.length > 0) return refusedNow;
      }
    }
    const before = this.sequence;
    const outcome = super.save();
    if (this.sequence !== before) this.#policies = this.store.policies;
    return outcome;
  }

  override refresh(keep: boolean): void {
    super.refresh(keep);
    this.#policies = this.store.policies;
  }

  #canRead(path: string, policies = this.#policies): boolean {
    return allows(policies, this.principals, path, 'rep:readNodes');
  }

  /** As `nodes`, where the changes of others were merged. */
  #onNewest(nodes: ReadonlyMap<string, Changed>, merged: ReadonlyMap<string, ModelNode>): ReadonlyMap<string, Changed> {
    return new Map(
      [...nodes].map(([path, changed]) => {
        const [node, theirs] = [merged.get(path), this.store.content.get(path)];
        const isMerged = node && theirs && this.isInPlace(path, changed);
        return [path, isMerged ? { node, origin: { path, node: theirs } } : changed];
      }),
    );
  }

  /** Who adds what another has added where it may not be read is told that it may not be added. */
  #hiddenConflicts(nodes: ReadonlyMap<string, Changed>): RepositoryErrorCode[] {
    const isHidden = [...nodes.keys()].some(
      (path) => this.store.content.has(path) && !this.#canRead(path, this.store.policies),
    );
    return isHidden ? ['ACCESS_DENIED'] : [];
  }

  /** What stands against the changes, each in the words for who may read the node in question and who may not. */
  #refusals(nodes: ReadonlyMap<string, Changed>, policies: Policies): RepositoryErrorCode[] {
    const missing = this.#needed(nodes).filter(
      ([path, privilege]) => !allows(policies, this.principals, path, privilege),
    );
    return missing.map(([path]) => (this.#canRead(path, policies) ? 'ACCESS_DENIED' : 'PATH_NOT_FOUND'));
  }

  #needed(nodes: ReadonlyMap<string, Changed>): [string, AtomicPrivilege][] {
    const removals = this.plan().removed.flatMap((path): [string, AtomicPrivilege][] => [
      [parentOf(path), 'jcr:removeChildNodes'],
      [path, 'jcr:removeNode'],
    ]);
    return [...removals, ...[...nodes].flatMap(([path, changed]) => this.#neededFor(nodes, path, changed))];
  }

  #neededFor(nodes: ReadonlyMap<string, Changed>, path: string, changed: Changed): [string, AtomicPrivilege][] {
    const { node, origin } = changed;
    const needed: [string, AtomicPrivilege][] = [];
    const names = origin ? changedNames(origin.node, node) : [...node.properties.keys()];
    if (this.isInPlace(path, changed)) {
      if (node.place !== origin?.node.place) {
        needed.push([parentOf(path), 'jcr:addChildNodes'], [parentOf(path), 'jcr:removeChildNodes']);
      }
    } else if (names.length > 0 || !origin || !this.#cameWithParent(nodes, path, origin.path)) {
      needed.push([parentOf(path), 'jcr:addChildNodes']);
    }
    for (const name of names) {
      if (!origin?.node.properties.has(name)) needed.push([path, 'rep:addProperties']);
      else needed.push([path, node.properties.has(name) ? 'rep:alterProperties' : 'rep:removeProperties']);
    }
    return needed;
  }

  #cameWithParent(nodes: ReadonlyMap<string, Changed>, path: string, from: string): boolean {
    const parent = nodes.get(parentOf(path));
    const isMoved = parent?.origin !== undefined && !this.isInPlace(parentOf(path), parent);
    return isMoved && parent.origin.path === parentOf(from) && path.endsWith(from.slice(from.lastIndexOf('/')));
  }
}
