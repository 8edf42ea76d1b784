/** Commands on a data folder of their own, run in this process as its owner runs them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { openSatchel, type Satchel, type SatchelOptions } from '../../compose.js';
import { loadCommands } from '../../cli/commands.js';
import type { ExitCode } from '../../cli/command.js';
import { parseArguments } from '../../cli/program.js';
import { runCommand } from '../../cli/run-command.js';
import { recordingTerminal } from './recording-terminal.js';

export interface CommandResult {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandWorld {
  /** Where commands are typed. */
  readonly folder: string;
  readonly satchel: Satchel;
  /** Runs `satchel ARGS` as typed. */
  run(...args: string[]): Promise<CommandResult>;
  /** The same, with an answer for whatever it asks. */
  runAnswering(reply: string, ...args: string[]): Promise<CommandResult>;
  /** As `run` with --json: the exit code and the one document. */
  json(...args: string[]): Promise<{ readonly code: ExitCode; readonly document: unknown }>;
  close(): Promise<void>;
}

/** @param prepare puts files into the folder before the data folder, `data` in it, is opened */
export async function createCommandWorld(
  prepare?: (folder: string) => Promise<void>,
  options?: Pick<SatchelOptions, 'runModes'>,
): Promise<CommandWorld> {
  const folder = await mkdtemp(path.join(tmpdir(), 'satchel-commands-'));
  await prepare?.(folder);
  const log = pino({ level: 'silent' });
  const dataFolder = path.join(folder, 'data');
  const satchel = await openSatchel({ ...options, dataFolder, mode: 'command', work: false, log });
  const runAnswering: CommandWorld['runAnswering'] = async (reply, ...args) => {
    const terminal = {
      ...recordingTerminal(),
      ask: async () => reply,
      input: async () => reply,
      edit: async () => reply,
    };
    const parsed = await parseArguments(await loadCommands(args), args, {}, terminal);
    const caller = { terminal, cwd: folder, signal: new AbortController().signal };
    const code = typeof parsed === 'number' ? parsed : await runCommand(satchel, parsed, caller, false);
    return { code, ...terminal.written };
  };
  const run: CommandWorld['run'] = async (...args) => runAnswering('', ...args);
  return {
    folder,
    satchel,
    run,
    runAnswering,
    json: async (...args) => {
      const { code, stdout } = await run(...args, '--json');
      return { code, document: JSON.parse(stdout) as unknown };
    },
    close: async () => {
      await satchel.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
