import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineCommand, wholeNumber, type CommandDefinition } from '../../cli/command.js';
import { loadAllCommands, loadCommands, residentCommands } from '../../cli/commands.js';
import { parseArguments } from '../../cli/program.js';
import { recordingTerminal } from './recording-terminal.js';

const seen: unknown[] = [];
const listCommand = defineCommand({
  name: 'boxes list',
  summary: 'lists boxes',
  declare: (command) =>
    void command
      .argument('<room>', 'where')
      .argument('[shelves...]', 'which')
      .option('--max-count <count>', 'how many')
      .option('--no-dust', 'only clean ones'),
  args: z.object({
    room: z.string(),
    shelves: z.array(z.string()),
    maxCount: wholeNumber(1, 9).optional(),
    dust: z.boolean(),
  }),
  run: async (_context, args) => {
    seen.push(args);
    return 0;
  },
});

async function parse(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  definitions: readonly CommandDefinition[] = [listCommand],
) {
  const terminal = recordingTerminal();
  return { parsed: await parseArguments(definitions, args, env, terminal), ...terminal.written };
}

describe('parseArguments', () => {
  it('finds a command in its group and takes global options before and after it', async () => {
    for (const args of [
      ['--data', 'D', '--as', 'ada', 'boxes', 'list', 'attic', '--json'],
      ['boxes', 'list', 'attic', '--json', '--data', 'D', '--as', 'ada'],
    ]) {
      const { parsed } = await parse(args);
      expect(parsed).toMatchObject({ dataFolder: 'D', json: true, asUser: 'ada', command: { place: 'repository' } });
    }
  });

  it('takes the data folder from --data, else SATCHEL_DATA, else ./.satchel', async () => {
    const folder = async (args: string[], env: NodeJS.ProcessEnv) =>
      (await parse([...args, 'boxes', 'list', 'a'], env)).parsed;
    expect(await folder(['--data', 'X'], { SATCHEL_DATA: 'Y' })).toMatchObject({ dataFolder: 'X' });
    expect(await folder([], { SATCHEL_DATA: 'Y' })).toMatchObject({ dataFolder: 'Y' });
    expect(await folder([], {})).toMatchObject({ dataFolder: './.satchel', asUser: undefined, json: false });
  });

  it('says which option is wrong and why, and exits with 2', async () => {
    const { parsed, stderr, stdout } = await parse(['boxes', 'list', 'attic', '--max-count', '12']);
    expect(parsed).toBe(2);
    expect(stderr).toContain('--max-count: must be a whole number from 1 to 9');
    expect(stdout).toBe('');
  });

  it.each([
    [['boxes', 'list']],
    [['boxes', 'list', 'attic', '--colour', 'red']],
    [['boxes', 'burn']],
    [['nonsense']],
    [['boxes', 'list', 'attic', '--max-count']],
  ])('refuses %j with 2 and one error document under --json', async (args) => {
    const { parsed, stdout } = await parse([...args, '--json']);
    expect(parsed).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'INVALID_REQUEST', details: {} } });
  });

  it('writes help to standard output and exits with 0; without a command to standard error with 2', async () => {
    const help = await parse(['boxes', 'list', '--help']);
    expect(help.parsed).toBe(0);
    expect(help.stdout).toContain('Usage: satchel boxes list [options] <room> [shelves...]');
    expect(help.stdout).toContain('--data <folder>');
    const nothing = await parse([]);
    expect(nothing).toMatchObject({ parsed: 2, stdout: '' });
    expect(nothing.stderr).toContain('boxes');
  });
});

describe('the commands of satchel', () => {
  const parseReal = async (...args: string[]) => parse(args, {}, await loadCommands(args));

  it('are found by their names, alone; help and a name that is none take them all', async () => {
    const commands = await loadAllCommands();
    for (const { name } of commands) {
      expect((await loadCommands(['--json', ...name.split(' '), 'x', '--data', 'D'])).map((one) => one.name)).toEqual([
        name,
      ]);
    }
    for (const args of [[], ['jobs'], ['jobs', 'burn'], ['tree', '--help'], ['constructor'], ['--data']]) {
      expect(await loadCommands(args)).toEqual(commands);
    }
  });

  it('are known as resident where they become the owner of the data folder', async () => {
    const commands = await loadAllCommands();
    const resident = commands.filter(({ place }) => place === 'process').map(({ name }) => name);
    expect(resident).toEqual(residentCommands);
  });

  it('have names of their own and a summary', async () => {
    const commands = await loadAllCommands();
    const names = commands.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { summary } of commands) expect(summary).toMatch(/^[a-z].*[^.]$/);
  });

  it.each([
    ['download needs a path', ['download']],
    ['--format needs --size', ['download', '/a', '--format', 'webp']],
    ['--quality needs --size', ['download', '/a', '--quality', '80']],
    ['an unknown format', ['download', '/a', '--size', '8x6', '--format', 'bmp']],
    ['a size that is none', ['download', '/a', '--size', '800']],
    ['an unknown layout', ['download', '/a', '--layout', 'round']],
    ['a plan is not waited for', ['download', '/a', '--plan', '--no-wait']],
    ['tenant and content', ['explain', 'settings/x', '--tenant', 'a', '--for', '/b']],
    ['a depth that is no number', ['tree', '/', '--depth', 'deep']],
  ])('refuse %s', async (_title, args) => {
    expect(await parseReal(...args)).toMatchObject({ parsed: 2, stdout: '' });
  });
});
