/**
 * The repository as its documents describe it, as plainly as can be: every session has a whole copy of what it sees. Written from
 * repository/api.ts and docs/decisions/0001 and 0002; only the arithmetic of places is the repository's own.
 */
import { appendedPosition, positionBetween } from '../../../repository/child-position.js';
import type { RepositoryErrorCode } from '../../../repository/errors.js';
import type { ModelType, PropertyChanges } from './operation.js';

export interface ModelNode {
  readonly id: string;
  readonly type: ModelType;
  readonly place: string | undefined;
  /** JSON of each property. */
  readonly properties: ReadonlyMap<string, string>;
  /** The commit that wrote it. */
  readonly version: number;
}

export type Content = ReadonlyMap<string, ModelNode>;

/** A node as a session changed it. */
export interface Changed {
  readonly node: ModelNode;
  /** What it was when the session first touched it; `undefined` for a new node. */
  readonly origin: { readonly path: string; readonly node: ModelNode } | undefined;
}

/** `undefined`: it is done. Of several reasons against a save any may be named. */
export type Outcome = RepositoryErrorCode | readonly RepositoryErrorCode[] | undefined;

export const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const isBelow = (path: string, ancestor: string): boolean => path.startsWith(`${ancestor}/`);
const isAtOrBelow = (path: string, ancestor: string): boolean => path === ancestor || isBelow(path, ancestor);

/** What is saved: contents are never changed, so a session's snapshot is a reference to one. */
export class ModelStore {
  /** When each path was last written or removed. */
  readonly #touched = new Map<string, number>();

  constructor(
    public content: Content,
    public sequence: number,
  ) {}

  isUnchanged(subtree: string, since: number): boolean {
    return [...this.#touched].every(([path, sequence]) => sequence <= since || !isAtOrBelow(path, subtree));
  }

  commit(removed: Iterable<string>, written: ReadonlyMap<string, ModelNode>): void {
    this.sequence++;
    const next = new Map(this.content);
    for (const path of removed) {
      next.delete(path);
      this.#touched.set(path, this.sequence);
    }
    for (const [path, node] of written) {
      next.set(path, { ...node, version: this.sequence });
      this.#touched.set(path, this.sequence);
    }
    this.content = next;
  }
}

export class ModelSession {
  #snapshot: Content;
  sequence: number;
  readonly #changed = new Map<string, Changed>();
  /** Stored subtrees that are gone for this session; the sequence at which they were moved away, when they were. */
  readonly #gone = new Map<string, number | undefined>();
  #placed = 0;

  constructor(protected readonly store: ModelStore) {
    this.#snapshot = store.content;
    this.sequence = store.sequence;
  }

  get hasPendingChanges(): boolean {
    return this.#changed.size > 0 || this.#gone.size > 0;
  }

  /** Everything the session sees. */
  view(): Map<string, ModelNode> {
    return this.everything();
  }

  /** What a listing from `_root` on shows, with the root. */
  listed(_root: string): Map<string, ModelNode> {
    return this.view();
  }

