/**
 * Resolved resources, kept until a commit touches what they were read from. An entry belongs to one user, because what a
 * user may not read is not in it: principals share nothing here, only decoded nodes below access control. And it belongs to
 * the commits since it was read: a session that is older never gets it.
 */
import type { CommitEvent, Repository, Session } from '../api.js';
import { RepositoryError } from '../errors.js';
import type { Watched } from './watch-index.js';
import { WatchIndex } from './watch-index.js';

export const defaultResolutionCacheBytes = 32 * 1024 * 1024;

/** What an entry takes beside its value, its places in the maps and in the index: 2,450 bytes of heap, measured with four layers. */
const bytesPerEntry = 2500;

class Entry<Value> {
  /** Settled, so that a hit allocates nothing. */
  answer: Promise<Value | undefined> | undefined;
  value: Value | undefined;
  bytes = 0;
  /** Since the last time it was looked at for eviction. */
  isUsed = false;
  isTouched = false;

  constructor(
    /** Commit of the session it was read with. */
    readonly sequence: number,
    readonly user: string,
    readonly scope: string,
    readonly path: string,
    readonly watched: readonly Watched[],
  ) {}
}

/** A place for what is about to be read: a commit that touches it meanwhile takes it away. */
export interface Reservation<Value> {
  /** @param bytes about how much memory the value takes */
  keep(value: Value | undefined, bytes: number): void;
  /** Keeps nothing. Does nothing after `keep`. */
  release(): void;
}

export class ResolutionCache<Value> {
  /** By user, scope and path: three lookups of strings that are there cost less than making one key of them. */
  readonly #users = new Map<string, Map<string, Map<string, Entry<Value>>>>();
  /** Oldest first. */
  readonly #kept = new Set<Entry<Value>>();
  readonly #index = new WatchIndex<Entry<Value>>();
  #bytes = 0;
  /** Every entry is valid for this commit: all commits up to it were looked at. */
  #followed = -1;
  #following: Promise<void> | undefined;

  constructor(
    private readonly repository: Pick<Repository, 'commitsAfter'>,
    private readonly maxBytes = defaultResolutionCacheBytes,
  ) {}

  get size(): number {
    return this.#kept.size;
  }

  /** About how much memory the entries take. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * What is kept, when it is known to be what the session sees.
   * @param scope what was resolved: the tenant, or another name of its layers
   * @returns `undefined` when it has to be read; `answer` may hold `undefined`, for a resource that does not show
   */
  find(session: Session, scope: string, path: string): { readonly answer: Promise<Value | undefined> } | undefined {
    const entry = this.#valid(session, scope, path);
    return entry?.answer === undefined ? undefined : (entry as { readonly answer: Promise<Value | undefined> });
  }

  #valid(session: Session, scope: string, path: string): Entry<Value> | undefined {
    const { sequence } = session;
    if (sequence > this.#followed || session.hasPendingChanges) return undefined;
    const entry = this.#users.get(session.userId)?.get(scope)?.get(path);
    if (!entry || entry.sequence > sequence) return undefined;
    entry.isUsed = true;
    return entry;
  }

  /** Takes all commits up to the session's into account. @throws as reading the journal does */
  async follow({ sequence }: Session): Promise<void> {
    // Nothing is kept yet, so nothing has to be looked at.
    if (this.#followed < 0) this.#followed = sequence;
    while (this.#followed < sequence) {
      const before = this.#followed;
      this.#following ??= this.#readJournal(sequence).finally(() => (this.#following = undefined));
      await this.#following;
      // A snapshot may hold a commit that the store is still about to count: it needs a turn to do so.
      if (this.#followed === before) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /**
   * Call it after `follow` and before reading.
   * @returns `undefined` when the session is older than what was followed, or has changes of its own
   */
  reserve(session: Session, scope: string, path: string, watched: readonly Watched[]): Reservation<Value> | undefined {
    const { sequence, userId } = session;
    if (sequence !== this.#followed || session.hasPendingChanges) return undefined;
    const entry = new Entry<Value>(sequence, userId, scope, path, watched);
    this.#index.add(entry, watched);
    let isOpen = true;
    const release = () => {
      if (isOpen && !entry.isTouched) this.#index.delete(entry, watched);
      isOpen = false;
    };
    return {
      release,
      keep: (value, bytes) => {
        // What was read in part after a step to another commit belongs to neither.
        const isWhole = session.sequence === sequence && !session.hasPendingChanges;
        if (!isWhole || entry.isTouched || !isOpen) {
          release();
          return;
        }
        isOpen = false;
        entry.value = value;
        entry.answer = Promise.resolve(value);
        entry.bytes = bytes + bytesPerEntry;
        this.#keep(entry);
      },
    };
  }

  #keep(entry: Entry<Value>): void {
    const before = this.#users.get(entry.user)?.get(entry.scope)?.get(entry.path);
    if (before) this.#drop(before);
    this.#makeRoom(entry.bytes);
    if (this.#bytes + entry.bytes > this.maxBytes) {
      this.#index.delete(entry, entry.watched);
      return;
    }
    const scopes = getOrAdd(this.#users, entry.user, () => new Map<string, Map<string, Entry<Value>>>());
    getOrAdd(scopes, entry.scope, () => new Map<string, Entry<Value>>()).set(entry.path, entry);
    this.#kept.add(entry);
    this.#bytes += entry.bytes;
  }

  #makeRoom(bytes: number): void {
    for (const oldest of this.#kept) {
      if (this.#bytes + bytes <= this.maxBytes) return;
      if (oldest.isUsed) {
        // Once more to the end of the row.
        oldest.isUsed = false;
        this.#kept.delete(oldest);
        this.#kept.add(oldest);
      } else this.#drop(oldest);
    }
  }

  #drop(entry: Entry<Value>): void {
    this.#index.delete(entry, entry.watched);
    if (!this.#kept.delete(entry)) return;
    this.#bytes -= entry.bytes;
    const scopes = this.#users.get(entry.user);
    const paths = scopes?.get(entry.scope);
    paths?.delete(entry.path);
    if (paths?.size === 0) scopes?.delete(entry.scope);
    if (scopes?.size === 0) this.#users.delete(entry.user);
  }

  async #readJournal(sequence: number): Promise<void> {
    try {
      for await (const commit of this.repository.commitsAfter(this.#followed)) {
        this.#evict(commit);
        this.#followed = commit.sequence;
      }
    } catch (error) {
      if (!(error instanceof RepositoryError && error.code === 'JOURNAL_TRIMMED')) throw error;
      // Nothing is kept that a commit which is not known any more could have touched.
      this.#dropAll();
      this.#followed = Math.max(this.#followed, sequence);
    }
  }

  #evict({ changes }: CommitEvent): void {
    for (const change of changes) {
      const touched = this.#index.touchedBy(change);
      if (touched === 'all') {
        this.#dropAll();
        return;
      }
      for (const entry of touched) {
        entry.isTouched = true;
        this.#drop(entry);
      }
    }
  }

  #dropAll(): void {
    for (const entry of this.#index.all()) {
      entry.isTouched = true;
      this.#drop(entry);
    }
  }
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
