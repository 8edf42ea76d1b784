/** What a step did to a trial: seen from the journal, by the rights of the person who asks. */
import { findArchives } from '../../dam/download-job-store.js';
import { downloadsRoot } from '../../dam/download-job.js';
import type { Repository } from '../../repository/api.js';
import { isDescendantOrSelf } from '../../repository/path.js';
import type { SimulatedChange, SimulatedStep } from '../api.js';
import type { Trial } from './open-trial.js';

type Effects = Pick<SimulatedStep, 'changes' | 'changesInAll' | 'mails' | 'archives'>;

const listedChanges = 200;
/** How the engine keeps its own records is nothing that the step did. */
const recordsRoot = '/var/workflow';

export const noEffects: Effects = { changes: [], changesInAll: 0, mails: [], archives: [] };

export interface Watched {
  readonly trial: Trial;
  readonly user: string;
  readonly payload: string;
}

/** Runs `work` and tells what it changed. */
export async function watchEffects<T>(
  { trial, user, payload }: Watched,
  work: () => Promise<T>,
): Promise<{ readonly answer: PromiseSettledResult<T>; readonly effects: Effects }> {
  const { repository } = trial.services;
  const head = await repository.head();
  const before = await repository.login(user);
  try {
    const archivesBefore = await archiveNames(repository, payload);
    const [answer] = await Promise.allSettled([work()]);
    const all = await changesAfter(repository, head);
    const gone = (change: SimulatedChange) => change.change === 'removed';
    const readable = new Set<string>();
    await repository.withSession(user, async (after) => {
      for (const [session, paths] of [
        [before, all.filter(gone)],
        [after, all.filter((change) => !gone(change))],
      ] as const) {
        const nodes = await session.findNodes(paths.slice(0, listedChanges * 5).map(({ path }) => path));
        for (const node of nodes) if (node) readable.add(node.path);
      }
    });
    const archives = await archivesOf(repository, payload);
    return {
      answer,
      effects: {
        changes: all.filter(({ path }) => readable.has(path)).slice(0, listedChanges),
        changesInAll: all.length,
        mails: trial.takeMails().map(({ to, subject, locale }) => ({ to, subject, locale })),
        archives: archives.filter(({ file }) => !archivesBefore.has(file)),
      },
    };
  } finally {
    await before.close();
  }
}

/** One change a node, whatever happened to it on the way. */
async function changesAfter(repository: Repository, head: number): Promise<SimulatedChange[]> {
  const changes = new Map<string, SimulatedChange['change']>();
  for await (const commit of repository.commitsAfter(head)) {
    for (const { kind, path, from } of commit.changes) {
      if (isDescendantOrSelf(path, recordsRoot)) continue;
      const earlier = changes.get(path);
      switch (kind) {
        case 'nodeAdded':
          changes.set(path, earlier === 'removed' ? 'changed' : 'added');
          break;
        case 'nodeRemoved':
          if (earlier === 'added') changes.delete(path);
          else changes.set(path, 'removed');
          break;
        case 'nodeMoved':
          if (from !== undefined) changes.delete(from);
          changes.set(path, 'moved');
          break;
        case 'propertiesChanged':
        case 'childrenReordered':
          changes.set(path, earlier ?? 'changed');
      }
    }
  }
  return Array.from(changes, ([path, change]) => ({ path, change }));
}

async function archivesOf(repository: Repository, payload: string): Promise<SimulatedStep['archives']> {
  if (!isDescendantOrSelf(payload, downloadsRoot)) return [];
  return repository.withSession({ service: 'workflow' }, async (session) => {
    const packed = await findArchives(session, payload);
    // Every archive holds one manifest.
    return (packed?.parts ?? []).map(({ file, size, entries }) => ({ file, size, files: entries.length - 1 }));
  });
}

async function archiveNames(repository: Repository, payload: string): Promise<Set<string>> {
  return new Set((await archivesOf(repository, payload)).map(({ file }) => file));
}
