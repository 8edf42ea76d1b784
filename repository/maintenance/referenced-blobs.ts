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

async function addReferences({ key, value }: StoredEntry, blobs: BlobStore, referenced: HashPrefixSet): Promise<void> {
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
