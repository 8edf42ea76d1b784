/** Collects blobs that nothing refers to, now and then, while Satchel runs. */
import type { Logger } from 'pino';
import { collectBlobs } from '../repository/maintenance/collect-blobs.js';
import type { RepositoryStores } from '../repository/repository.js';
import type { Configuration } from './configuration.js';

export interface RegularCollection {
  /** Stops a run that is under way between two batches. */
  close(): Promise<void>;
}

const hourMilliseconds = 3_600_000;
/** A Satchel that is started anew every day collects too, and not in the moment when everything starts. */
const firstAfterMilliseconds = 10 * 60_000;

/** @param options.firstAfter milliseconds until the first run */
export function collectRegularly(options: {
  readonly stores: RepositoryStores;
  readonly configuration: Configuration['maintenance'];
  readonly log: Logger;
  readonly firstAfter?: number;
}): RegularCollection {
  const { stores, log, firstAfter = firstAfterMilliseconds } = options;
  const { collectEveryHours, graceHours } = options.configuration;
  const every = collectEveryHours * hourMilliseconds;
  const closing = new AbortController();
  let running = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const plan = (after: number) => {
    timer = setTimeout(() => {
      running = run();
    }, after).unref();
  };

  async function run(): Promise<void> {
    try {
      const report = await collectBlobs(stores, {
        graceMilliseconds: graceHours * hourMilliseconds,
        signal: closing.signal,
      });
      log.info(report, 'blobs collected');
    } catch (error) {
      if (!closing.signal.aborted) log.error({ err: error }, 'collecting blobs failed');
    }
    if (!closing.signal.aborted) plan(every);
  }

  if (every > 0) plan(Math.min(firstAfter, every));
  return {
    async close() {
      closing.abort();
      clearTimeout(timer);
      await running;
    },
  };
}
