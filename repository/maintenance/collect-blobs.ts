/**
 * Removes blobs that nothing refers to, in two phases a grace period apart, and never one that a node, a session or an
 * archive can still reach. The protocol, and why it holds, is docs/decisions/0010-collecting-blobs.md; the other side of it is
 * repository/blob-references.ts.
 */
import { decodeBlobMark } from '../blob-marks.js';
import type { BlobMark } from '../blob-marks.js';
import { blobMarkKey, blobMarkKeys } from '../keys.js';
import type { RepositoryStores } from '../repository.js';
import type { ListedBlob, StoreSnapshot } from '../store/contract.js';
import { batchesOf } from '../batches.js';
import { changeMarks } from './change-marks.js';
import type { MarkChange } from './change-marks.js';
import { CollectorLease } from './collector-lease.js';
import type { HashPrefixSet } from './hash-prefix-set.js';
import { referencedBlobs } from './referenced-blobs.js';

export const defaultGraceMilliseconds = 24 * 3_600_000;

export interface CollectOptions {
  /** How long bytes stay that nothing refers to, from when they were written and again from when that was noticed. Default: a day. */
  readonly graceMilliseconds?: number;
  /** Counts and changes nothing. */
  readonly dryRun?: boolean;
  readonly now?: () => Date;
  readonly signal?: AbortSignal;
  /** Called often; cheap work only. */
  readonly onProgress?: (progress: CollectProgress) => void;
}

export interface CollectProgress {
  readonly phase: 'reading references' | 'looking at blobs' | 'removing';
  /** Records or blobs so far. */
  readonly done: number;
}

/** Of a dry run: what a run would have done. */
export interface CollectReport {
  readonly blobs: number;
  readonly bytes: number;
  /** Nothing refers to them; removed ones included. */
  readonly unreferenced: number;
  readonly unreferencedBytes: number;
  /** Noticed for the first time. */
  readonly marked: number;
  /** Marked, and not for long enough. */
  readonly waiting: number;
  /** Marked ones that are referred to again, or were written again. */
  readonly spared: number;
  readonly removed: number;
  readonly removedBytes: number;
}

const batchSize = 256;

/**
 * One run: notices what is unreferenced, and removes what was noticed a grace period ago and still is.
 * @throws CONFLICT while another run is under way; BLOB_MISSING when a list of needed blobs cannot be read
 */
export async function collectBlobs(stores: RepositoryStores, options: CollectOptions = {}): Promise<CollectReport> {
  const now = options.now ?? (() => new Date());
  const lease = options.dryRun ? undefined : await CollectorLease.take(stores.nodes, now);
  try {
    return await new Collection(stores, options, now, lease).run();
  } finally {
    await lease?.release();
  }
}

interface SeenMark {
  readonly version: number;
  readonly mark: BlobMark;
}

