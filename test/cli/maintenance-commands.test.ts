import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openLocation } from '../../cli/open-location.js';
import { runHere } from '../../cli/run-here.js';
import { collectRegularly } from '../../engine/collect-regularly.js';
import { trimRegularly } from '../../engine/trim-regularly.js';
import { nodeKey } from '../../repository/keys.js';
import { cursorUses } from '../../repository/maintenance/cursor-use.js';
import { encodeCommitEntry } from '../../repository/observation.js';
import { openRepository } from '../../repository/repository.js';
import { collect, sessionOf } from '../repository/world.js';
import { content, memoryStores, openOver } from '../maintenance/world.js';
import { createCommandWorld, type CommandWorld } from './command-world.js';
import { recordingTerminal } from './recording-terminal.js';

let world: CommandWorld;
beforeAll(async () => {
  world = await createCommandWorld();
  await world.satchel.repository.withSession('admin', async (session) => {
    await session.createBinary(content('orphan'));
    const data = await session.createBinary(content('kept'));
    await session.addNode('/content-of-test', { properties: { data } });
    await session.save();
  });
}, 120_000);
afterAll(() => world.close());

/** A command as a process of its own, on a data folder that nobody has open. */
async function runAlone(
  dataFolder: string,
  ...args: string[]
): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const terminal = recordingTerminal();
  const code = await runHere({
    arguments: ['--data', dataFolder, ...args],
    cwd: world.folder,
    terminal,
    signal: new AbortController().signal,
    onResize: () => () => undefined,
  });
  return { code, ...terminal.written };
}

describe('maintenance of a repository in use', () => {
  it('a check says that nothing is wrong', async () => {
    const { code, stdout } = await world.run('repository', 'check', '--deep');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^checked \d+ nodes, \d+ records: nothing is wrong\n$/) as string,
    });
    const { document } = await world.json('repository', 'check');
    expect(document).toMatchObject({ findings: [], found: 0, repaired: 0 });
  });

  it('a collection counts, in a dry run too', async () => {
    const { code, document } = await world.json('repository', 'collect', '--dry-run', '--grace', '0');
    expect(code).toBe(0);
    expect(document).toMatchObject({ dryRun: true, unreferenced: 1, marked: 1, removed: 0 });
    await world.run('repository', 'collect', '--grace', '0');
    expect((await world.run('repository', 'collect', '--grace', '0')).stdout).toMatch(/removed\s+1, [\d.]+ KiB\n$/);
    expect((await world.json('repository', 'check', '--deep')).code).toBe(0);
  });

  it('cursors are listed and removed', async () => {
    await world.satchel.stores.nodes.setCursor('of-test', 1);
    expect((await world.run('repository', 'cursors')).stdout).toMatch(
      /of-test\s+1\s+behind\s+\d+ behind, since \d{4}-/,
    );
    await world.run('repository', 'cursors', '--remove', 'of-test');
    const { document } = await world.json('repository', 'cursors');
    expect(JSON.stringify(document)).not.toContain('of-test');
  });

  it('the journal is kept as long as was asked for', async () => {
    const { code, document } = await world.json('repository', 'trim', '--dry-run', '--keep-days', '0');
    expect(code).toBe(0);
    expect(document).toMatchObject({ dryRun: true, trimmed: 0 });
  });

  it('is not for other users', async () => {
    const { code, document } = await world.json('--as', 'ada', 'repository', 'collect');
    expect(code).toBe(2);
    expect(document).toMatchObject({ error: { code: 'NOT_ALLOWED' } });
  });

  it(
    'a backup is verified, restored into another data folder, moved to a third, and is whole',
    { timeout: 120_000 },
    async () => {
      const backup = await world.json('repository', 'backup', 'saved');
      expect(backup).toMatchObject({ code: 0, document: { copied: expect.any(Number) as number } });
      expect((await world.json('repository', 'backup', 'saved')).document).toMatchObject({ copied: 0 });
      const [restored, moved] = [path.join(world.folder, 'restored'), path.join(world.folder, 'moved')];
      expect(await runAlone(restored, 'repository', 'verify', 'saved', '--deep')).toMatchObject({ code: 0 });
      expect(await readdir(world.folder)).not.toContain('restored');
      expect(await runAlone(restored, 'repository', 'restore', 'saved')).toMatchObject({ code: 0, stderr: '' });
      expect(await runAlone(restored, 'repository', 'restore', 'saved')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('STORE_NOT_EMPTY') as string,
      });
      expect(await runAlone(restored, 'migrate', '--from', 'restored', '--to', 'moved', '--verify')).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/compared: every record, commit, cursor and blob hash/) as string,
      });
      expect(await runAlone(moved, 'repository', 'check', '--deep')).toMatchObject({ code: 0 });
      expect(await runAlone(moved, 'get', '/content-of-test', '--json')).toMatchObject({ code: 0 });
    },
  );
});

