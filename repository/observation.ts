/** The journal as observers read it, and followers that keep their place over restarts. */
import type { Change, ChangeFilter, CommitEvent } from './api.js';
import { createChangeFilter } from './change-filter.js';
import { RepositoryError } from './errors.js';
import type { JournalEntry, NodeStore } from './store/contract.js';

/** `{"u": user, "t": time, "c": changes, "d": user data}` */
interface StoredCommit {
  readonly u: string;
  readonly t: string;
  readonly c: readonly Change[];
  readonly d?: string;
}

export function encodeCommitEntry(userId: string, time: Date, changes: readonly Change[], userData?: string): string {
  const stored: StoredCommit = {
    u: userId,
    t: time.toISOString(),
    c: changes,
    ...(userData !== undefined && { d: userData }),
  };
  return JSON.stringify(stored);
}

function decodeCommitEntry({ sequence, entry }: JournalEntry): CommitEvent {
  try {
    const { u, t, c, d } = JSON.parse(entry) as StoredCommit;
    return { sequence, userId: u, time: t, changes: c, ...(d !== undefined && { userData: d }) };
  } catch (cause) {
    throw new RepositoryError('STORE_CORRUPT', `Journal entry ${sequence} does not parse; restore the data folder.`, {
      cause,
    });
  }
}

export async function* commitsAfter(store: NodeStore, sequence: number): AsyncGenerator<CommitEvent> {
  for await (const entry of store.journal(sequence)) yield decodeCommitEntry(entry);
}

export interface FollowOptions {
  readonly cursor: string;
  readonly from?: number;
  readonly signal: AbortSignal;
  readonly filter?: ChangeFilter;
}

/** Commits that do not match move the cursor on in steps of so many: a position costs a write. */
const skippedAtOnce = 256;

/** See `Repository.follow`. The place of a new cursor is taken when this is called, not when reading starts. */
export function followJournal(store: NodeStore, options: FollowOptions): AsyncIterable<CommitEvent> {
  const start = startOf(store, options);
  // Who never starts reading must not bring the process down; who does gets the error.
  start.catch(() => undefined);
  return { [Symbol.asyncIterator]: () => follow(store, options, start) };
}

async function startOf(store: NodeStore, { cursor, from }: FollowOptions): Promise<number> {
  const known = await store.getCursor(cursor);
  if (known !== undefined) return known;
  const start = from ?? (await store.head());
  await store.setCursor(cursor, start);
  return start;
}

async function* follow(
  store: NodeStore,
  { cursor, signal, filter }: FollowOptions,
  start: Promise<number>,
): AsyncGenerator<CommitEvent> {
  let position = 0;
  let kept = 0;
  const keep = async () => {
    if (kept < position) await store.setCursor(cursor, position);
    kept = position;
  };
  const matching = filter ? createChangeFilter(filter) : (event: CommitEvent) => event;
  const commits = new CommitSignal(store, signal);
  try {
    position = kept = await start;
    while (!isAborted(signal)) {
      commits.reset();
      for await (const event of commitsAfter(store, position)) {
        const matched = matching(event);
        if (matched) yield matched;
        // Asking for the next commit says that this one was dealt with.
        position = event.sequence;
        if (matched || position - kept >= skippedAtOnce) await keep();
        if (isAborted(signal)) return;
      }
      await keep();
      await commits.wait();
    }
  } catch (error) {
    // A follower that is being stopped may find the store closed already; its place is where it last kept it.
    if (!isAborted(signal)) throw error;
  } finally {
    commits.stop();
  }
}

/** Asked through a call, as the compiler does not know that a signal changes while others run. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** Remembers that there was a commit since the last reset, so that none falls between reading and waiting. */
class CommitSignal {
  #raised = false;
  #wake: (() => void) | undefined;
  readonly #stopListening: () => void;

  constructor(
    store: NodeStore,
    private readonly signal: AbortSignal,
  ) {
    this.#stopListening = store.onCommit(this.#raise);
    signal.addEventListener('abort', this.#raise);
  }

  readonly #raise = (): void => {
    this.#raised = true;
    this.#wake?.();
  };

  reset(): void {
    this.#raised = false;
  }

  async wait(): Promise<void> {
    if (this.#raised || this.signal.aborted) return;
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
  }

  stop(): void {
    this.#stopListening();
    this.signal.removeEventListener('abort', this.#raise);
  }
}
