/**
 * Follows the journal and makes a workflow request of every event that a launcher is about. What a round launches is saved
 * together with where it is (launch-record.ts), so that every event launches each launcher once, over crashes and with several
 * processes on one store. Requests are nodes as all others; engine/launcher.ts hands them to Temporal.
 */
import type { Logger } from 'pino';
import type { StepServices } from '../../activities/define-step.js';
import type { StepRegistry } from '../../activities/registry.js';
import { addRequest, requestsRoot } from '../../activities/satchel/request-node.js';
import { RepositoryError } from '../../repository/errors.js';
import { batchesOf } from '../../repository/batches.js';
import { isDescendantOrSelf } from '../../repository/path.js';
import type { CommitEvent, RepositoryNode, Session } from '../../repository/api.js';
import type { Tenant } from '../../repository/overlay/api.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import type { PinnedModel } from '../../workflows/contract/model.js';
import { readWorkflowUserData } from '../../workflows/contract/workflow-user-data.js';
import { loadModel } from '../model-loader.js';
import { createRetryLoop } from '../retry-loop.js';
import { mayHoldLaunchers, type LauncherCatalog } from './launcher-catalog.js';
import type { Launcher } from './launcher-definition.js';
import { failedCondition, reasonsAgainst, type LaunchConditions, type NodeEvent } from './launcher-match.js';
import {
  beforeAll,
  createLaunchRecord,
  launchId,
  readLaunchRecord,
  writeLaunchRecord,
  type LaunchRecord,
} from './launch-record.js';
import { nodeEvents, type PlacedEvent } from './node-events.js';

export const launcherCursor = 'workflow-launchers';

/** Events that are looked at together, and launched in one save. */
const eventsAtOnce = 100;
/** Problems that are remembered for `satchel launcher status`. */
const maxProblems = 100;

export interface FollowerOptions {
  readonly services: Pick<StepServices, 'repository' | 'overlay' | 'settings'>;
  readonly registry: StepRegistry;
  readonly catalog: LauncherCatalog;
  readonly conditions: LaunchConditions;
  /** Requests were saved. */
  readonly onLaunched: () => void;
  readonly log: Logger;
}

export interface LaunchProblem {
  /** Of the launcher, or of what the event is about. */
  readonly path: string;
  readonly problem: string;
  /** How often. */
  readonly count: number;
  /** ISO 8601, UTC. */
  readonly last: string;
}

export interface LaunchFollower {
  /** What went wrong since this process follows, the latest last. */
  problems(): readonly LaunchProblem[];
  /** Ends after what is being saved; what is left waits for the next start. */
  close(): Promise<void>;
}

const service = { service: 'workflow' } as const;

/** Begins at the newest commit where launchers were never followed before, else where the last follower was. */
export function followLaunchers(options: FollowerOptions): LaunchFollower {
  const { log } = options;
  const closing = new AbortController();
  const problems = new Map<string, LaunchProblem>();
  const note = (path: string, problem: string, error?: unknown) => {
    const key = `${path} ${problem}`;
    const known = problems.get(key);
    problems.delete(key);
    problems.set(key, { path, problem, count: (known?.count ?? 0) + 1, last: new Date().toISOString() });
    const [oldest] = problems.keys();
    if (problems.size > maxProblems && oldest !== undefined) problems.delete(oldest);
    if (!known) log.error({ ...(error !== undefined && { err: error }), path }, `${path}: ${problem}`);
  };
  const loop = createRetryLoop(
    async () => {
      await follow(options, note, closing.signal);
      return 'done';
    },
    (error) => {
      if (!closing.signal.aborted) note('/', 'events of launchers wait: ' + messageOf(error), error);
    },
  );
  loop.wake();
  return {
    problems: () => [...problems.values()],
    async close() {
      closing.abort();
      await loop.close();
    },
  };
}

type Note = (path: string, problem: string, error?: unknown) => void;