describe('maintenance of a data folder that nobody has open', () => {
  it('a check names what is damaged, though Satchel itself could not start on it', { timeout: 60_000 }, async () => {
    const folder = path.join(world.folder, 'damaged');
    const stores = await openLocation(folder, { mustExist: false });
    const repository = await openRepository(stores);
    await repository.withSession('admin', async (session) => {
      await session.addNode('/a');
      await session.save();
    });
    const writes = [{ key: nodeKey('/a'), value: 'no JSON' }];
    await stores.nodes.commit({ preconditions: [], writes, entry: '{"u":"x","t":"2024-01-01T00:00:00.000Z","c":[]}' });
    await repository.close();
    const { code, stdout } = await runAlone(folder, 'repository', 'check');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^RECORD_UNREADABLE \/a .*\n.*\n.*Restore the node from a backup\.\n/);
    expect(stdout).toMatch(/: 1 finding\n$/);
  });

  it('a check names a table with a changed byte, before anything reads from it', { timeout: 60_000 }, async () => {
    const folder = path.join(world.folder, 'rotten');
    const write = async (name: string) => {
      const stores = await openLocation(folder, { mustExist: false });
      const repository = await openRepository(stores);
      await repository.withSession('admin', async (session) => {
        await session.addNode(`/${name}`, { properties: { text: name.repeat(1000) } });
        await session.save();
      });
      await repository.close();
    };
    // What one process wrote is a table once the next one opens it.
    await write('a');
    await write('b');
    expect(await runAlone(folder, 'repository', 'check')).toMatchObject({ code: 0 });
    const nodes = path.join(folder, 'repository');
    const [table = ''] = (await readdir(nodes)).filter((name) => name.endsWith('.ldb'));
    const bytes = await readFile(path.join(nodes, table));
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    await writeFile(path.join(nodes, table), bytes);
    const { code, stderr } = await runAlone(folder, 'repository', 'check');
    expect(code).toBe(1);
    expect(stderr).toMatch(/STORE_CORRUPT/);
    expect(stderr).toContain(`${table} is damaged: the block at byte 0 has a wrong checksum`);
  });

  it.each([
    ['repository check', ['repository', 'check'], 'DATA_FOLDER'],
    ['a migration from nowhere', ['migrate', '--from', 'nowhere', '--to', 'there'], 'DATA_FOLDER'],
    ['a migration to an unknown store', ['migrate', '--from', 'ftp://x', '--to', 'there'], 'INVALID_REQUEST'],
    ['a backup that is none', ['repository', 'verify', '.'], 'STORE_CORRUPT'],
  ])('%s is refused in words', async (_name, args, code) => {
    const { stdout } = await runAlone(path.join(world.folder, 'empty'), ...args, '--json');
    expect(stdout).toContain(`"code": "${code}"`);
  });
});

it('a running Satchel trims the journal by itself, and says which cursor nobody uses', async () => {
  const { nodes } = memoryStores();
  onTestFinished(() => nodes.close());
  const commit = (time: string) =>
    nodes.commit({ preconditions: [], writes: [], entry: encodeCommitEntry('admin', new Date(time), []) });
  for (const month of ['01', '02', '03']) await commit(`2024-${month}-01T00:00:00Z`);
  await nodes.setCursor('forgotten', 1);
  // It was noted long ago, where it still stands.
  await cursorUses(nodes, { now: new Date('2024-03-02T00:00:00Z'), write: true });
  const lines: Record<string, unknown>[] = [];
  let onTrimmed: () => void = () => undefined;
  const trimmed = new Promise<void>((resolve) => (onTrimmed = resolve));
  const write = (line: string) => {
    const logged = JSON.parse(line) as Record<string, unknown>;
    lines.push(logged);
    if (logged['msg'] === 'journal trimmed') onTrimmed();
  };
  const configuration = { trimEveryHours: 24, journalDays: 7, journalCommits: 1, cursorDays: 30 };
  const trimming = trimRegularly({ stores: { nodes }, configuration, log: pino({}, { write }), firstAfter: 0 });
  onTestFinished(() => trimming.close());
  await trimmed;
  expect(lines).toMatchObject([
    { name: 'forgotten', unusedSince: '2024-03-02T00:00:00.000Z' },
    { msg: 'journal trimmed', trimmed: 3, kept: 1 },
  ]);
  expect(await nodes.getCursor('forgotten')).toBe(1);
});

it('a running Satchel collects by itself', async () => {
  const stores = memoryStores();
  const session = await sessionOf(await openOver(stores));
  await session.createBinary(content('orphan'));
  const lines: string[] = [];
  let onLine: () => void = () => undefined;
  const logged = new Promise<void>((resolve) => (onLine = resolve));
  const write = (line: string) => {
    lines.push(line);
    onLine();
  };
  const log = pino({}, { write });
  const configuration = { collectEveryHours: 24, graceHours: 24 };
  const collecting = collectRegularly({ stores, configuration, log, firstAfter: 0 });
  onTestFinished(() => collecting.close());
  await logged;
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'blobs collected', blobs: 1, unreferenced: 1, removed: 0 });
  expect(await collect(stores.blobs.list())).toHaveLength(1);
});
