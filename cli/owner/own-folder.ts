/** Opening a data folder as its owner: everything in it, and the socket other commands come through. */
import path from 'node:path';
import type { Satchel, SatchelOptions } from '../../compose.js';
import type { ExitCode } from '../command.js';
import { listenAsOwner, type RemoteCall } from './listen-as-owner.js';

export interface OwnedFolder {
  readonly satchel: Satchel;
  /** Commands of other processes that run here now. */
  readonly calls: number;
  /** Waits for the commands of others (with `abort`, asks them to end), then closes the folder. */
  close(options: { readonly abort: boolean }): Promise<void>;
}

/**
 * @param answer runs a command of another process on the opened folder
 * @throws RepositoryError STORE_LOCKED when another process has it open
 */
export async function ownFolder(
  options: SatchelOptions,
  answer: (satchel: Satchel, call: RemoteCall) => Promise<ExitCode>,
): Promise<OwnedFolder> {
  // Everything there is hangs from the composition root; commands that another process runs do not wait for it.
  const { openSatchel } = await import('../../compose.js');
  const satchel = await openSatchel({ ...options, dataFolder: path.resolve(options.dataFolder) });
  try {
    const socket = await listenAsOwner(satchel.dataFolder, async (call) => answer(satchel, call), options.log);
    return {
      satchel,
      get calls() {
        return socket.calls;
      },
      close: async ({ abort }) => {
        try {
          await socket.close({ abort });
        } finally {
          await satchel.close();
        }
      },
    };
  } catch (error) {
    await satchel.close();
    throw error;
  }
}
