/** Collects blobs that nothing refers to, now and then, while Satchel runs. */
import type { Logger } from 'pino';
import { collectBlobs } from '../repository/maintenance/collect-blobs.js';
import type { RepositoryStores } from '../repository/repository.js';
import type { Configuration } from './configuration.js';
import { runRegularly, type RegularWork } from './run-regularly.js';

const hourMilliseconds = 3_600_000;

/** @param options.firstAfter milliseconds until the first run; a run that is under way stops between two batches */
export function collectRegularly(options: {
  readonly stores: RepositoryStores;
  readonly configuration: Pick<Configuration['maintenance'], 'collectEveryHours' | 'graceHours'>;
  readonly log: Logger;
  readonly firstAfter?: number;
}): RegularWork {
  const { stores, log, firstAfter } = options;
  const { collectEveryHours, graceHours } = options.configuration;
  return runRegularly({
    everyHours: collectEveryHours,
    firstAfter,
    run: async (signal) => {
      log.info(
        await collectBlobs(stores, { graceMilliseconds: graceHours * hourMilliseconds, signal }),
        'blobs collected',
      );
    },
    onError: (error) => log.error({ err: error }, 'collecting blobs failed'),
  });
}
