/**
 * A node can only be saved with binaries whose bytes are there and stay there. The second half is a protocol with the
 * collector (docs/decisions/0010-collecting-blobs.md), of which this is the side of the saves.
 */
import { blobListProperty, listedBlobs } from './blob-list.js';
import { decodeBlobMark } from './blob-marks.js';
import { propertiesEqual } from './convert-value.js';
import { RepositoryError } from './errors.js';
import { blobEpochKey, blobMarkKey } from './keys.js';
import type { SaveAttempt, SaveContribution, SaveParticipant } from './session-participant.js';
import type { SavePlan } from './session-plan.js';
import type { BlobStore, Precondition, Write } from './store/contract.js';

/** Questions to the blob store that are under way at once. */
const parallel = 64;

/**
 * The participant of one repository. It throws BLOB_MISSING, and CONFLICT for bytes that are being collected.
 */
export function createBlobGuard(): SaveParticipant {
  const present = new PresentBlobs();
  return (attempt) => requireBlobs(attempt, present);
}

async function requireBlobs({ plan, snapshot, blobs }: SaveAttempt, present: PresentBlobs): Promise<SaveContribution> {
  const places = await newReferences(plan, blobs);
  if (places.size === 0) return {};
  const hashes = [...places.keys()];
  const keys = hashes.map(blobMarkKey);
  const [epoch, ...marks] = await snapshot.getMany([blobEpochKey, ...keys]);
  const preconditions: Precondition[] = [
    // A mark that came and went since the snapshot took the bytes with it, and its version would be 0 again.
    { kind: 'version', key: blobEpochKey, version: epoch?.version ?? 0 },
  ];
  const writes: Write[] = [];
  hashes.forEach((sha256, index) => {
    const key = blobMarkKey(sha256);
    const mark = marks[index];
    preconditions.push({ kind: 'version', key, version: mark?.version ?? 0 });
    if (!mark) return;
    if (decodeBlobMark({ key, value: mark.value }).state === 'deleting') throw beingCollected(sha256, places);
    writes.push({ key, remove: true });
  });
  // After the snapshot: bytes that are gone without a mark are seen to be gone.
  const unknown = hashes.filter((sha256) => !present.has(sha256, epoch?.version ?? 0));
  await requirePresent(unknown, places, blobs);
  for (const sha256 of unknown) present.add(sha256, epoch?.version ?? 0);
  return { preconditions, writes };
}

const maxKnown = 50_000;

/**
 * Blobs that were seen to be there. Bytes only go with a new epoch or under a mark, and a save requires both to stand, so what was
 * seen under the same epoch needs no second look.
 */
class PresentBlobs {
  #epoch = 0;
  readonly #hashes = new Set<string>();

  has(sha256: string, epoch: number): boolean {
    return epoch === this.#epoch && this.#hashes.has(sha256);
  }

  add(sha256: string, epoch: number): void {
    // A session at an earlier commit must not bring back what is gone since.
    if (epoch < this.#epoch) return;
    if (epoch > this.#epoch || this.#hashes.size >= maxKnown) this.#hashes.clear();
    this.#epoch = epoch;
    this.#hashes.add(sha256);
  }
}

/** Hashes that the stored nodes may not have referred to, with the property that does now. */
async function newReferences(plan: SavePlan, blobs: BlobStore): Promise<ReadonlyMap<string, string>> {
  const places = new Map<string, string>();
  for (const { path, record, origin } of plan.nodes.values()) {
    for (const [name, property] of record.properties) {
      const isList = name === blobListProperty;
      if (property.type !== 'Binary' && !isList) continue;
      if (propertiesEqual(property, origin?.record.properties.get(name))) continue;
      for (const value of property.values) {
        if (typeof value === 'object' && value.inline === undefined) places.set(value.sha256, `${path}/${name}`);
        if (isList) for await (const sha256 of listedBlobs(value, blobs)) places.set(sha256, `${path}/${name}`);
      }
    }
  }
  return places;
}

async function requirePresent(
  hashes: readonly string[],
  places: ReadonlyMap<string, string>,
  blobs: BlobStore,
): Promise<void> {
  for (let start = 0; start < hashes.length; start += parallel) {
    await Promise.all(
      hashes.slice(start, start + parallel).map(async (sha256) => {
        if (!(await blobs.has(sha256))) throw missing(sha256, places);
      }),
    );
  }
}

function missing(sha256: string, places: ReadonlyMap<string, string>): RepositoryError {
  const place = places.get(sha256) ?? '';
  return new RepositoryError(
    'BLOB_MISSING',
    `The bytes of ${place} (SHA-256 ${sha256}) are not in the blob store; write them with createBinary.`,
    { paths: [place.slice(0, place.lastIndexOf('/'))] },
  );
}

function beingCollected(sha256: string, places: ReadonlyMap<string, string>): RepositoryError {
  const place = places.get(sha256) ?? '';
  return new RepositoryError(
    'CONFLICT',
    `The bytes of ${place} (SHA-256 ${sha256}) are being collected, as nothing referred to them; write them again with createBinary, then save again.`,
    { paths: [place.slice(0, place.lastIndexOf('/'))] },
  );
}
