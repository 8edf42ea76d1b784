/** Which changes an observer wants to see. */
import type { Change, ChangeFilter, CommitEvent } from './api.js';
import { isDescendantOrSelf } from './path.js';

/** @returns the commit with the changes that match; `undefined` when none does */
export function createChangeFilter(filter: ChangeFilter): (event: CommitEvent) => CommitEvent | undefined {
  const places = filter.paths?.map(createPlace);
  const kinds = filter.kinds && new Set(filter.kinds);
  const types = filter.types && new Set(filter.types);
  const matches = (change: Change): boolean => {
    if (kinds && !kinds.has(change.kind)) return false;
    // A move is told once, of its root: nodes of any type may have moved along, from and to any place below.
    if (change.kind === 'nodeMoved') {
      return !places || places.some((place) => place.mayHold(change.path) || place.mayHold(change.from ?? change.path));
    }
    if (types && !types.has(change.primaryType)) return false;
    return !places || places.some((place) => place.holds(change.path));
  };
  return (event) => {
    const changes = event.changes.filter(matches);
    return changes.length === 0 ? undefined : { ...event, changes };
  };
}

interface Place {
  holds(path: string): boolean;
  /** Whether it holds the path, or may hold something below it. */
  mayHold(path: string): boolean;
}

/** A path stands for itself and all below; with `*` (part of a name) or `**` (any number of names), exactly for what matches. */
function createPlace(pattern: string): Place {
  const star = pattern.indexOf('*');
  // Names hold no `*`, so one is always a wildcard.
  const base = star < 0 ? pattern : pattern.slice(0, pattern.lastIndexOf('/', star)) || '/';
  const mayHold = (path: string) => isDescendantOrSelf(path, base) || isDescendantOrSelf(base, path);
  if (star < 0) return { holds: (path) => isDescendantOrSelf(path, base), mayHold };
  const expression = pattern
    .split(/(\*\*|\*)/)
    .map((part) => (part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replace(/[\\^$.+?()[\]{}|]/g, '\\$&')))
    .join('');
  const regularExpression = new RegExp(`^${expression}$`, 'su');
  return { holds: (path) => regularExpression.test(path), mayHold };
}
