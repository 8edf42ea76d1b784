import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { loadCommands } from '../../cli/commands.js';
import { parseArguments } from '../../cli/program.js';
import { runCommand } from '../../cli/run-command.js';
import { adminUser } from '../../repository/api.js';
import { createCommandWorld, type CommandWorld } from './command-world.js';
import { recordingTerminal } from './recording-terminal.js';

let world: CommandWorld;
const place = ['--path', '/content/site', '--folder', 'work'];
const file = 'work/jcr_root/content/site/.content.xml';

beforeAll(async () => {
  world = await createCommandWorld();
  await world.satchel.repository.withSession(adminUser, async (session) => {
    await session.ensureNode('/content/site', { properties: { title: 'old' } });
    await session.save();
  });
  await mkdir(path.join(world.folder, 'work'));
});
afterAll(async () => world.close());

const title = async () =>
  world.satchel.repository.withSession(adminUser, async (session) =>
    (await session.getNode('/content/site')).text('title'),
  );

async function edit(from: string, to: string): Promise<void> {
  const text = await readFile(path.join(world.folder, file), 'utf8');
  expect(text).toContain(`title="${from}"`);
  await writeFile(path.join(world.folder, file), text.replace(`title="${from}"`, `title="${to}"`));
}

it('satchel sync pulls, lists and pushes', async () => {
  expect((await world.run('sync', 'pull', ...place)).stdout).toContain('pulled 1 files');
  expect((await world.run('sync', 'diff', ...place)).stdout).toBe('Nothing differs.\n');
  await edit('old', 'new');
  expect((await world.run('sync', 'diff', ...place)).stdout).toMatch(/^local +changed here, same in the repository/);
  expect(await world.run('sync', 'push', ...place)).toMatchObject({ code: 0 });
  expect(await title()).toBe('new');
  expect((await world.json('sync', 'diff', '--path', 'content', '--folder', 'work')).code).toBe(2);
});

it('satchel sync ends with 3 for conflicts', async () => {
  await edit('new', 'mine');
  await world.satchel.repository.withSession(adminUser, async (session) => {
    await session.setProperties('/content/site', { title: 'theirs' });
    await session.save();
  });
  expect(await world.json('sync', 'push', ...place)).toMatchObject({
    code: 3,
    document: { conflicts: ['content/site/.content.xml'] },
  });
  expect(await title()).toBe('theirs');
  expect((await world.run('sync', 'push', ...place, '--force')).code).toBe(0);
  expect(await title()).toBe('mine');
});

it('satchel sync watch pushes what is saved, says what does not parse, and ends with Ctrl-C', async () => {
  const args = ['sync', 'watch', ...place];
  const terminal = recordingTerminal();
  const parsed = await parseArguments(await loadCommands(args), args, {}, terminal);
  if (typeof parsed === 'number') throw new Error('the command does not parse');
  const stop = new AbortController();
  const caller = { terminal, cwd: world.folder, signal: stop.signal };
  await edit('mine', 'at the start');
  const running = runCommand(world.satchel, parsed, caller, false);
  await vi.waitFor(async () => expect(await title()).toBe('at the start'), { timeout: 20_000 });
  const text = await readFile(path.join(world.folder, file), 'utf8');
  await writeFile(path.join(world.folder, file), text.slice(0, -10));
  await vi.waitFor(() => expect(terminal.written.stderr).toContain('INVALID_PACKAGE'), { timeout: 20_000 });
  await writeFile(path.join(world.folder, file), text.replace('at the start', 'saved'));
  await vi.waitFor(async () => expect(await title()).toBe('saved'), { timeout: 20_000 });
  stop.abort();
  expect(await running).toBe(0);
});
