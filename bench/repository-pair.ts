/** A repository and a raw store that holds the very same records, side by side. */
import path from 'node:path';
import type { Repository } from '../repository/api.js';
import { openRepository } from '../repository/repository.js';
import { createFilesystemBlobStore } from '../repository/store/filesystem/filesystem-blob-store.js';
import type { BinaryValue } from '../repository/value.js';
import { recordCommits } from './repository-backend.js';
import type { Backend, RawStore, RecordedCommit } from './repository-backend.js';
import { addFolders, writeTreeBlobs } from './repository-tree.js';

export interface Pair {
  readonly repository: Repository;
  readonly raw: RawStore;
  readonly blobs: readonly BinaryValue[];
  /** What the repository committed since it was last asked. */
  takeCommits(): RecordedCommit[];
  /** Both closed and opened again: their caches are empty, their data is in files. */
  reopen(): Promise<Pair>;
  /** @throws Error when the two sides do not hold the same; afterwards both are closed */
  assertEqual(): Promise<void>;
  /** Closes both and deletes what they stored. */
  remove(): Promise<void>;
}

export interface PairOptions {
  readonly folder: string;
  readonly backend: Backend;
  readonly sync: boolean;
}

/** @param assets folders for this many are there, on both sides */
export async function createPair(options: PairOptions, assets: number): Promise<Pair> {
  const pair = await openPair(options);
  await addFolders(pair.repository, assets);
  await pair.raw.writing(pair.takeCommits())();
  return pair;
}

async function openPair(options: PairOptions): Promise<Pair> {
  const { folder, backend, sync } = options;
  const store = await backend.openStore('ours', sync);
  const takeCommits = recordCommits(store);
  const files = await createFilesystemBlobStore({ folder: path.join(folder, 'blobs') });
  const repository = await openRepository({ nodes: store, blobs: files });
  const raw = await backend.openRaw('raw', sync);
  let closing: Promise<unknown> | undefined;
  const close = () => (closing ??= Promise.all([repository.close(), raw.close()]));
  return {
    repository,
    raw,
    takeCommits,
    blobs: await writeTreeBlobs(repository),
    reopen: async () => {
      await close();
      return openPair(options);
    },
    assertEqual: async () => {
      await close();
      const [ours, direct] = [await digestOf(backend, 'ours'), await digestOf(backend, 'raw')];
      if (ours !== direct) throw new Error('the raw side does not hold what the repository wrote');
    },
    remove: async () => {
      await close();
      await backend.remove('ours');
      await backend.remove('raw');
    },
  };
}

async function digestOf(backend: Backend, place: string): Promise<string> {
  const raw = await backend.openRaw(place, false);
  try {
    return await raw.digest();
  } finally {
    await raw.close();
  }
}