  /** What there is for the session, whether it may see it or not. */
  everything(): Map<string, ModelNode> {
    const view = new Map([...this.#snapshot].filter(([path]) => !this.#isGone(path)));
    for (const [path, { node }] of this.#changed) view.set(path, node);
    return view;
  }

  children(parent: string): string[] {
    const view = this.view();
    if (!view.has(parent)) return [];
    const place = (path: string): string => view.get(path)?.place ?? '';
    return [...view.keys()]
      .filter((path) => parentOf(path) === parent)
      .sort((a, b) => compare(place(a), place(b)) || compare(nameOf(a), nameOf(b)));
  }

  add(path: string, type: ModelType, values: PropertyChanges, newId: () => string): Outcome {
    const view = this.view();
    const parent = view.get(parentOf(path));
    if (!parent) return 'PATH_NOT_FOUND';
    if (view.has(path)) return 'ITEM_EXISTS';
    const properties = withChanges(new Map(), values);
    const node = { id: newId(), type, place: this.#nextPlace(parent), properties, version: 0 };
    this.#changed.set(path, { node, origin: undefined });
    return undefined;
  }

  set(path: string, values: PropertyChanges): Outcome {
    const node = this.view().get(path);
    if (!node) return 'PATH_NOT_FOUND';
    this.#change(path, { ...node, properties: withChanges(node.properties, values) });
    return undefined;
  }

  remove(path: string): Outcome {
    if (!this.view().has(path)) return 'PATH_NOT_FOUND';
    this.#takeAway(path, undefined);
    return undefined;
  }

  move(from: string, to: string): Outcome {
    const view = this.view();
    if (!view.has(from)) return 'PATH_NOT_FOUND';
    if (view.has(to)) return 'ITEM_EXISTS';
    if (isAtOrBelow(to, from)) return 'CONSTRAINT_VIOLATION';
    const parent = view.get(parentOf(to));
    if (!parent) return 'PATH_NOT_FOUND';
    const moved = [...view]
      .filter(([path]) => isAtOrBelow(path, from))
      .map(([path, node]): [string, Changed] => [
        to + path.slice(from.length),
        {
          node: path === from ? { ...node, place: this.#nextPlace(parent) } : node,
          origin: this.#originOf(path, node),
        },
      ]);
    this.#takeAway(from, this.sequence);
    for (const [path, changed] of moved) this.#changed.set(path, changed);
    return undefined;
  }

  orderBefore(path: string, sibling: string | undefined): Outcome {
    const view = this.view();
    const [node, parent] = [view.get(path), view.get(parentOf(path))];
    if (!node || !parent) return 'PATH_NOT_FOUND';
    if (parent.type === 'sling:Folder') return 'CONSTRAINT_VIOLATION';
    if (sibling === undefined) {
      this.#change(path, { ...node, place: this.#nextPlace(parent) });
      return undefined;
    }
    const target = `${parentOf(path)}/${sibling}`;
    if (!view.has(target)) return 'PATH_NOT_FOUND';
    if (target === path) return undefined;
    const order = this.children(parentOf(path)).filter((child) => child !== path);
    const index = order.indexOf(target);
    const before = index > 0 ? view.get(order[index - 1] ?? '')?.place : undefined;
    const after = view.get(target)?.place;
    if (after !== undefined && (index === 0 || (before !== undefined && before < after))) {
      this.#change(path, { ...node, place: positionBetween(before, after) });
      return undefined;
    }
    for (const child of order.toSpliced(index, 0, path)) {
      const its = view.get(child);
      if (its) this.#change(child, { ...its, place: this.#nextPlace(parent) });
    }
    return undefined;
  }

  /** Where the session has changed something itself. */
  protected hasChangedAt(path: string): boolean {
    return this.#changed.has(path);
  }

  /** What a save would do. */
  plan(): { readonly removed: readonly string[]; readonly nodes: ReadonlyMap<string, Changed> } {
    const nodes = [...this.#changed].filter(([path, changed]) => !this.isInPlace(path, changed) || differs(changed));
    return { removed: [...this.#gone.keys()], nodes: new Map(nodes) };
  }

  save(): Outcome {
    const { removed, nodes } = this.plan();
    if (nodes.size === 0 && removed.length === 0) {
      this.#changed.clear();
      return undefined;
    }
    const written = this.merged();
    if (!written) return 'CONFLICT';
    this.store.commit(
      [...this.#snapshot.keys()].filter((path) => this.#isGone(path)),
      written,
    );
    this.#drop();
    this.#moveToHead();
    return undefined;
  }

  /** What the save would write over the newest content; `undefined` when that is a conflict. */
  protected merged(): Map<string, ModelNode> | undefined {
    const written = new Map<string, ModelNode>();
    const { store } = this;
    const planned = this.plan().nodes;
    for (const [path, changed] of planned) {
      const { node, origin } = changed;
      const theirs = store.content.get(path);
      if (origin && this.isInPlace(path, changed)) {
        const merged = theirs && merge(origin.node, node, theirs);
        if (!merged) return undefined;
        written.set(path, merged);
        continue;
      }
      if (origin && store.content.get(origin.path)?.version !== origin.node.version) return undefined;
      if (theirs && !this.#isGone(path)) return undefined;
      const parent = parentOf(path);
      if (!planned.has(parent) && (!store.content.has(parent) || this.#isGone(parent))) return undefined;
      written.set(path, node);
    }
    const isUnchanged = [...this.#gone].every(([path, movedAt]) => store.isUnchanged(path, movedAt ?? this.sequence));
    return isUnchanged ? written : undefined;
  }

  refresh(keep: boolean): void {
    if (!keep) this.#drop();
    const newest = this.store.content;
    for (const [path, { node, origin }] of this.#changed) {
      const theirs = newest.get(path);
      if (origin?.path !== path || theirs?.id !== origin.node.id || this.#isGone(path)) continue;
      this.#changed.set(path, { node: reapply(origin.node, node, theirs), origin: { path, node: theirs } });
    }
    for (const [path, movedAt] of this.#gone) {
      if (movedAt === undefined && !newest.has(path)) this.#gone.delete(path);
    }
    this.#moveToHead();
  }

  #moveToHead(): void {
    this.#snapshot = this.store.content;
    this.sequence = this.store.sequence;
  }

  #drop(): void {
    this.#changed.clear();
    this.#gone.clear();
  }

  #change(path: string, node: ModelNode): void {
    this.#changed.set(path, { node, origin: this.#originOf(path, node) });
  }

  #originOf(path: string, node: ModelNode): Changed['origin'] {
    const changed = this.#changed.get(path);
    return changed ? changed.origin : { path, node: this.#snapshot.get(path) ?? node };
  }

  #takeAway(subtree: string, movedAt: number | undefined): void {
    const isStored = this.#snapshot.has(subtree) && !this.#isGone(subtree);
    for (const path of this.#changed.keys()) if (isAtOrBelow(path, subtree)) this.#changed.delete(path);
    if (!isStored) return;
    for (const [path, at] of this.#gone) if (isBelow(path, subtree) && at === undefined) this.#gone.delete(path);
    this.#gone.set(subtree, movedAt);
  }

  #isGone(path: string): boolean {
    return [...this.#gone.keys()].some((subtree) => isAtOrBelow(path, subtree));
  }

  protected isInPlace(path: string, { origin }: Changed): boolean {
    return origin?.path === path && !this.#isGone(path);
  }

  #nextPlace(parent: ModelNode): string | undefined {
    return parent.type === 'sling:Folder' ? undefined : appendedPosition(this.sequence, this.#placed++);
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function withChanges(properties: ReadonlyMap<string, string>, values: PropertyChanges): Map<string, string> {
  const changed = new Map(properties);
  for (const [name, value] of Object.entries(values)) {
    if (value) changed.set(name, value.property);
    else changed.delete(name);
  }
  return changed;
}

export function changedNames(from: ModelNode, to: ModelNode): string[] {
  const names = new Set([...from.properties.keys(), ...to.properties.keys()]);
  return [...names].filter((name) => from.properties.get(name) !== to.properties.get(name));
}

function differs({ node, origin }: Changed): boolean {
  return !origin || node.place !== origin.node.place || changedNames(origin.node, node).length > 0;
}

/** What only one side changed is taken from it; `undefined` when both changed one thing to something different. */
function merge(base: ModelNode, mine: ModelNode, theirs: ModelNode): ModelNode | undefined {
  if (theirs.id !== base.id) return undefined;
  const theirNames = new Set(changedNames(base, theirs));
  const clash = changedNames(base, mine).some(
    (name) => theirNames.has(name) && mine.properties.get(name) !== theirs.properties.get(name),
  );
  const bothMoved = mine.place !== base.place && theirs.place !== base.place && mine.place !== theirs.place;
  return clash || bothMoved ? undefined : reapply(base, mine, theirs);
}

function reapply(base: ModelNode, mine: ModelNode, theirs: ModelNode): ModelNode {
  const properties = new Map(theirs.properties);
  for (const name of changedNames(base, mine)) {
    const value = mine.properties.get(name);
    if (value === undefined) properties.delete(name);
    else properties.set(name, value);
  }
  return { ...theirs, place: mine.place === base.place ? theirs.place : mine.place, properties };
}
