/**
 * A node can only be saved with binaries whose bytes are there and stay there. The second half is a protocol with the
 * collector (docs/decisions/0010-collecting-blobs.md), of which this is the side of the saves.
 */
import { blobListProperty, listedBlobs } from './blob-list.js';
import { decodeBlobMark } from './blob-marks.js';
import { RepositoryError } from './errors.js';
import { blobEpochKey, blobMarkKey } from './keys.js';
import type { SaveAttempt, SaveContribution, SaveParticipant } from './session-participant.js';
import type { SavePlan } from './session-plan.js';
import type { BlobStore, Precondition, Write } from './store/contract.js';

/** Questions to the blob store that are under way at once. */
const parallel = 64;

/**
 * The participant of one repository. It throws BLOB_MISSING, INVALID_VALUE for a size that is not that of the blob, and CONFLICT
 * for bytes that are being collected. The CRC-32 is taken as given: checking it would read the whole blob.
 */
export function createBlobGuard(): SaveParticipant {
  const present = new PresentBlobs();
  return (attempt) => requireBlobs(attempt, present);
}

async function requireBlobs(
  { plan, snapshot, blobs, blobEpoch, isFirst }: SaveAttempt,
  present: PresentBlobs,
): Promise<SaveContribution> {
  const places = await newReferences(plan, blobs);
  if (places.size === 0) return {};
  const isKnown = ([sha256, { size }]: [string, NewReference]) => present.has(sha256, size, blobEpoch);
  // A blob that was there has no mark, most likely: whether it has is for the commit to see.
  const known = isFirst ? [...places].filter(isKnown) : [];
  const hashes = (isFirst ? [...places].filter((reference) => !isKnown(reference)) : [...places]).map(
    ([sha256]) => sha256,
  );
  const marks = hashes.length === 0 ? [] : await snapshot.getMany(hashes.map(blobMarkKey));
  const preconditions: Precondition[] = [
    // A mark that came and went since the snapshot took the bytes with it, and its version would be 0 again.
    { kind: 'version', key: blobEpochKey, version: blobEpoch },
    ...known.map(([sha256]) => ({ kind: 'version', key: blobMarkKey(sha256), version: 0 }) as const),
  ];
  const writes: Write[] = [];
  hashes.forEach((sha256, index) => {
    const key = blobMarkKey(sha256);
    const mark = marks[index];
    preconditions.push({ kind: 'version', key, version: mark?.version ?? 0 });
    if (!mark) return;
    if (decodeBlobMark({ key, value: mark.value }).state === 'deleting')
      throw beingCollected(sha256, places.get(sha256)?.place ?? '');
    writes.push({ key, remove: true });
  });
  // After the snapshot: bytes that are gone without a mark are seen to be gone.
  const unknown = [...places].filter((reference) => !isKnown(reference));
  await requirePresent(unknown, blobs);
  for (const [sha256, { size }] of unknown) present.add(sha256, size, blobEpoch);
  return { preconditions, writes };
}

const maxKnown = 50_000;

/**
 * Blobs that were seen to be there. Bytes only go with a new epoch or under a mark, and a save requires both to stand, so what was
 * seen under the same epoch needs no second look.
 */
class PresentBlobs {
  #epoch = 0;
  /** Sizes by hash; `undefined` where only the presence was of interest. */
  readonly #sizes = new Map<string, number | undefined>();

  has(sha256: string, size: number | undefined, epoch: number): boolean {
    if (epoch !== this.#epoch || !this.#sizes.has(sha256)) return false;
    return size === undefined || this.#sizes.get(sha256) === size;
  }

  add(sha256: string, size: number | undefined, epoch: number): void {
    // A session at an earlier commit must not bring back what is gone since.
    if (epoch < this.#epoch) return;
    if (epoch > this.#epoch || this.#sizes.size >= maxKnown) this.#sizes.clear();
    this.#epoch = epoch;
    this.#sizes.set(sha256, size);
  }
}

interface NewReference {
  /** Path of the property. */
  readonly place: string;
  /** As the value says it; lists name hashes alone. */
  readonly size: number | undefined;
}
type NewReferences = ReadonlyMap<string, NewReference>;

/** Hashes that the stored nodes may not have referred to, with the property that does now. */
async function newReferences(plan: SavePlan, blobs: BlobStore): Promise<NewReferences> {
  const places = new Map<string, NewReference>();
  for (const { path, record, changed } of plan.nodes.values()) {
    for (const name of changed) {
      const property = record.properties.get(name);
      const isList = name === blobListProperty;
      if (!property || (property.type !== 'Binary' && !isList)) continue;
      for (const value of property.values) {
        const place = `${path}/${name}`;
        if (typeof value === 'object' && value.inline === undefined) {
          const { sha256, size } = value;
          const other = places.get(sha256)?.size ?? size;
          if (other !== size) throw wrongSize(place, size);
          places.set(sha256, { place, size });
        }
        if (!isList) continue;
        for await (const sha256 of listedBlobs(value, blobs)) {
          if (!places.has(sha256)) places.set(sha256, { place, size: undefined });
        }
      }
    }
  }
  return places;
}

async function requirePresent(
  references: readonly (readonly [string, NewReference])[],
  blobs: BlobStore,
): Promise<void> {
  for (let start = 0; start < references.length; start += parallel) {
    await Promise.all(
      references.slice(start, start + parallel).map(async ([sha256, { place, size }]) => {
        if (!(await blobs.has(sha256))) throw missing(sha256, place);
        if (size === undefined || (await hasSize(blobs, sha256, size))) return;
        // It may have been collected since the first question.
        throw (await blobs.has(sha256)) ? wrongSize(place, size) : missing(sha256, place);
      }),
    );
  }
}

/** Whether the blob ends where the value says. */
async function hasSize(blobs: BlobStore, sha256: string, size: number): Promise<boolean> {
  return (size === 0 || (await hasByte(blobs, sha256, size - 1))) && !(await hasByte(blobs, sha256, size));
}

async function hasByte(blobs: BlobStore, sha256: string, start: number): Promise<boolean> {
  try {
    for await (const chunk of blobs.read(sha256, { start, length: 1 }, () => new Uint8Array(1))) {
      if (chunk.byteLength > 0) return true;
    }
    return false;
  } catch (error) {
    if (error instanceof RepositoryError && error.code === 'BLOB_MISSING') return false;
    throw error;
  }
}

function wrongSize(place: string, size: number): RepositoryError {
  return new RepositoryError(
    'INVALID_VALUE',
    `The blob of ${place} does not have the ${size} bytes its value says; write it again with createBinary.`,
    { paths: [place.slice(0, place.lastIndexOf('/'))] },
  );
}

function missing(sha256: string, place: string): RepositoryError {
  return new RepositoryError(
    'BLOB_MISSING',
    `The bytes of ${place} (SHA-256 ${sha256}) are not in the blob store; write them with createBinary.`,
    { paths: [place.slice(0, place.lastIndexOf('/'))] },
  );
}

function beingCollected(sha256: string, place: string): RepositoryError {
  return new RepositoryError(
    'CONFLICT',
    `The bytes of ${place} (SHA-256 ${sha256}) are being collected, as nothing referred to them; write them again with createBinary, then save again.`,
    { paths: [place.slice(0, place.lastIndexOf('/'))] },
  );
}
