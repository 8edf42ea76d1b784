/** Copies blobs from one store to another, several at once, each checked against its hash. */
import { RepositoryError } from '../errors.js';
import type { BlobStore, ListedBlob } from '../store/contract.js';
import { batchesOf } from '../batches.js';

export interface CopyOptions {
  /** Default: all. */
  readonly wanted?: (sha256: string) => boolean;
  /** Blobs looked at so far. */
  readonly onBatch: (looked: number) => void;
  /** A quicker way than reading and writing; answers whether it could be taken. */
  readonly link?: (sha256: string) => Promise<boolean>;
}

export interface CopyReport {
  readonly blobs: number;
  readonly bytes: number;
  /** Those the target did not have yet. */
  readonly copied: number;
  readonly copiedBytes: number;
}

/** Blobs that are copied at once. */
const parallel = 8;

/** @throws STORE_CORRUPT when the bytes of a blob do not have its hash */
export async function copyBlobs(source: BlobStore, target: BlobStore, options: CopyOptions): Promise<CopyReport> {
  const { wanted = () => true, onBatch, link } = options;
  const report = { blobs: 0, bytes: 0, copied: 0, copiedBytes: 0 };
  const copy = async ({ sha256, size }: ListedBlob) => {
    report.blobs++;
    report.bytes += size;
    if (await target.has(sha256)) return;
    if (!(await link?.(sha256))) await copyBytes(source, target, sha256);
    report.copied++;
    report.copiedBytes += size;
  };
  let looked = 0;
  for await (const batch of batchesOf(source.list(), parallel)) {
    // When one fails the others are waited for: the caller closes the stores.
    const outcomes = await Promise.allSettled(batch.filter(({ sha256 }) => wanted(sha256)).map(copy));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
    looked += batch.length;
    onBatch(looked);
  }
  return report;
}

async function copyBytes(source: BlobStore, target: BlobStore, sha256: string): Promise<void> {
  const written = await target.write(source.read(sha256));
  if (written.sha256 === sha256) return;
  throw new RepositoryError(
    'STORE_CORRUPT',
    `The bytes of the blob ${sha256} are damaged: their SHA-256 is ${written.sha256}. Remove the blob or restore it.`,
  );
}
