#!/usr/bin/env node
/**
 * The `satchel` command. What is imported here is all that a command needs which a running Satchel answers; the rest is
 * loaded only where none does.
 */
import path from 'node:path';
import { isResident } from './commands.js';
import type { ExitCode } from './command.js';
import { readCommandLine } from './global-options.js';
import { createProcessTerminal } from './output/process-terminal.js';
import { callOwner, type OwnerCall } from './owner/call-owner.js';

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
  const call: OwnerCall = {
    arguments: process.argv.slice(2),
    cwd: process.cwd(),
    terminal,
    signal: abort.signal,
    onResize,
  };
  return (await callRunningOwner(call)) ?? (await import('./run-here.js')).runHere(call);
}

/** @returns `undefined` when nothing was run: no process has the data folder open, or it is not for another one to run */
async function callRunningOwner(call: OwnerCall): Promise<ExitCode | undefined> {
  const typed = readCommandLine(call.arguments, process.env);
  if (!typed || typed.words.length === 0 || isResident(typed.words)) return undefined;
  try {
    return await callOwner(path.resolve(typed.dataFolder), call);
  } catch (error) {
    const { reportError } = await import('./output/report.js');
    return reportError({ terminal: call.terminal, json: call.arguments.includes('--json') }, error);
  }
}

function onResize(listener: () => void): () => void {
  process.stderr.on('resize', listener);
  return () => process.stderr.off('resize', listener);
}

// Everything was written and closed; what a library left running must not keep the command alive.
process.exit(await main());
