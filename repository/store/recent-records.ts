/**
 * Records that were read lately, as they are at the newest commit that this process knows of. A save reads the same few over and
 * over: epochs, and the ancestors of what it writes. As long as nobody else commits, they are asked for once.
 */
import type { StoredRecord } from './contract.js';

interface Known {
  readonly record: StoredRecord | undefined;
  /** It is known to have been so from this commit on. */
  readonly since: number;
}

/** Bounds the memory, to a few megabytes. */
const maxRecords = 1_000;
const maxCharacters = 2_000;

export class RecentRecords {
  readonly #known = new Map<string, Known>();
  /** All that is known stands at this commit. */
  #sequence = 0;

  /** Somebody saw this commit: if it is not one of `wrote`, what it wrote is not known. */
  reached(sequence: number): void {
    if (sequence <= this.#sequence) return;
    this.#known.clear();
    this.#sequence = sequence;
  }

  /** This process made the commits after `before` up to `sequence`, and nobody else one between them. */
  wrote(before: number, sequence: number, keys: Iterable<string>): void {
    if (before !== this.#sequence) {
      this.reached(sequence);
      return;
    }
    for (const key of keys) this.#known.delete(key);
    this.#sequence = sequence;
  }

  /** The record as a snapshot of `sequence` has it, if that is known. */
  get(key: string, sequence: number): Known | undefined {
    if (sequence > this.#sequence) return undefined;
    const known = this.#known.get(key);
    return known && known.since <= sequence ? known : undefined;
  }

  /** What a snapshot of `sequence` has. */
  offer(key: string, record: StoredRecord | undefined, sequence: number): void {
    // What was written since then is not known of this key.
    if (sequence !== this.#sequence || key.length + (record?.value.length ?? 0) > maxCharacters) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= maxRecords) this.#known.delete(oldest);
    this.#known.set(key, { record, since: record?.version ?? sequence });
  }
}
