/** Damaged files and full disks: a clear error or a finding, never a crash, and nothing lost without a word where it can be known. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Level } from 'level';
import { describe, expect, it, onTestFinished } from 'vitest';
import { adminUser } from '../../repository/api.js';
import { RepositoryError } from '../../repository/errors.js';
import { checkRepository } from '../../repository/maintenance/check-repository.js';
import { openRepository } from '../../repository/repository.js';
import { blobFile, createFilesystemBlobStore } from '../../repository/store/filesystem/filesystem-blob-store.js';
import { createLevelNodeStore } from '../../repository/store/level/level-node-store.js';
import { buildFixture } from '../cli/build-fixture.js';
import { canMountPrivately, smallDiskCommand } from '../e2e/support/small-disks.js';
import type { FullDisk } from './fixtures/full-disk-process.js';
import { collect, openEmbedded, sessionOf, temporaryFolder } from './world.js';

const nodeCount = 300;

/** A closed repository of nodes in a table file and in the log. */
async function closedRepository(): Promise<string> {
  const folder = await temporaryFolder();
  const addSome = async (name: string) => {
    const repository = await openEmbedded(folder);
    await repository.withSession(adminUser, async (session) => {
      await session.addNode(`/${name}`);
      for (let index = 0; index < nodeCount; index++) {
        await session.addNode(`/${name}/node-${index}`, { properties: { text: `${name} ${index}`.repeat(10) } });
      }
      await session.save();
    });
    await repository.close();
  };
  await addSome('table');
  const db = new Level(join(folder, 'nodes'));
  await db.open();
  // What is compacted lies in a table file.
  await (db as unknown as { compactRange(start: string, end: string): Promise<void> }).compactRange('', '~');
  await db.close();
  await addSome('log');
  return folder;
}

async function largestFile(folder: string, kind: RegExp): Promise<string> {
  const files = (await readdir(folder)).filter((name) => kind.test(name)).map((name) => join(folder, name));
  const sizes = await Promise.all(files.map(async (file) => (await readFile(file)).length));
  const largest = files[sizes.indexOf(Math.max(...sizes))];
  if (largest === undefined) throw new Error(`there is no ${String(kind)} in ${folder}`);
  return largest;
}

type Damage = (file: string) => Promise<void>;

const remove: Damage = (file) => rm(file);
const cutAt =
  (part: number): Damage =>
  async (file) =>
    truncate(file, Math.floor((await readFile(file)).length * part));
/** Turns all bits of a byte, so that it is another one whatever it was. */
const flipAt =
  (part: number): Damage =>
  async (file) => {
    const bytes = await readFile(file);
    const place = Math.min(bytes.length - 1, Math.floor(bytes.length * part));
    bytes[place] = (bytes[place] ?? 0) ^ 0xff;
    await writeFile(file, bytes);
  };

/** What opening, a check and reading everything say. @returns codes; nothing means that all nodes were there */
async function tryAll(folder: string): Promise<string[]> {
  const codes: string[] = [];
  const note = (error: unknown) => {
    if (!(error instanceof RepositoryError)) throw error;
    codes.push(error.code);
  };
  try {
    const stores = {
      nodes: await createLevelNodeStore({ folder: join(folder, 'nodes'), verify: true }),
      blobs: await createFilesystemBlobStore({ folder: join(folder, 'blobs') }),
    };
    try {
      for await (const { code } of checkRepository(stores)) codes.push(code);
      const repository = await openRepository(stores);
      await repository.withSession(adminUser, async (session) => {
        for (const name of ['table', 'log']) {
          const found = await collect(session.descendants(`/${name}`));
          if (found.length < nodeCount) codes.push('NODES_LOST');
        }
      });
    } catch (error) {
      note(error);
    } finally {
      await stores.nodes.close();
    }
  } catch (error) {
    note(error);
  }
  return codes;
}

