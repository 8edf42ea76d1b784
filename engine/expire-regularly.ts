/** Takes expired archives out, now and then, while Satchel runs. */
import type { Logger } from 'pino';
import { removeExpiredArchives } from '../dam/expire-archives.js';
import type { Repository } from '../repository/api.js';

export interface RegularExpiry {
  /** Stops a run that is under way between two downloads. */
  close(): Promise<void>;
}

const hourMilliseconds = 3_600_000;

/** Whoever asks for an expired archive is refused at once; this only frees the bytes. */
export function expireRegularly({
  repository,
  log,
  every = hourMilliseconds,
}: {
  readonly repository: Repository;
  readonly log: Logger;
  /** Milliseconds from one run to the next, and to the first. */
  readonly every?: number;
}): RegularExpiry {
  const closing = new AbortController();
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = running.then(run);
  }, every).unref();

  async function run(): Promise<void> {
    try {
      const downloads = await repository.withSession({ service: 'workflow' }, (session) =>
        removeExpiredArchives(session, new Date(), closing.signal),
      );
      if (downloads > 0) log.info({ downloads }, 'expired archives taken out');
    } catch (error) {
      if (!closing.signal.aborted) log.error({ err: error }, 'taking out expired archives failed');
    }
  }

  return {
    async close() {
      closing.abort();
      clearInterval(timer);
      await running;
    },
  };
}
