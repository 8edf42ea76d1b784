/** Runs a command on a data folder: in the process that owns it, or, where none does, in this one as its owner. */
import { setTimeout as wait } from 'node:timers/promises';
import { RepositoryError } from '../../repository/errors.js';
import type { ExitCode } from '../command.js';
import { callOwner, type OwnerCall } from './call-owner.js';

/** An owner that starts or stops holds the database for some seconds without listening. */
const patienceMilliseconds = 30_000;
const firstPauseMilliseconds = 20;
const longestPauseMilliseconds = 500;

/**
 * @param own opens the data folder and runs the command there; rejects with STORE_LOCKED when another process has it
 * @throws RepositoryError STORE_LOCKED when another process holds the folder for 30 seconds without listening
 */
export async function ownOrCall(dataFolder: string, call: OwnerCall, own: () => Promise<ExitCode>): Promise<ExitCode> {
  const deadline = Date.now() + patienceMilliseconds;
  for (let pause = firstPauseMilliseconds; ; pause = Math.min(pause * 2, longestPauseMilliseconds)) {
    const code = await callOwner(dataFolder, call);
    if (code !== undefined) return code;
    try {
      return await own();
    } catch (error) {
      const locked = error instanceof RepositoryError && error.code === 'STORE_LOCKED';
      if (!locked || Date.now() >= deadline || call.signal.aborted) throw error;
    }
    await wait(pause);
  }
}