describe('a damaged database', () => {
  it.each<[string, RegExp, string, Damage]>([
    ['CURRENT', /^CURRENT$/, 'removed', remove],
    ['CURRENT', /^CURRENT$/, 'emptied', cutAt(0)],
    ['CURRENT', /^CURRENT$/, 'changed', flipAt(0)],
    ['the manifest', /^MANIFEST/, 'removed', remove],
    ['the manifest', /^MANIFEST/, 'emptied', cutAt(0)],
    ['the manifest', /^MANIFEST/, 'changed at its start', flipAt(0.1)],
    ['a table', /\.ldb$/, 'removed', remove],
    ['a table', /\.ldb$/, 'emptied', cutAt(0)],
    ['a table', /\.ldb$/, 'cut in the middle', cutAt(0.5)],
    ['a table', /\.ldb$/, 'changed at its end', flipAt(1)],
  ])('says STORE_CORRUPT or finds it: %s (%s) %s', async (_file, kind, _how, damage) => {
    const folder = await closedRepository();
    await damage(await largestFile(join(folder, 'nodes'), kind));
    const codes = await tryAll(folder);
    expect(codes.filter((code) => code === 'STORE_CORRUPT' || code === 'STORE_UNREADABLE')).not.toEqual([]);
  });

  it.each([0.05, 0.2, 0.4, 0.6, 0.8])('is found before it is opened: a table changed at %s', async (part) => {
    const folder = await closedRepository();
    const file = await largestFile(join(folder, 'nodes'), /\.ldb$/);
    await flipAt(part)(file);
    expect(await tryAll(folder)).toEqual(['STORE_CORRUPT']);
  });

  // LevelDB takes what does not fit at the end of its log for a commit that a crash cut short: docs/maintenance.md. What is
  // promised is a repository that answers.
  it.each<[string, Damage]>([
    ...[0.1, 0.5, 0.9].map((part): [string, Damage] => [`changed at ${part}`, flipAt(part)]),
    ...[0, 0.5, 0.99].map((part): [string, Damage] => [`cut at ${part}`, cutAt(part)]),
  ])('brings nothing down: the log %s', async (_what, damage) => {
    const folder = await closedRepository();
    await damage(await largestFile(join(folder, 'nodes'), /\.log$/));
    // Any other error than one of ours is thrown on.
    expect(Array.isArray(await tryAll(folder))).toBe(true);
  });

  it('is found by a gap in the journal where commits in the middle of the log are gone', async () => {
    const folder = await temporaryFolder();
    const repository = await openEmbedded(folder);
    await repository.withSession(adminUser, async (session) => {
      for (let index = 0; index < 40; index++) {
        await session.addNode(`/node-${index}`, { properties: { text: String(index).repeat(5_000) } });
        await session.save();
      }
    });
    await repository.close();
    await flipAt(0.5)(await largestFile(join(folder, 'nodes'), /\.log$/));
    const nodes = await createLevelNodeStore({ folder: join(folder, 'nodes') });
    const blobs = await createFilesystemBlobStore({ folder: join(folder, 'blobs') });
    onTestFinished(() => nodes.close());
    const codes = (await collect(checkRepository({ nodes, blobs }))).map(({ code }) => code);
    expect(codes).toContain('JOURNAL_DAMAGED');
  });

  it('keeps whole commits when the end of its log is gone', async () => {
    const folder = await closedRepository();
    await cutAt(0.99)(await largestFile(join(folder, 'nodes'), /\.log$/));
    const repository = await openEmbedded(folder);
    onTestFinished(() => repository.close());
    const session = await sessionOf(repository);
    expect(await collect(session.descendants('/table'))).toHaveLength(nodeCount);
    expect([0, nodeCount]).toContain((await collect(session.descendants('/log'))).length);
  });
});

describe('a damaged blob', () => {
  it.each<[string, Damage, string]>([
    ['missing', remove, 'BLOB_MISSING'],
    ['emptied', cutAt(0), 'BLOB_TRUNCATED'],
    ['cut short', cutAt(0.5), 'BLOB_TRUNCATED'],
  ])('that is %s fails with BLOB_MISSING when it is read, and is found by a check', async (_how, damage, code) => {
    const folder = await temporaryFolder();
    const stores = {
      nodes: await createLevelNodeStore({ folder: join(folder, 'nodes') }),
      blobs: await createFilesystemBlobStore({ folder: join(folder, 'blobs') }),
    };
    const repository = await openRepository(stores);
    onTestFinished(() => repository.close());
    const session = await sessionOf(repository);
    const data = await session.createBinary(Buffer.alloc(200_000, 'satchel'));
    await session.addNode('/file', { properties: { data } });
    await session.save();
    await damage(blobFile(join(folder, 'blobs'), data.sha256));
    await expect(session.readBinary(data)).rejects.toMatchObject({ code: 'BLOB_MISSING' });
    await expect(collect(session.openBinary(data))).rejects.toMatchObject({ code: 'BLOB_MISSING' });
    const end = session.openBinary(data, { start: 150_000, length: 10_000 });
    await expect(collect(end), 'a part that is gone').rejects.toMatchObject({ code: 'BLOB_MISSING' });
    const found = await collect(checkRepository(stores));
    expect(found.map((one) => `${one.code} ${one.path}`)).toEqual([`${code} /file/data`]);
  });
});

const smallDisks = canMountPrivately();
if (!smallDisks) console.info('The full disk is left out: this system lets a process mount no disk of its own.');

describe('a full disk', () => {
  it.skipIf(!smallDisks)('fails uploads and saves whole with STORE_FULL, and works when there is room', async () => {
    const folder = await temporaryFolder();
    const disk = join(folder, 'disk');
    await mkdir(disk);
    const program = await buildFixture(new URL('./fixtures/full-disk-process.ts', import.meta.url));
    const [command = '', ...args] = smallDiskCommand(disk, 24 * 1024 * 1024, [process.execPath, program, disk]);
    const { stdout } = await promisify(execFile)(command, args);
    expect(JSON.parse(stdout) as FullDisk).toEqual({
      uploadError: 'STORE_FULL',
      blobFiles: [],
      saveError: 'STORE_FULL',
      whileFull: [
        [true, false, false],
        [true, false, false],
      ],
      afterwards: [
        [true, true, true],
        [true, true, true],
      ],
      uploadedAgain: 2 * 1024 * 1024,
      findings: [],
    });
  });
});
