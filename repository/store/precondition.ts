/** The part of a commit that every store decides in the same way: which preconditions still hold. */
import { isInRange } from './key-order.js';
import type { KeyRange, Precondition } from './contract.js';

/** Keys written or removed by recent commits of this process, so that `unchanged` needs no scan. */
export class RecentWrites {
  readonly #writes: { readonly sequence: number; readonly keys: readonly string[] }[] = [];
  #keyCount = 0;
  #horizon: number;

  /**
   * @param head nothing is known of commits up to this one
   * @param maxKeys keys remembered; the oldest commits are forgotten first
   */
  constructor(
    head: number,
    private readonly maxKeys = 100_000,
  ) {
    this.#horizon = head;
  }

  add(sequence: number, keys: readonly string[]): void {
    this.#writes.push({ sequence, keys });
    this.#keyCount += keys.length;
    while (this.#keyCount > this.maxKeys) {
      const oldest = this.#writes.shift();
      if (!oldest) return;
      this.#keyCount -= oldest.keys.length;
      this.#horizon = oldest.sequence;
    }
  }

  /** True when a key of the range was written after `since`, and also when that is too long ago to be known. */
  mayHaveChanged(range: KeyRange, since: number): boolean {
    if (since < this.#horizon) return true;
    for (let index = this.#writes.length - 1; index >= 0; index--) {
      const commit = this.#writes[index];
      if (!commit || commit.sequence <= since) return false;
      if (commit.keys.some((key) => isInRange(key, range))) return true;
    }
    return false;
  }
}

/** @param versions the current version of every key the preconditions name; 0 where there is no record */
export function failedPreconditions(
  preconditions: readonly Precondition[],
  versions: ReadonlyMap<string, number>,
  mayHaveChanged: (range: KeyRange, since: number) => boolean,
): Precondition[] {
  return preconditions.filter((precondition) => {
    switch (precondition.kind) {
      case 'version':
        return versions.get(precondition.key) !== precondition.version;
      case 'exists':
        return versions.get(precondition.key) === 0;
      case 'unchanged':
        return mayHaveChanged(precondition.range, precondition.since);
    }
  });
}
