/** Runs one command on an open data folder; the same code whether it was typed here or came over the socket. */
import path from 'node:path';
import type { Satchel } from '../compose.js';
import { chooseRunModes } from '../engine/run-modes.js';
import { adminUser } from '../repository/api.js';
import type { CommandContext, ExitCode } from './command.js';
import { remark, reportError } from './output/report.js';
import type { Terminal } from './output/terminal.js';
import type { Invocation } from './program.js';
import type { RepositoryStores } from '../repository/repository.js';
import { SatchelError } from '../workflows/contract/errors.js';

export interface Caller {
  readonly terminal: Terminal;
  readonly cwd: string;
  readonly signal: AbortSignal;
}

/** @returns the exit code; errors were reported */
export async function runCommand(
  satchel: Satchel,
  invocation: Invocation,
  caller: Caller,
  resident: boolean,
): Promise<ExitCode> {
  const context: CommandContext = {
    ...caller,
    cwd: path.resolve(caller.cwd),
    satchel,
    json: invocation.json,
    user: invocation.asUser ?? adminUser,
    resident,
  };
  try {
    checkRunModes(satchel, invocation);
    if (invocation.command.place === 'process') {
      throw new SatchelError('INVALID_REQUEST', 'This command cannot run in another process.');
    }
    if (invocation.command.place === 'stores') {
      return await runOnStores(satchel.stores, invocation, caller);
    }
    if (invocation.asUser === undefined) {
      await remark(context, `as ${adminUser}, the local administrator (--as USER chooses another)`);
    }
    return await invocation.command.run(context);
  } catch (error) {
    // What was interrupted did not fail.
    if (caller.signal.aborted && error instanceof Error && error.name === 'AbortError') return 130;
    return reportError(context, error);
  }
}

/** A Satchel that runs has the run modes it was started with. @throws SatchelError INVALID_REQUEST */
function checkRunModes({ runModes: { names } }: Satchel, { runModes: given }: Invocation): void {
  if (!given) return;
  const wanted = chooseRunModes(given, []).names;
  if (wanted.length === names.length && wanted.every((name) => names.includes(name))) return;
  throw new SatchelError(
    'INVALID_REQUEST',
    `--run-modes: the Satchel process that has this data folder open runs as ${names.join(', ')}; stop it first, or leave the option out.`,
  );
}

/** Maintenance has no session whose rights could be those of another user. @throws SatchelError NOT_ALLOWED */
export async function runOnStores(
  stores: RepositoryStores,
  { command, asUser = adminUser, json }: Invocation,
  caller: Caller,
): Promise<ExitCode> {
  if (command.place !== 'stores') throw new SatchelError('INVALID_REQUEST', 'This command needs an open Satchel.');
  if (asUser !== adminUser) {
    throw new SatchelError('NOT_ALLOWED', `Maintenance is for the local administrator, not for "${asUser}".`);
  }
  return command.run({ ...caller, cwd: path.resolve(caller.cwd), json, stores });
}
