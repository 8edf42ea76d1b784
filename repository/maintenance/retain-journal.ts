/**
 * How long the journal is kept, and who holds it up. A cursor has no time of its own: what counts is how old the oldest commit
 * is that it has not passed, which the journal says. A cursor at the head is never late, however long ago that was.
 */
import { commitsAfter } from '../observation.js';
import { cursorUses } from './cursor-use.js';
import type { NodeStore } from '../store/contract.js';

const dayMilliseconds = 24 * 3_600_000;

export interface CursorStatus {
  readonly name: string;
  /** The last commit it has passed. */
  readonly position: number;
  /** Commits it has not passed. */
  readonly behind: number;
  /** When the oldest of them was made; ISO 8601, UTC. */
  readonly behindSince?: string;
  /** `late`: behind for longer than the limit. `lost`: commits it has not passed are no longer kept. */
  readonly state: 'current' | 'behind' | 'late' | 'lost';
}

export interface CursorOptions {
  /** Days behind after which a cursor is late. Default 30. */
  readonly limitDays?: number;
  readonly now?: () => Date;
}

/** Every cursor, by name. */
export async function cursorStatuses(nodes: NodeStore, options: CursorOptions = {}): Promise<CursorStatus[]> {
  const { limitDays = 30, now = () => new Date() } = options;
  const limit = now().getTime() - limitDays * dayMilliseconds;
  const cursors = [...(await nodes.cursors())].sort(([a], [b]) => (a < b ? -1 : 1));
  const head = await nodes.head();
  const start = await nodes.journalStart();
  const statuses: CursorStatus[] = [];
  for (const [name, position] of cursors) {
    const behind = Math.max(0, head - position);
    if (behind === 0) statuses.push({ name, position, behind, state: 'current' });
    else if (position < start) statuses.push({ name, position, behind, state: 'lost' });
    else {
      const behindSince = await timeOf(nodes, position + 1);
      const state = Date.parse(behindSince) < limit ? 'late' : 'behind';
      statuses.push({ name, position, behind, behindSince, state });
    }
  }
  return statuses;
}

export interface RetentionOptions extends CursorOptions {
  /** Commits of so many days are kept. Default 7. */
  readonly keepDays?: number;
  /** At least so many commits are kept, however old. Default 10,000. */
  readonly keepCommits?: number;
  /** Removes cursors that are late or lost, so that they hold nothing up; their observers start anew. Default: reports them. */
  readonly dropLate?: boolean;
  /**
   * A cursor that is late, and that nobody moved for this many days as far as runs with this option saw, is dead: it holds nothing
   * up. It stays, so that its observer learns of the lost commits (JOURNAL_TRIMMED). Also the limit of being late. Default 0: never.
   */
  readonly deadAfterDays?: number;
  /** Says what would be done. */
  readonly dryRun?: boolean;
}

export interface DeadCursor {
  readonly name: string;
  /** When it was first seen where it stands; ISO 8601, UTC. */
  readonly unusedSince: string;
}

export interface RetentionReport {
  readonly head: number;
  /** Commits up to this one are not kept any more. */
  readonly trimmedUpTo: number;
  /** Commits this run removed. */
  readonly trimmed: number;
  /** As they were found. */
  readonly cursors: readonly CursorStatus[];
  readonly dropped: readonly string[];
  /** Cursors that hold nothing up because nobody uses them any more. */
  readonly dead: readonly DeadCursor[];
  /** The cursor that keeps older commits than the days and the count would. */
  readonly heldBy?: string;
}

/** Forgets commits that are old enough and that every cursor has passed. */
export async function retainJournal(nodes: NodeStore, options: RetentionOptions = {}): Promise<RetentionReport> {
  const { keepDays = 7, keepCommits = 10_000, dropLate = false, dryRun = false, now = () => new Date() } = options;
  const head = await nodes.head();
  const start = await nodes.journalStart();
  const { deadAfterDays = 0 } = options;
  const cursors = await cursorStatuses(nodes, deadAfterDays > 0 ? { ...options, limitDays: deadAfterDays } : options);
  const dead =
    deadAfterDays > 0 ? await deadCursors(nodes, cursors, deadAfterDays, { now: now(), write: !dryRun }) : [];
  const isDead = ({ name }: CursorStatus) => dead.some((cursor) => cursor.name === name);
  const isDropped = ({ state }: CursorStatus) => dropLate && (state === 'late' || state === 'lost');
  const holding = cursors.filter((cursor) => !isDropped(cursor) && !isDead(cursor) && cursor.state !== 'lost');
  const old = await lastBefore(nodes, start, head, now().getTime() - keepDays * dayMilliseconds);
  const allowed = Math.min(old, head - keepCommits);
  const slowest = holding.reduce<CursorStatus | undefined>(
    (least, cursor) => (least && least.position <= cursor.position ? least : cursor),
    undefined,
  );
  const upTo = Math.max(start, Math.min(allowed, slowest?.position ?? head));
  const dropped = cursors.filter(isDropped).map(({ name }) => name);
  if (!dryRun) {
    for (const name of dropped) await nodes.removeCursor(name);
    await nodes.trimJournal(upTo);
  }
  return {
    head,
    trimmedUpTo: upTo,
    trimmed: upTo - start,
    cursors,
    dropped,
    dead,
    ...(slowest && slowest.position < allowed && { heldBy: slowest.name }),
  };
}

async function deadCursors(
  nodes: NodeStore,
  cursors: readonly CursorStatus[],
  days: number,
  seeing: { readonly now: Date; readonly write: boolean },
): Promise<DeadCursor[]> {
  const uses = await cursorUses(nodes, seeing);
  const limit = seeing.now.getTime() - days * dayMilliseconds;
  return cursors.flatMap(({ name, state }) => {
    const since = uses.get(name);
    const isUnused = since !== undefined && since.getTime() < limit;
    return isUnused && (state === 'late' || state === 'lost') ? [{ name, unusedSince: since.toISOString() }] : [];
  });
}

/** The last commit made before a time: times grow with the sequence, so a few entries are read of however many. */
async function lastBefore(nodes: NodeStore, start: number, head: number, time: number): Promise<number> {
  let before = start;
  let after = head + 1;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (Date.parse(await timeOf(nodes, middle)) < time) before = middle;
    else after = middle;
  }
  return before;
}

async function timeOf(nodes: NodeStore, sequence: number): Promise<string> {
  for await (const { time } of commitsAfter(nodes, sequence - 1)) return time;
  throw new Error(`there is no commit ${sequence}`);
}
