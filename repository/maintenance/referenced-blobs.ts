/** Which blobs a snapshot of the repository refers to. */
import { blobListProperty, hashesIn, listedBlobs } from '../blob-list.js';
import { RepositoryError } from '../errors.js';
import type { BlobStore, KeyRange, StoredEntry, StoreSnapshot } from '../store/contract.js';
import type { BinaryValue } from '../value.js';
import { HashPrefixSet } from './hash-prefix-set.js';

/** Nodes, and what version histories keep of them. */
const referring: readonly KeyRange[] = [
  { gte: 'n', lt: 'o' },
  { gte: 'v', lt: 'w' },
];
const binaryValue = /"sha256":"([0-9a-f]{64})"/g;
const binaryList = new RegExp(`"${blobListProperty}":\\["Binary(?:\\[\\])?",([^\\]]*)\\]`, 'g');

/**
 * Every hash in the text of nodes and version histories, read as text so that a record of a form that is not known here keeps its
 * blobs too, and those that lists of blobs name.
 * @param onRecords is told how many records were read so far, once for each batch, and waited for
 * @throws BLOB_MISSING when a list is not in the blob store: without it nobody knows what is needed
 */
export async function referencedBlobs(
  snapshot: StoreSnapshot,
  blobs: BlobStore,
  onRecords: (count: number) => Promise<void>,
): Promise<HashPrefixSet> {
  const referenced = new HashPrefixSet();
  let count = 0;
  for (const range of referring) {
    for await (const batch of snapshot.range(range)) {
      for (const entry of batch) await addReferences(entry, blobs, referenced);
      count += batch.length;
      await onRecords(count);
    }
  }
  return referenced;
}

/** Adds what one record refers to; a record of another kind refers to nothing. @throws BLOB_MISSING, as above */
async function addReferences(
  { key, value }: Pick<StoredEntry, 'key' | 'value'>,
  blobs: BlobStore,
  referenced: HashPrefixSet,
): Promise<void> {
  if (!key.startsWith('n') && !key.startsWith('v')) return;
  for (const [, sha256 = ''] of value.matchAll(binaryValue)) referenced.add(sha256);
  if (!value.includes(`"${blobListProperty}":`)) return;
  // Covers lists of strings.
  for (const sha256 of hashesIn(value)) referenced.add(sha256);
  for (const [, values = ''] of value.matchAll(binaryList)) {
    for (const list of JSON.parse(`[${values}]`) as BinaryValue[]) {
      try {
        for await (const sha256 of listedBlobs(list, blobs)) referenced.add(sha256);
      } catch (cause) {
        throw new RepositoryError(
          'BLOB_MISSING',
          `The list of blobs in ${JSON.stringify(key.slice(1))} cannot be read, so nothing is collected; restore it or remove the node.`,
          { cause },
        );
      }
    }
  }
}

/** The same where a list that is lost must not stop the work, as in a backup: what only it names is left out. */
export async function addReadableReferences(
  entry: Pick<StoredEntry, 'key' | 'value'>,
  blobs: BlobStore,
  referenced: HashPrefixSet,
): Promise<void> {
  try {
    await addReferences(entry, blobs, referenced);
  } catch (error) {
    if (!(error instanceof RepositoryError && error.code === 'BLOB_MISSING')) throw error;
  }
}
