/** What a commit means to launchers: one event per node, moved subtrees node by node, in an order that can be taken up again. */
import type { Change, CommitEvent, Session } from '../../repository/api.js';
import { isDescendantOrSelf } from '../../repository/path.js';
import type { EventKind } from './launcher-definition.js';
import type { NodeEvent } from './launcher-match.js';

/** A place in a commit: the change, and, in a moved subtree, the last node that was dealt with. */
export interface CommitPlace {
  readonly index: number;
  readonly within?: string;
}

export interface PlacedEvent {
  readonly place: CommitPlace;
  readonly event: NodeEvent;
}

/** The engine's own records: what it writes about a launch must not be an event. */
const ownFolders = ['/var/workflow', '/var/satchel'];

const kindOf: Readonly<Partial<Record<Change['kind'], EventKind>>> = {
  nodeAdded: 'added',
  propertiesChanged: 'changed',
  nodeRemoved: 'removed',
  nodeMoved: 'moved',
};

/**
 * @param session sees the newest state: what came along with a move is read from it
 * @param bases paths at or below which all lies that launchers are about
 * @param after where an earlier round ended
 */
export async function* nodeEvents(
  commit: CommitEvent,
  session: Session,
  bases: readonly string[],
  after?: CommitPlace,
): AsyncGenerator<PlacedEvent> {
  const { changes, userId, userData } = commit;
  const isAbout = (path: string) =>
    bases.some((base) => isDescendantOrSelf(path, base)) && !ownFolders.some((own) => isDescendantOrSelf(path, own));
  const roots = changes.filter(({ kind }) => kind === 'nodeMoved').map(({ path }) => path);
  const cameAlong = (path: string) => roots.some((root) => isDescendantOrSelf(path, root));
  const added = new Set(roots.length === 0 ? [] : pathsOf(changes, 'nodeAdded'));
  const changed = new Set(roots.length === 0 ? [] : pathsOf(changes, 'propertiesChanged'));
  const movedKinds = (path: string): EventKind[] => (changed.has(path) ? ['moved', 'changed'] : ['moved']);

  for (const [index, { kind, path, primaryType }] of changes.entries()) {
    if (after && index < after.index) continue;
    const eventKind = kindOf[kind];
    if (!eventKind) continue;
    const isTakenUp = after?.index === index;
    if (eventKind !== 'moved') {
      // A node that came along and was changed too is one event.
      if (isTakenUp || !isAbout(path) || (eventKind === 'changed' && cameAlong(path))) continue;
      yield { place: { index }, event: { kinds: [eventKind], path, primaryType, userId, userData } };
      continue;
    }
    const mayHold = bases.some((base) => isDescendantOrSelf(path, base) || isDescendantOrSelf(base, path));
    if (!mayHold) continue;
    const last = isTakenUp ? after.within : undefined;
    if (isTakenUp && last === undefined) continue;
    if (last === undefined && isAbout(path)) {
      yield {
        place: { index, within: path },
        event: { kinds: movedKinds(path), path, primaryType, userId, userData },
      };
    }
    for await (const node of inNameOrder(session, path, last === path ? undefined : last)) {
      if (!isAbout(node.path) || added.has(node.path)) continue;
      const event = { kinds: movedKinds(node.path), path: node.path, primaryType: node.primaryType, userId, userData };
      yield { place: { index, within: node.path }, event };
    }
  }
}

function pathsOf(changes: readonly Change[], wanted: Change['kind']): string[] {
  return changes.filter(({ kind }) => kind === wanted).map(({ path }) => path);
}

interface Visited {
  readonly path: string;
  readonly primaryType: string;
}

/** The subtree without its root, by name, so that the place after a path is the same however children are ordered. */
async function* inNameOrder(session: Session, parent: string, after: string | undefined): AsyncGenerator<Visited> {
  const children: Visited[] = [];
  for await (const { path, primaryType } of session.children(parent)) children.push({ path, primaryType });
  children.sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const child of children) {
    const isOnTheWay = after !== undefined && isDescendantOrSelf(after, child.path);
    if (after !== undefined && !isOnTheWay && comesBefore(child.path, after)) continue;
    if (!isOnTheWay) yield child;
    yield* inNameOrder(session, child.path, isOnTheWay && after !== child.path ? after : undefined);
  }
}

/** In the order of the walk: by names, one level after the other. */
function comesBefore(path: string, other: string): boolean {
  const [names, others] = [path.split('/'), other.split('/')];
  for (const [level, name] of names.entries()) {
    const theirs = others[level];
    if (theirs === undefined) return false;
    if (name !== theirs) return name < theirs;
  }
  return true;
}
