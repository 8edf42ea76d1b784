import { SatchelError } from '../workflows/contract/errors.js';
import type { CommandContext } from './command.js';

/** What a running workflow must hear of: where no server is connected yet it is started, and asked again. */
export async function withTemporal<T>(
  { satchel }: Pick<CommandContext, 'satchel'>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SatchelError) || error.code !== 'TEMPORAL_UNAVAILABLE') throw error;
    await satchel.ensureWorking();
    return work();
  }
}
