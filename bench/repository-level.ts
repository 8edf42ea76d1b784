/** LevelDB: the store of `repository/store/level`, and `level` used directly in its quickest forms. */
import { createHash } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Level } from 'level';
import { subtreeRanges } from '../repository/keys.js';
import { createLevelNodeStore } from '../repository/store/level/level-node-store.js';
import type { Backend, RawStore, RecordedCommit } from './repository-backend.js';

/** Entries and bytes per call of an iterator; LevelDB's own bound of a call is 16 KiB. */
const scanBatch = 1000;
const scanBytes = 2 ** 20;

export function levelBackend(folder: string): Backend {
  const placeFolder = (place: string) => path.join(folder, place);
  return {
    name: 'level',
    canSkipSync: true,
    openStore: (place, sync) => createLevelNodeStore({ folder: placeFolder(place), sync }),
    openRaw: (place, sync) => openRawLevel(placeFolder(place), sync),
    remove: (place) => rm(placeFolder(place), { recursive: true, force: true }),
  };
}

async function openRawLevel(folder: string, sync: boolean): Promise<RawStore> {
  const db = new Level<string, string>(folder, { keyEncoding: 'utf8', valueEncoding: 'utf8' });
  await db.open();
  return {
    writing: (commits) => {
      const batches = commits.map(operationsOf);
      return async () => {
        for (const operations of batches) {
          const batch = db.batch();
          for (const { key, value } of operations) {
            if (value === undefined) batch.del(key);
            else batch.put(key, value);
          }
          await batch.write({ sync });
        }
      };
    },
    reading: (keys, atOnce) => {
      const stored = keys.map((key) => `k${key}`);
      return async () => {
        let found = 0;
        if (atOnce === 1) {
          for (const key of stored) if (db.getSync(key) !== undefined) found++;
          return found;
        }
        for (let start = 0; start < stored.length; start += atOnce) {
          const values: (string | undefined)[] = await db.getMany(stored.slice(start, start + atOnce));
          for (const value of values) if (value !== undefined) found++;
        }
        return found;
      };
    },
    following: (lookups, limit) => async () => {
      let found = 0;
      for (const { range, recordKey } of lookups) {
        const entries = await db.keys({ gte: `k${range.gte}`, lt: `k${range.lt}`, limit }).all();
        const values: (string | undefined)[] = await db.getMany(entries.map((key) => `k${recordKey(key.slice(1))}`));
        for (const value of values) if (value !== undefined) found++;
      }
      return found;
    },
    traversing: (below) => async () => {
      let found = 0;
      for (const { gte, lt } of subtreeRanges(below)) {
        const iterator = db.iterator({ gte: `k${gte}`, lt: `k${lt}`, highWaterMarkBytes: scanBytes });
        for (let entries = await iterator.nextv(scanBatch); entries.length > 0;) {
          for (const [, value] of entries) {
            const record = JSON.parse(value.slice(value.indexOf(':') + 1)) as { p: Record<string, unknown> };
            if (record.p['jcr:primaryType'] !== undefined) found++;
          }
          entries = await iterator.nextv(scanBatch);
        }
        await iterator.close();
      }
      return found;
    },
    digest: async () => {
      const hash = createHash('sha256');
      for await (const [key, value] of db.iterator()) hash.update(`${key}\0${value}\0`);
      return hash.digest('hex');
    },
    size: () => sizeOf(folder),
    close: () => db.close(),
  };
}

/** As level-node-store.ts lays out a commit; `undefined` removes. */
function operationsOf({ sequence, commit }: RecordedCommit): { key: string; value: string | undefined }[] {
  return [
    ...commit.writes.map((write) => ({
      key: `k${write.key}`,
      value: 'remove' in write ? undefined : `${sequence}:${write.value}`,
    })),
    { key: `j${String(sequence).padStart(16, '0')}`, value: commit.entry },
    { key: 'h', value: String(sequence) },
  ];
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder)) bytes += (await stat(path.join(folder, name))).size;
  return bytes;
}
