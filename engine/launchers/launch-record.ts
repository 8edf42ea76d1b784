/**
 * Where the follower of the journal is, saved in the same commit as the requests it makes: a crash before that commit loses
 * neither, one after it repeats neither. The journal's own cursor comes after it and only says what may be trimmed.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { RepositoryNode, Session } from '../../repository/api.js';
import type { EventKind } from './launcher-definition.js';
import type { CommitPlace } from './node-events.js';

export const launchRecordPath = '/var/workflow/launchers';

export interface LaunchRecord {
  /** Commit of the last event that was dealt with, and the place in it. */
  readonly sequence: number;
  readonly place: CommitPlace;
  /** Workflows launched since launchers are followed, and launches that failed. */
  readonly launched: number;
  readonly failed: number;
  readonly last: LastLaunch | undefined;
  /** Different after every write. */
  readonly written: string;
}

export interface LastLaunch {
  readonly launcher: string;
  readonly path: string;
  /** Of the request. */
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly time: string;
}

export const beforeAll: CommitPlace = { index: -1 };
const emptyRecord: LaunchRecord = {
  sequence: 0,
  place: beforeAll,
  launched: 0,
  failed: 0,
  last: undefined,
  written: '',
};

/** Before it is written for the first time: two followers that write it must find the same node, so that they conflict. */
export async function createLaunchRecord(session: Session): Promise<void> {
  await session.ensureNode(launchRecordPath, { primaryType: 'nt:unstructured' }, 'sling:Folder');
  await session.save();
}

export async function readLaunchRecord(session: Session): Promise<LaunchRecord> {
  const node = await session.findNode(launchRecordPath);
  return node ? recordOf(node) : emptyRecord;
}

function recordOf(node: RepositoryNode): LaunchRecord {
  const within = node.text('within');
  const launcher = node.text('lastLauncher');
  return {
    sequence: node.number('sequence') ?? 0,
    place: { index: node.number('index') ?? -1, ...(within !== undefined && { within }) },
    launched: node.number('launched') ?? 0,
    failed: node.number('failed') ?? 0,
    written: node.text('written') ?? '',
    last:
      launcher === undefined
        ? undefined
        : {
            launcher,
            path: node.text('lastPath') ?? '',
            id: node.text('lastRequest') ?? '',
            time: new Date(node.text('lastTime') ?? 0).toISOString(),
          },
  };
}

/** Writes it, unsaved. @returns as it is written. Two followers that write at once always conflict, also where they agree: one of them then begins anew. */
export async function writeLaunchRecord(
  session: Session,
  record: Omit<LaunchRecord, 'written'>,
): Promise<LaunchRecord> {
  const { sequence, place, launched, failed, last } = record;
  const written = randomUUID();
  await session.setProperties(launchRecordPath, {
    sequence,
    index: place.index,
    within: place.within ?? null,
    launched,
    failed,
    ...(last && {
      lastLauncher: last.launcher,
      lastPath: last.path,
      lastRequest: last.id,
      lastTime: new Date(last.time),
    }),
    written,
  });
  return { ...record, written };
}

/**
 * The id of the request that a launcher makes of an event: the same whoever makes it, and however often. Looks like others
 * (request-id.ts), with the time of the commit.
 */
export function launchId(
  commit: { readonly sequence: number; readonly time: string },
  event: { readonly path: string; readonly kinds: readonly EventKind[] },
  launcher: string,
): string {
  const digits = commit.time.replaceAll(/\D/gu, '');
  const what = JSON.stringify([commit.sequence, event.path, event.kinds, launcher]);
  const hash = createHash('sha256').update(what).digest('hex').slice(0, 16);
  return `${digits.slice(0, 8)}-${digits.slice(8)}-${hash}`;
}