/** Until the signal aborts. */
async function follow(options: FollowerOptions, note: Note, signal: AbortSignal): Promise<void> {
  const { repository } = options.services;
  await repository.withSession(service, createLaunchRecord);
  while (!isAborted(signal)) {
    const { bases, from } = await repository.withSession(service, async (session) => ({
      bases: await options.catalog.bases(session),
      from: (await readLaunchRecord(session)).sequence - 1,
    }));
    // Launchers change below these; every commit that may change one is seen.
    const filter = { paths: [...bases, '/conf', '/apps', '/libs'] };
    const place = from > 0 ? { from } : {};
    try {
      for await (const commit of repository.follow({ cursor: launcherCursor, ...place, signal, filter })) {
        await workOff(options, commit, bases, note, signal);
        // Going on says that the commit was dealt with, and this one may be only in part.
        if (isAborted(signal)) return;
        const changesLaunchers = commit.changes.some(
          ({ path, from: before }) => mayHoldLaunchers(path) || (before !== undefined && mayHoldLaunchers(before)),
        );
        if (!changesLaunchers) continue;
        const now = await repository.withSession(service, async (session) => options.catalog.bases(session));
        // Begins anew with the same commit, for which nothing is launched twice.
        if (now.join('\n') !== bases.join('\n')) break;
      }
    } catch (error) {
      if (!(error instanceof RepositoryError) || error.code !== 'JOURNAL_TRIMMED') throw error;
      note('/', `commits after ${from + 1} are no longer kept: what they would have launched is lost`, error);
      await skipTo(options, await repository.head());
    }
  }
}

/** Asked through a call, as the compiler does not know that a signal changes while others run. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

async function skipTo({ services: { repository } }: FollowerOptions, sequence: number): Promise<void> {
  await repository.withSession(service, async (session) => {
    // All up to it is passed over; what comes next is the first commit whose number is this.
    const next = { ...(await readLaunchRecord(session)), sequence: sequence + 1, place: beforeAll };
    await writeLaunchRecord(session, next);
    await session.save();
  });
  await repository.removeCursor(launcherCursor);
}

/** Launches what is left of a commit. Another follower that was quicker makes it look again. */
async function workOff(
  options: FollowerOptions,
  commit: CommitEvent,
  bases: readonly string[],
  note: Note,
  signal: AbortSignal,
): Promise<void> {
  const { repository } = options.services;
  await repository.withSession(service, (reader) =>
    repository.withSession(service, async (session) => {
      for (let record = await readLaunchRecord(session); ; record = await readLaunchRecord(session)) {
        if (record.sequence > commit.sequence) return;
        const after = record.sequence === commit.sequence ? record.place : undefined;
        try {
          for await (const events of batchesOf(nodeEvents(commit, reader, bases, after), eventsAtOnce)) {
            if (isAborted(signal)) return;
            record = await launchBatch(options, { session, commit, record, note }, events);
          }
          return;
        } catch (error) {
          const raced = error instanceof RepositoryError && (error.code === 'CONFLICT' || error.code === 'ITEM_EXISTS');
          if (!raced && error !== overtaken) throw error;
          await session.refresh();
          await reader.refresh();
          // Nobody else went on: not a race, and trying again at once would not help.
          if ((await readLaunchRecord(session)).written === record.written) throw error;
        }
      }
    }),
  );
}

/** Thrown when another follower wrote the record since it was read. */
const overtaken = new Error('another follower was quicker');

interface Round {
  readonly session: Session;
  readonly commit: CommitEvent;
  readonly record: LaunchRecord;
  readonly note: Note;
}

/** A launch that is due. */
interface Launch {
  readonly launcher: Launcher;
  readonly event: NodeEvent;
  readonly tenant: Tenant;
  readonly payload: string;
}

