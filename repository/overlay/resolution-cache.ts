/**
 * Resolved resources, kept until a commit touches them. An entry belongs to one user, because what a user may not read
 * is not in it, and to the commits since it was read: a session that is older never gets it.
 */
import type { Change, CommitEvent, Repository, Session } from '../api.js';
import { RepositoryError } from '../errors.js';
import { isDescendantOrSelf } from '../path.js';
import type { Layer, MergedResource } from './api.js';

interface Entry {
  /** Commit of the session it was read with. */
  readonly sequence: number;
  /** The resource's path in every layer. */
  readonly watched: readonly string[];
  readonly resource: MergedResource | undefined;
}

export interface ResolutionCache {
  get(
    session: Session,
    layers: readonly Layer[],
    path: string,
    resolve: () => Promise<MergedResource | undefined>,
  ): Promise<MergedResource | undefined>;
}

export function createResolutionCache(
  repository: Pick<Repository, 'commitsAfter'>,
  maximumEntries = 5_000,
): ResolutionCache {
  const entries = new Map<string, Entry>();
  /** Every entry is valid for this commit: all commits up to it were looked at. */
  let followed: number | undefined;
  let following = Promise.resolve();

  function evict(commit: CommitEvent): void {
    if (commit.changes.some(affectsRights)) {
      entries.clear();
      return;
    }
    const paths = commit.changes.flatMap(({ path, from }) => (from === undefined ? [path] : [path, from]));
    const relevant = paths.filter((path) => path === '/' || /^\/(apps|libs|conf)(\/|$)/.test(path));
    if (relevant.length === 0) return;
    for (const [key, { watched }] of entries) {
      // A change above counts too: it may remove the resource, or hide it by a directive.
      const touched = watched.some((resource) =>
        relevant.some((path) => isDescendantOrSelf(path, resource) || isDescendantOrSelf(resource, path)),
      );
      if (touched) entries.delete(key);
    }
  }

  async function followTo(sequence: number): Promise<void> {
    followed ??= sequence;
    if (sequence <= followed) return;
    try {
      for await (const commit of repository.commitsAfter(followed)) {
        followed = commit.sequence;
        evict(commit);
        if (commit.sequence >= sequence) break;
      }
    } catch (error) {
      entries.clear();
      const isTrimmed = error instanceof RepositoryError && error.code === 'JOURNAL_TRIMMED';
      // Nothing is kept that a commit which is not known any more could have touched.
      followed = isTrimmed ? sequence : undefined;
      if (!isTrimmed) throw error;
    }
  }

  return {
    async get(session, layers, path, resolve) {
      if (session.hasPendingChanges) return resolve();
      const { sequence, userId } = session;
      following = following.catch(() => undefined).then(() => followTo(sequence));
      await following;
      const key = JSON.stringify([userId, layers.map(({ root }) => root), path]);
      const cached = entries.get(key);
      if (cached && cached.sequence <= sequence) return cached.resource;
      const resource = await resolve();
      // Only what was read at the newest commit looked at: for anything older, evictions may have passed already.
      if (followed === sequence && session.sequence === sequence) {
        if (entries.size >= maximumEntries) entries.clear();
        entries.set(key, { sequence, watched: layers.map(({ root }) => (path ? `${root}/${path}` : root)), resource });
      }
      return resource;
    },
  };
}

/** Whether the change may alter what somebody can read: an access control list, or who belongs to a group. */
function affectsRights({ path, from }: Change): boolean {
  return [path, from ?? ''].some((at) => /\/rep:policy(\/|$)/.test(at) || isDescendantOrSelf(at, '/home'));
}
