import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openFrom } from '../../dam/zip/write.js';
import type { BlobStore } from '../../repository/store/contract.js';
import type { PlannedBlob } from '../../workflows/contract/plan.js';

/** A file with the blob's bytes, for a program that reads files: the store's own, else a copy in `folder`. */
export async function sourceFile(blobs: BlobStore, blob: PlannedBlob, folder: string): Promise<string> {
  if (blobs.localFile && blob.inline === undefined) return blobs.localFile(blob.sha256);
  const file = join(folder, blob.sha256);
  await pipeline(Readable.from(openFrom(blobs)(blob)), createWriteStream(file));
  return file;
}
