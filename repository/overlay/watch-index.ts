/**
 * Which cached resources a change in the repository touches: a tree of the paths they were read from, so that a commit costs
 * the depth of its paths and what it touches, however much is cached.
 */
import type { Change } from '../api.js';
import { isDescendantOrSelf } from '../path.js';

/** A place that was read for a resource. */
export interface Watched {
  /** Where the layer begins: the nodes from here down to `path` were read too, for what they hide. */
  readonly root: string;
  /** Read with all below. */
  readonly path: string;
}

interface Place<Entry> {
  /** Both are made when they are needed: most places lie on the way to one other. */
  below: Map<string, Place<Entry>> | undefined;
  entries: Set<Entry> | undefined;
  /** How many entries have a layer that begins here. */
  roots: number;
}

const groupsRoot = '/home/groups';

export class WatchIndex<Entry> {
  readonly #top: Place<Entry> = newPlace();

  add(entry: Entry, watched: readonly Watched[]): void {
    for (const { root, path } of watched) {
      const top = placeBelow(this.#top, namesOf(root));
      top.roots++;
      const place = placeBelow(top, namesOf(path.slice(root.length)));
      (place.entries ??= new Set()).add(entry);
    }
  }

  delete(entry: Entry, watched: readonly Watched[]): void {
    for (const { root, path } of watched) {
      this.#leave(path, (place) => place.entries?.delete(entry));
      this.#leave(root, (place) => place.roots--);
    }
  }

  /** The entries that may look different after the change; `'all'` when it may alter what anybody can read anywhere. */
  touchedBy(change: Change): ReadonlySet<Entry> | 'all' {
    const touched = new Set<Entry>();
    for (const path of change.from === undefined ? [change.path] : [change.path, change.from]) {
      // Who is in a group decides what they may read.
      if (isDescendantOrSelf(path, groupsRoot) || isRemoval(change, path)) return 'all';
      const policy = path.search(/\/rep:policy(\/|$)/);
      if (policy >= 0) this.#collect(path.slice(0, policy), true, touched);
      else this.#collect(path, change.kind !== 'propertiesChanged' && change.kind !== 'childrenReordered', touched);
    }
    return touched;
  }

  all(): ReadonlySet<Entry> {
    const all = new Set<Entry>();
    addAll(this.#top, all);
    collectBelow(this.#top, all);
    return all;
  }

  /** @param isWhole whether all below the path came, went or may be read differently */
  #collect(path: string, isWhole: boolean, into: Set<Entry>): void {
    let place: Place<Entry> | undefined = this.#top;
    let isInLayer = place.roots > 0;
    addAll(place, into);
    for (const name of namesOf(path)) {
      place = place.below?.get(name);
      if (!place) return;
      addAll(place, into);
      isInLayer ||= place.roots > 0;
    }
    // Within a layer a node may hide what is below it.
    if (isWhole || isInLayer) collectBelow(place, into);
  }

  /** Takes something away from a place, and the place when nothing is left there. */
  #leave(path: string, take: (place: Place<Entry>) => void): void {
    const names = namesOf(path);
    const places = [this.#top];
    for (const name of names) {
      const next = places.at(-1)?.below?.get(name);
      if (!next) return;
      places.push(next);
    }
    const last = places.at(-1);
    if (last) take(last);
    for (let depth = names.length; depth > 0; depth--) {
      const { below, entries, roots } = places[depth] ?? this.#top;
      if ((below?.size ?? 0) > 0 || (entries?.size ?? 0) > 0 || roots > 0) return;
      places[depth - 1]?.below?.delete(names[depth - 1] ?? '');
    }
  }
}

function placeBelow<Entry>(top: Place<Entry>, names: readonly string[]): Place<Entry> {
  let place = top;
  for (const name of names) {
    const below = (place.below ??= new Map<string, Place<Entry>>());
    let next = below.get(name);
    if (!next) below.set(name, (next = newPlace()));
    place = next;
  }
  return place;
}

function newPlace<Entry>(): Place<Entry> {
  return { below: undefined, entries: undefined, roots: 0 };
}

function namesOf(path: string): readonly string[] {
  return path === '' || path === '/' ? [] : path.slice(1).split('/');
}

function addAll<Entry>({ entries }: Place<Entry>, into: Set<Entry>): void {
  for (const entry of entries ?? []) into.add(entry);
}

function collectBelow<Entry>({ below }: Place<Entry>, into: Set<Entry>): void {
  for (const place of below?.values() ?? []) {
    addAll(place, into);
    collectBelow(place, into);
  }
}

/** Whether all groups went, or came, with a change above them. */
function isRemoval({ kind }: Change, path: string): boolean {
  return (kind === 'nodeRemoved' || kind === 'nodeMoved') && isDescendantOrSelf(groupsRoot, path);
}
