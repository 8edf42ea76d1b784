/** Thrown for bytes that end too early, or numbers that no file of LevelDB has. */
export class MalformedBytes extends Error {}

/** Reads numbers and strings as LevelDB writes them (util/coding.h). */
export class ByteReader {
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  get isAtEnd(): boolean {
    return this.#at >= this.bytes.length;
  }

  /** A varint64, as far as a double holds it. */
  varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.bytes[this.#at++];
      if (byte === undefined) throw new MalformedBytes('it ends within a number');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new MalformedBytes('a number is too large');
  }

  take(length: number): Buffer {
    if (this.#at + length > this.bytes.length) throw new MalformedBytes('it ends too early');
    return this.bytes.subarray(this.#at, (this.#at += length));
  }

  /** A length and so many bytes. */
  string(): Buffer {
    return this.take(this.varint());
  }
}
