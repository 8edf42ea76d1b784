/**
 * Compact collections of SHA-256 hashes, for repositories with millions of blobs: by their first eight bytes, which takes 12 to
 * 24 bytes of memory for each, where a Set of strings takes well over 100. Two hashes may share these bytes (among a
 * million hashes the chance is 1 in 37 million), so a hash that was never added may be found, and one that was is never missed.
 */
const firstSlots = 1024;

/** Gives each prefix an index, counted from 0 in the order in which they were added. */
class PrefixIndex {
  /** Open addressing: two words of the prefix a slot. */
  #prefixes = new Uint32Array(2 * firstSlots);
  /** Index + 1; 0 where the slot is free. */
  #indexes = new Uint32Array(firstSlots);
  size = 0;

  /** @returns the index, of the one that is there already where it is */
  add(sha256: string): number {
    const [high, low] = prefixOf(sha256);
    const slot = this.#slotOf(high, low);
    const existing = this.#indexes[slot] ?? 0;
    if (existing > 0) return existing - 1;
    this.#put(slot, high, low, ++this.size);
    // At most half full, so that a search ends after a slot or two.
    if (this.size * 2 > this.#indexes.length) this.#grow();
    return this.size - 1;
  }

  /** -1 for one that was not added. */
  indexOf(sha256: string): number {
    return (this.#indexes[this.#slotOf(...prefixOf(sha256))] ?? 0) - 1;
  }

  /** Where the prefix is, or the free slot where it belongs. */
  #slotOf(high: number, low: number): number {
    const mask = this.#indexes.length - 1;
    // A hash is as random as a slot can be.
    let slot = (high ^ low) & mask;
    while (this.#indexes[slot] !== 0 && (this.#prefixes[slot * 2] !== high || this.#prefixes[slot * 2 + 1] !== low)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #put(slot: number, high: number, low: number, index: number): void {
    this.#prefixes[slot * 2] = high;
    this.#prefixes[slot * 2 + 1] = low;
    this.#indexes[slot] = index;
  }

  #grow(): void {
    const [prefixes, indexes] = [this.#prefixes, this.#indexes];
    this.#prefixes = new Uint32Array(prefixes.length * 2);
    this.#indexes = new Uint32Array(indexes.length * 2);
    for (const [slot, index] of indexes.entries()) {
      if (index === 0) continue;
      const [high = 0, low = 0] = [prefixes[slot * 2], prefixes[slot * 2 + 1]];
      this.#put(this.#slotOf(high, low), high, low, index);
    }
  }
}

export class HashPrefixSet {
  readonly #index = new PrefixIndex();

  /** @param sha256 lower-case hexadecimal */
  add(sha256: string): void {
    this.#index.add(sha256);
  }

  has(sha256: string): boolean {
    return this.#index.indexOf(sha256) >= 0;
  }
}

/** A number for each hash. */
export class HashPrefixMap {
  readonly #index = new PrefixIndex();
  #values = new Float64Array(firstSlots);

  set(sha256: string, value: number): void {
    const index = this.#index.add(sha256);
    if (index >= this.#values.length) {
      const values = new Float64Array(this.#values.length * 2);
      values.set(this.#values);
      this.#values = values;
    }
    this.#values[index] = value;
  }

  get(sha256: string): number | undefined {
    const index = this.#index.indexOf(sha256);
    return index < 0 ? undefined : this.#values[index];
  }
}

function prefixOf(sha256: string): [high: number, low: number] {
  return [parseInt(sha256.slice(0, 8), 16), parseInt(sha256.slice(8, 16), 16)];
}
