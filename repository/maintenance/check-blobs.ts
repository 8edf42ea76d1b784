/** Whether the bytes that nodes refer to are there, as long as they should be, and the ones they were. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { blobListProperty, hashesIn, listedBlobs } from '../blob-list.js';
import { RepositoryError } from '../errors.js';
import { joinPath } from '../path.js';
import type { NodeRecord } from '../record.js';
import type { BlobStore, StoredEntry } from '../store/contract.js';
import type { BinaryValue } from '../value.js';
import { finding } from './finding.js';
import type { Finding } from './finding.js';
import { HashPrefixMap } from './hash-prefix-set.js';

/** Stands for the checksum of a blob whose bytes do not have its hash. */
const damaged = -1;

export class BlobCheck {
  readonly #checksums = new HashPrefixMap();

  private constructor(
    private readonly blobs: BlobStore,
    private readonly sizes: HashPrefixMap,
    private readonly deep: boolean,
  ) {}

  /** Lists the store once: asking for the size of one blob at a time takes a request each. */
  static async create(blobs: BlobStore, deep: boolean): Promise<BlobCheck> {
    const sizes = new HashPrefixMap();
    for await (const { sha256, size } of blobs.list()) sizes.set(sha256, size);
    return new BlobCheck(blobs, sizes, deep);
  }

  /** The binaries of a node, and what its lists of blobs name. */
  async *checkNode(path: string, { properties }: NodeRecord): AsyncGenerator<Finding> {
    for (const [name, { type, values }] of properties) {
      const place = joinPath(path, name);
      for (const value of values) {
        let isReadable = true;
        if (type === 'Binary' && typeof value === 'object' && value.inline === undefined) {
          for await (const found of this.#checkValue(place, value)) {
            isReadable = false;
            yield found;
          }
        }
        if (name !== blobListProperty || !isReadable) continue;
        for await (const sha256 of listedBlobs(value, this.blobs)) {
          if (!(await this.#isPresent(sha256))) yield finding('BLOB_MISSING', place, `${sha256}, which the list names`);
        }
      }
    }
  }

  /** A record of a version history, read as text: its form is known elsewhere. */
  async *checkVersion({ key, value }: StoredEntry): AsyncGenerator<Finding> {
    if (!value.includes('"sha256"')) return;
    const withoutInline = value.replaceAll(/\{[^{}]*"inline":[^{}]*\}/g, '');
    for (const sha256 of new Set(hashesIn(withoutInline))) {
      if (!(await this.#isPresent(sha256))) yield finding('BLOB_MISSING', JSON.stringify(key), sha256);
    }
  }

  /** @param path of the property */
  async *#checkValue(path: string, { sha256, size, crc32: checksum }: BinaryValue): AsyncGenerator<Finding> {
    if (!(await this.#isPresent(sha256))) {
      yield finding('BLOB_MISSING', path, sha256);
      return;
    }
    const listed = this.sizes.get(sha256);
    if (listed !== size) {
      // Written since the listing, or another hash with the same start: only the bytes can tell.
      const { length } = await readAll(this.blobs, sha256);
      if (length !== size) {
        yield finding('BLOB_TRUNCATED', path, `${sha256}: ${length} of ${size} bytes`);
        return;
      }
    }
    if (!this.deep) return;
    const found = await this.#checksumOf(sha256);
    if (found !== checksum) {
      const detail = found === damaged ? 'the hash differs' : `CRC-32 is ${found}, the node says ${checksum}`;
      yield finding('BLOB_DAMAGED', path, `${sha256}: ${detail}`);
    }
  }

  async #isPresent(sha256: string): Promise<boolean> {
    return this.sizes.get(sha256) !== undefined || (await this.blobs.has(sha256));
  }

  /** Damaged bytes that no node refers to would become the content of the next upload of what they should be. */
  async *checkOthers(): AsyncGenerator<Finding> {
    if (!this.deep) return;
    for await (const { sha256 } of this.blobs.list()) {
      if (this.#checksums.get(sha256) !== undefined) continue;
      try {
        if ((await this.#checksumOf(sha256)) === damaged)
          yield finding('BLOB_DAMAGED', sha256, 'no node refers to these bytes');
      } catch (error) {
        // Collected in the meantime.
        if (!(error instanceof RepositoryError && error.code === 'BLOB_MISSING')) throw error;
      }
    }
  }

  async #checksumOf(sha256: string): Promise<number> {
    const known = this.#checksums.get(sha256);
    if (known !== undefined) return known;
    const read = await readAll(this.blobs, sha256);
    const checksum = read.sha256 === sha256 ? read.crc32 : damaged;
    this.#checksums.set(sha256, checksum);
    return checksum;
  }
}

async function readAll(
  blobs: BlobStore,
  sha256: string,
): Promise<{ readonly length: number; readonly sha256: string; readonly crc32: number }> {
  const hash = createHash('sha256');
  let length = 0;
  let checksum = 0;
  for await (const chunk of blobs.read(sha256)) {
    hash.update(chunk);
    checksum = crc32(chunk, checksum);
    length += chunk.byteLength;
  }
  return { length, sha256: hash.digest('hex'), crc32: checksum };
}