async function launchBatch(
  options: FollowerOptions,
  { session, commit, record, note }: Round,
  events: readonly PlacedEvent[],
): Promise<LaunchRecord> {
  const due = await dueLaunches(options, session, commit, events, note);
  // The session sees the newest state now: the record must still be the one that this round goes by.
  if ((await readLaunchRecord(session)).written !== record.written) throw overtaken;
  const place = events.at(-1)?.place;
  if (due.length === 0 || !place) return record;
  const models = new Map<string, Promise<PinnedModel | SatchelError>>();
  let { launched, failed, last } = record;
  for (const { launcher, event, tenant, payload } of due) {
    const key = `${tenant.root} ${launcher.model}`;
    let loading = models.get(key);
    if (!loading) models.set(key, (loading = pinModel(options, session, tenant, launcher.model)));
    const model = await loading;
    if (model instanceof SatchelError) {
      note(launcher.path, `launches nothing: ${model.code}: ${model.message}`);
      failed += 1;
      continue;
    }
    const id = launchId(commit, event, launcher.name);
    if (await session.findNode(`${requestsRoot}/${id}`)) continue;
    const created = new Date();
    const before = readWorkflowUserData(commit.userData)?.launchers ?? [];
    await addRequest(session, {
      id,
      model,
      payload,
      initiator: commit.userId,
      tenant: tenant.name,
      created,
      launchers: [...before.filter((name) => name !== launcher.name), launcher.name],
    });
    launched += 1;
    last = { launcher: launcher.name, path: event.path, id, time: created.toISOString() };
  }
  const next = await writeLaunchRecord(session, { sequence: commit.sequence, place, launched, failed, last });
  await session.save();
  if (launched > record.launched) options.onLaunched();
  return next;
}

async function pinModel(
  { services, registry }: FollowerOptions,
  session: Session,
  tenant: Tenant,
  id: string,
): Promise<PinnedModel | SatchelError> {
  try {
    return (await loadModel({ overlay: services.overlay, settings: services.settings, registry }, session, tenant, id))
      .model;
  } catch (error) {
    // A model that is unknown or broken holds nobody up; a store that does not answer does.
    if (error instanceof SatchelError) return error;
    throw error;
  }
}

async function dueLaunches(
  options: FollowerOptions,
  session: Session,
  commit: CommitEvent,
  placed: readonly PlacedEvent[],
  note: Note,
): Promise<Launch[]> {
  const { services, catalog, conditions } = options;
  const events = placed.map(({ event }) => event);
  await session.refresh();
  const nodes = await nodesOfEvents(services, session, commit, events);
  const tenants = await services.overlay.tenantsOf(
    session,
    events.map(({ path }, index) => nodes[index]?.path ?? path),
  );
  const due: Launch[] = [];
  for (const [index, event] of events.entries()) {
    const tenant = tenants[index];
    if (!tenant) continue;
    const node = nodes[index];
    const isRemoval = event.kinds.includes('removed');
    const { launchers, problems } = await catalog.forTenant(session, tenant);
    for (const { path, problem } of problems) note(path, problem);
    for (const launcher of launchers) {
      const [reason] = reasonsAgainst(launcher, event, conditions, session.nodeTypes, node?.mixins ?? []);
      if (reason !== undefined) continue;
      // Removed since: nothing is left to work on.
      if (!node && !isRemoval) continue;
      if ((await failedCondition(session, launcher, node)) !== undefined) continue;
      due.push({ launcher, event, tenant, payload: node?.path ?? event.path });
    }
  }
  return due;
}

/** As they are now, at the place where they are now: one that was moved since is followed. */
async function nodesOfEvents(
  { repository }: FollowerOptions['services'],
  session: Session,
  commit: CommitEvent,
  events: readonly NodeEvent[],
): Promise<(RepositoryNode | undefined)[]> {
  const isRemoval = (index: number) => events[index]?.kinds.includes('removed') === true;
  const found = await session.findNodes(events.map(({ path }) => path));
  const nodes = found.map((node, index) => (isRemoval(index) ? undefined : node));
  const places = new Map<number, string>();
  for (const [index, { path }] of events.entries()) if (!nodes[index] && !isRemoval(index)) places.set(index, path);
  if (places.size === 0) return nodes;
  for await (const { changes, sequence } of repository.commitsAfter(commit.sequence)) {
    if (sequence > session.sequence) break;
    for (const { kind, path: to, from } of changes) {
      if (kind !== 'nodeMoved' || from === undefined) continue;
      for (const [index, path] of places) {
        if (isDescendantOrSelf(path, from)) places.set(index, to + path.slice(from.length));
      }
    }
  }
  const indexes = [...places.keys()];
  const moved = await session.findNodes([...places.values()]);
  for (const [at, index] of indexes.entries()) nodes[index] = moved[at];
  return nodes;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
