/** Runs what was typed in this process: it opens the data folder as its owner. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { destination, pino, type Logger } from 'pino';
import type { SatchelOptions } from '../compose.js';
import { loadCommands } from './commands.js';
import type { ExitCode, ProcessContext } from './command.js';
import { boundHeapGrowth } from './heap-growth.js';
import { createLogStream } from './output/log-stream.js';
import { reportError } from './output/report.js';
import type { Terminal } from './output/terminal.js';
import type { OwnerCall } from './owner/call-owner.js';
import { ownFolder, type OwnedFolder } from './owner/own-folder.js';
import { ownOrCall } from './owner/own-or-call.js';
import { parseArguments, type Invocation } from './program.js';
import { closeStores, openLocation } from './open-location.js';
import { runCommand, runOnStores } from './run-command.js';
import { SatchelError } from '../workflows/contract/errors.js';

/** @returns the exit code; errors were reported */
export async function runHere(call: OwnerCall): Promise<ExitCode> {
  boundHeapGrowth();
  const { arguments: args, terminal } = call;
  const invocation = await parseArguments(await loadCommands(args), args, process.env, terminal);
  if (typeof invocation === 'number') return invocation;
  try {
    const dataFolder = path.resolve(invocation.dataFolder);
    const { runModes } = invocation;
    const withRunModes = runModes && { runModes };
    if (invocation.command.place === 'process') {
      const resident = invocation.command;
      const own: ProcessContext['own'] = async (options) =>
        open({ ...options, ...withRunModes, dataFolder, log: residentLog(terminal) }, true);
      return await resident.run({ ...call, json: invocation.json, dataFolder, runModes, own });
    }
    return await ownOrCall(dataFolder, call, async () => {
      if (invocation.command.place === 'stores') return runOnStoresOf(dataFolder, invocation, call);
      const log = await commandLog(dataFolder);
      const owned = await open({ ...withRunModes, dataFolder, mode: 'command', work: false, log }, false);
      return runAsOwner(owned, invocation, call);
    });
  } catch (error) {
    // What was interrupted did not fail.
    if (call.signal.aborted && error instanceof Error && error.name === 'AbortError') return 130;
    return await reportError({ terminal, json: invocation.json }, error);
  }
}

async function runOnStoresOf(dataFolder: string, invocation: Invocation, call: OwnerCall): Promise<ExitCode> {
  const { command } = invocation;
  const verify = command.place === 'stores' && command.verifies;
  const stores = await openLocation(dataFolder, { mustExist: true, verify });
  try {
    return await runOnStores(stores, invocation, call);
  } finally {
    await closeStores(stores);
  }
}

/** A wait that a person wonders about. */
const noticedMs = 2_000;

async function runAsOwner(owned: OwnedFolder, invocation: Invocation, call: OwnerCall): Promise<ExitCode> {
  const code = await runCommand(owned.satchel, invocation, call, false);
  const why = 'satchel: waits for other commands that run through this one (Ctrl-C twice ends all)\n';
  const remark = owned.calls > 0 ? setTimeout(() => void call.terminal.stderr.write(why), noticedMs) : undefined;
  try {
    await owned.close({ abort: false });
  } finally {
    clearTimeout(remark);
  }
  return code;
}

async function open(options: SatchelOptions, resident: boolean): Promise<OwnedFolder> {
  return ownFolder(options, async (satchel, call) => {
    const { arguments: args, terminal } = call;
    const invocation = await parseArguments(await loadCommands(args), args, {}, terminal);
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
