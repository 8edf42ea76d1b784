/** The commit lock of one process: commits that wait together are written together, one group after another. */
import type { Commit } from './contract.js';
import { assertKeysFit } from './key-limit.js';

export interface WaitingCommit {
  readonly commit: Commit;
  resolve(sequence: number): void;
  reject(error: unknown): void;
}

export class CommitQueue {
  #waiting: WaitingCommit[] = [];
  #writing: Promise<void> | undefined;

  /** @param writeGroup settles every commit of the group; it must not fail itself */
  constructor(private readonly writeGroup: (group: readonly WaitingCommit[]) => Promise<void>) {}

  /** @throws RepositoryError KEY_TOO_LONG */
  add(commit: Commit): Promise<number> {
    return new Promise((resolve, reject) => {
      assertKeysFit(commit);
      this.#waiting.push({ commit, resolve, reject });
      this.#writing ??= this.#writeWaiting();
    });
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      await this.writeGroup(group);
    }
    // In the same turn as the last look at the queue, so that no commit is left waiting.
    this.#writing = undefined;
  }
}
