#!/usr/bin/env node
/** The `satchel` command. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { destination, pino, type Logger } from 'pino';
import type { SatchelOptions } from '../compose.js';
import { commands } from './commands.js';
import type { ExitCode, ProcessContext } from './command.js';
import { reportError } from './output/report.js';
import { createLogStream } from './output/log-stream.js';
import { createProcessTerminal } from './output/process-terminal.js';
import type { Terminal } from './output/terminal.js';
import { ownFolder, type OwnedFolder } from './owner/own-folder.js';
import { ownOrCall } from './owner/own-or-call.js';
import { parseArguments, type Invocation } from './program.js';
import { runCommand, type Caller } from './run-command.js';
import { SatchelError } from '../workflows/contract/errors.js';

const showCursor = '\u001b[?25h';

async function main(): Promise<ExitCode> {
  const abort = new AbortController();
  const terminal = createProcessTerminal(process, () => abort.abort());
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      // Once asks to end, twice insists.
      if (abort.signal.aborted) {
        if (process.stderr.isTTY) process.stderr.write(showCursor);
        process.exit(130);
      }
      abort.abort();
    });
  }
  const args = process.argv.slice(2);
  const invocation = await parseArguments(commands, args, process.env, terminal);
  if (typeof invocation === 'number') return invocation;
  const caller: Caller = { terminal, cwd: process.cwd(), signal: abort.signal };
  try {
    const dataFolder = path.resolve(invocation.dataFolder);
    if (invocation.command.place === 'process') {
      const resident = invocation.command;
      const own: ProcessContext['own'] = async (options) =>
        open({ ...options, dataFolder, log: residentLog(terminal) }, true);
      return await resident.run({ ...caller, json: invocation.json, dataFolder, own });
    }
    return await ownOrCall(dataFolder, { ...caller, arguments: args, onResize }, async () => {
      const log = await commandLog(dataFolder);
      const owned = await open({ dataFolder, mode: 'command', work: false, log }, false);
      return runAsOwner(owned, invocation, caller);
    });
  } catch (error) {
    return await reportError({ terminal, json: invocation.json }, error);
  }
}

async function runAsOwner(owned: OwnedFolder, invocation: Invocation, caller: Caller): Promise<ExitCode> {
  const code = await runCommand(owned.satchel, invocation, caller, false);
  if (owned.calls > 0) {
    await caller.terminal.stderr.write(
      'satchel: waits for other commands that run through this one (Ctrl-C twice ends all)\n',
    );
  }
  await owned.close({ abort: false });
  return code;
}

async function open(options: SatchelOptions, resident: boolean): Promise<OwnedFolder> {
  return ownFolder(options, async (satchel, call) => {
    const invocation = await parseArguments(commands, call.arguments, {}, call.terminal);
    return typeof invocation === 'number' ? invocation : runCommand(satchel, invocation, call, resident);
  });
}

/** The log of a process that stays: lines for a person who watches, else JSON for whoever collects it. */
function residentLog(terminal: Terminal): Logger {
  const { isTerminal, color } = terminal.stderr;
  const stream = isTerminal ? createLogStream(process.stderr, color) : destination({ dest: 2, sync: true });
  return pino({ level: process.env['SATCHEL_LOG'] ?? 'info' }, stream);
}

/** The log of a single command lies in the data folder, where it cannot disturb what the person reads. */
async function commandLog(dataFolder: string): Promise<Logger> {
  try {
    await mkdir(dataFolder, { recursive: true, mode: 0o700 });
    const file = destination({ dest: path.join(dataFolder, 'satchel.log'), sync: true });
    return pino({ level: process.env['SATCHEL_LOG'] ?? 'warn' }, file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SatchelError('DATA_FOLDER', `The data folder "${dataFolder}" cannot be used: ${reason}.`, { cause });
  }
}

function onResize(listener: () => void): () => void {
  process.stderr.on('resize', listener);
  return () => process.stderr.off('resize', listener);
}

// Everything was written and closed; what a library left running must not keep the command alive.
process.exit(await main());
