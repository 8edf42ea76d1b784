import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Level } from 'level';
import * as vitest from 'vitest';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { describeNodeStore } from '../../repository/conformance/node-store.js';
import { createLevelNodeStore } from '../../repository/store/level/level-node-store.js';
import { buildFixture } from '../cli/build-fixture.js';
import { collect, temporaryFolder } from './world.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'satchel-level-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));
let opened = 0;

describeNodeStore('LevelDB', () => createLevelNodeStore({ folder: join(root, String(opened++)) }), vitest);

describe('the LevelDB node store', () => {
  it('has records, journal and cursors again after it was closed', async () => {
    const folder = await temporaryFolder();
    const first = await createLevelNodeStore({ folder });
    await first.commit({ preconditions: [], writes: [{ key: 'a', value: '1' }], entry: 'one' });
    await first.setCursor('c', 1);
    await first.close();
    const second = await createLevelNodeStore({ folder });
    onTestFinished(() => second.close());
    expect(await second.head()).toBe(1);
    expect(await collect(second.journal(0))).toEqual([{ sequence: 1, entry: 'one' }]);
    expect(await second.getCursor('c')).toBe(1);
    const sequence = await second.commit({
      preconditions: [{ kind: 'version', key: 'a', version: 1 }],
      writes: [{ key: 'a', value: '2' }],
      entry: 'two',
    });
    expect(sequence).toBe(2);
  });

  it('says STORE_LOCKED while another store has the folder', async () => {
    const folder = await temporaryFolder();
    const store = await createLevelNodeStore({ folder });
    onTestFinished(() => store.close());
    await expect(createLevelNodeStore({ folder })).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      message: expect.stringContaining(folder) as string,
    });
  });

  it('says STORE_CORRUPT for a database that does not open', async () => {
    const folder = await temporaryFolder();
    await (await createLevelNodeStore({ folder })).close();
    await writeFile(join(folder, 'CURRENT'), 'garbage\n');
    await expect(createLevelNodeStore({ folder })).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });

  it('says STORE_CORRUPT for a record without a version and for a gap in the journal', async () => {
    const folder = await temporaryFolder();
    const first = await createLevelNodeStore({ folder });
    for (const entry of ['one', 'two', 'three']) {
      await first.commit({ preconditions: [], writes: [{ key: 'a', value: entry }], entry });
    }
    await first.close();
    const db = new Level(folder);
    await db.put('ka', 'no version');
    const second = (await db.keys({ gte: 'j', lt: 'k' }).all())[1] ?? '';
    await db.del(second);
    await db.close();

    const store = await createLevelNodeStore({ folder });
    onTestFinished(() => store.close());
    const snapshot = await store.snapshot();
    onTestFinished(() => snapshot.close());
    await expect(snapshot.getMany(['a'])).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    await expect(collect(store.journal(0))).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });

  it('finishes the commits that wait when it is closed', async () => {
    const folder = await temporaryFolder();
    const store = await createLevelNodeStore({ folder });
    const commits = Array.from({ length: 30 }, (_, index) =>
      store.commit({ preconditions: [], writes: [{ key: `k${index}`, value: '' }], entry: '' }),
    );
    await store.close();
    expect(await Promise.all(commits)).toHaveLength(30);
  });

  it('still has every commit it confirmed after its process was killed', async () => {
    const folder = await temporaryFolder();
    const program = await buildFixture(new URL('./fixtures/commit-without-end.ts', import.meta.url));
    const child = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    let confirmed = 0;
    for await (const chunk of child.stdout) {
      confirmed = Number(String(chunk).trim().split('\n').at(-1));
      if (confirmed >= 200) break;
    }
    child.kill('SIGKILL');
    await exited;

    const store = await createLevelNodeStore({ folder });
    onTestFinished(() => store.close());
    const head = await store.head();
    expect(head).toBeGreaterThanOrEqual(confirmed);
    const snapshot = await store.snapshot();
    onTestFinished(() => snapshot.close());
    const entries = (await collect(snapshot.range({ gte: 'k', lt: 'l' }))).flat();
    expect(entries.map(({ key }) => Number(key.slice(1))).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: head }, (_, index) => index),
    );
  });
});