class Collection {
  readonly #graceMilliseconds: number;
  readonly #report = {
    blobs: 0,
    bytes: 0,
    unreferenced: 0,
    unreferencedBytes: 0,
    marked: 0,
    waiting: 0,
    spared: 0,
    removed: 0,
    removedBytes: 0,
  };

  constructor(
    private readonly stores: RepositoryStores,
    private readonly options: CollectOptions,
    private readonly now: () => Date,
    /** `undefined` in a dry run. */
    private readonly lease: CollectorLease | undefined,
  ) {
    this.#graceMilliseconds = options.graceMilliseconds ?? defaultGraceMilliseconds;
  }

  async run(): Promise<CollectReport> {
    const { nodes, blobs } = this.stores;
    const snapshot = await nodes.snapshot();
    let deleting = false;
    try {
      const referenced = await referencedBlobs(snapshot, blobs, async (done) => this.#step('reading references', done));
      for await (const batch of batchesOf(blobs.list(), batchSize)) {
        await this.#step('looking at blobs', this.#report.blobs);
        if (await this.#judge(batch, snapshot, referenced)) deleting = true;
      }
    } finally {
      await snapshot.close();
    }
    if (this.lease) {
      if (deleting) await this.#removeMarked();
      await this.#dropEmptyMarks();
    }
    return this.#report;
  }

  /** Phase one, and the first half of phase two. @returns whether one of the blobs is now marked to be deleted */
  async #judge(batch: readonly ListedBlob[], snapshot: StoreSnapshot, referenced: HashPrefixSet): Promise<boolean> {
    const report = this.#report;
    const marks = await marksOf(snapshot, batch);
    const changes: MarkChange[] = [];
    let deleting = false;
    for (const [index, blob] of batch.entries()) {
      const { sha256, size } = blob;
      const seen = marks[index];
      report.blobs++;
      report.bytes += size;
      if (referenced.has(sha256)) {
        if (!seen) continue;
        report.spared++;
        changes.push({ sha256, seen: seen.version, mark: undefined });
        continue;
      }
      report.unreferenced++;
      report.unreferencedBytes += size;
      if (!seen) {
        if (!this.#isPast(blob.modified)) continue;
        report.marked++;
        changes.push({ sha256, seen: 0, mark: { state: 'unreferenced', since: this.now() } });
      } else if (seen.mark.state === 'deleting' && this.lease) {
        deleting = true;
      } else if (!this.#isPast(blob.modified)) {
        report.spared++;
        changes.push({ sha256, seen: seen.version, mark: undefined });
      } else if (seen.mark.state !== 'deleting' && !this.#isPast(seen.mark.since)) {
        report.waiting++;
      } else if (this.lease) {
        changes.push({ sha256, seen: seen.version, mark: { ...seen.mark, state: 'deleting' } });
      } else {
        report.removed++;
        report.removedBytes += size;
      }
    }
    if (!this.lease) return false;
    const changed = await changeMarks(this.stores.nodes, changes, this.now());
    return deleting || changes.some(({ sha256, mark }) => mark?.state === 'deleting' && changed.has(sha256));
  }

  /** The second half of phase two: from the commit of the mark on, no save refers to these bytes. */
  async #removeMarked(): Promise<void> {
    const { nodes, blobs } = this.stores;
    // Listed anew: what was written again since the first look is spared.
    let looked = 0;
    for await (const batch of batchesOf(blobs.list(), batchSize)) {
      await this.#step('removing', looked);
      looked += batch.length;
      const marked = await this.#deletingAmong(batch);
      const young = marked.filter(({ blob }) => !this.#isPast(blob.modified));
      const going = marked.filter(({ blob }) => this.#isPast(blob.modified));
      await changeMarks(nodes, young.map(withoutMark), this.now());
      this.#report.spared += young.length;
      const outcomes = await Promise.allSettled(going.map(async ({ blob }) => blobs.remove(blob.sha256)));
      const gone = going.filter((_, index) => outcomes[index]?.status === 'fulfilled');
      await changeMarks(nodes, gone.map(withoutMark), this.now(), true);
      this.#report.removed += gone.length;
      this.#report.removedBytes += gone.reduce((sum, { blob }) => sum + blob.size, 0);
      const failure = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failure) throw failure.reason;
    }
  }

  async #deletingAmong(batch: readonly ListedBlob[]): Promise<{ readonly blob: ListedBlob; readonly seen: number }[]> {
    const snapshot = await this.stores.nodes.snapshot();
    try {
      const marks = await marksOf(snapshot, batch);
      return batch.flatMap((blob, index) => {
        const seen = marks[index];
        return seen?.mark.state === 'deleting' ? [{ blob, seen: seen.version }] : [];
      });
    } finally {
      await snapshot.close();
    }
  }

  /** Marks without bytes: a collector was killed between removing a blob and its mark, or somebody removed the file. */
  async #dropEmptyMarks(): Promise<void> {
    const { nodes, blobs } = this.stores;
    const snapshot = await nodes.snapshot();
    try {
      for await (const batch of snapshot.range(blobMarkKeys)) {
        await this.#step('removing', 0);
        const present = await Promise.all(batch.map(async ({ key }) => blobs.has(key.slice(1))));
        const empty = batch.filter((_, index) => !present[index]);
        const changes = empty.map(({ key, version }) => ({ sha256: key.slice(1), seen: version, mark: undefined }));
        await changeMarks(nodes, changes, this.now(), true);
      }
    } finally {
      await snapshot.close();
    }
  }

  #isPast(time: Date): boolean {
    return this.now().getTime() - time.getTime() >= this.#graceMilliseconds;
  }

  async #step(phase: CollectProgress['phase'], done: number): Promise<void> {
    this.options.signal?.throwIfAborted();
    this.options.onProgress?.({ phase, done });
    await this.lease?.keep();
  }
}

/** In the order of the blobs. */
async function marksOf(snapshot: StoreSnapshot, batch: readonly ListedBlob[]): Promise<(SeenMark | undefined)[]> {
  const keys = batch.map(({ sha256 }) => blobMarkKey(sha256));
  const records = await snapshot.getMany(keys);
  return records.map(
    (record, index) =>
      record && { version: record.version, mark: decodeBlobMark({ key: keys[index] ?? '', value: record.value }) },
  );
}

function withoutMark({ blob, seen }: { readonly blob: ListedBlob; readonly seen: number }): MarkChange {
  return { sha256: blob.sha256, seen, mark: undefined };
}
