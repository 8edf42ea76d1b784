/**
 * A set of SHA-256 hashes by their first eight bytes: 16 bytes of memory for each, at most 32, where a Set of strings takes
 * well over 100. Two hashes may share these bytes (one pair in a million hashes has a chance of 1 in 37 million), so `has`
 * may say yes to a hash that was never added, never no to one that was.
 */
export class HashPrefixSet {
  /** Open addressing: two words a slot, both 0 where it is free. */
  #slots = new Uint32Array(2 * 1024);
  #size = 0;
  /** The one prefix that looks like a free slot. */
  #hasZero = false;

  /** Distinct prefixes. */
  get size(): number {
    return this.#size;
  }

  /** @param sha256 lower-case hexadecimal */
  add(sha256: string): void {
    const [high, low] = prefixOf(sha256);
    if (high === 0 && low === 0) {
      if (!this.#hasZero) this.#size++;
      this.#hasZero = true;
      return;
    }
    const slot = this.#slotOf(high, low);
    if (this.#slots[slot] !== 0 || this.#slots[slot + 1] !== 0) return;
    this.#slots[slot] = high;
    this.#slots[slot + 1] = low;
    this.#size++;
    // At most half full, so that a search ends after a slot or two.
    if (this.#size * 4 > this.#slots.length) this.#grow();
  }

  has(sha256: string): boolean {
    const [high, low] = prefixOf(sha256);
    if (high === 0 && low === 0) return this.#hasZero;
    const slot = this.#slotOf(high, low);
    return this.#slots[slot] === high && this.#slots[slot + 1] === low;
  }

  /** Index of the prefix's first word, or of the free slot where it belongs. */
  #slotOf(high: number, low: number): number {
    const slots = this.#slots;
    // A hash is as random as an index can be.
    let slot = ((high ^ low) * 2) & (slots.length - 1);
    while ((slots[slot] !== 0 || slots[slot + 1] !== 0) && (slots[slot] !== high || slots[slot + 1] !== low)) {
      slot = (slot + 2) & (slots.length - 1);
    }
    return slot;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let index = 0; index < old.length; index += 2) {
      const [high = 0, low = 0] = [old[index], old[index + 1]];
      if (high === 0 && low === 0) continue;
      const slot = this.#slotOf(high, low);
      this.#slots[slot] = high;
      this.#slots[slot + 1] = low;
    }
  }
}

function prefixOf(sha256: string): [high: number, low: number] {
  return [parseInt(sha256.slice(0, 8), 16), parseInt(sha256.slice(8, 16), 16)];
}
