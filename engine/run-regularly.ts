/** Work that a running Satchel does now and then. */

export interface RegularWork {
  /** Stops a run that is under way at its next chance, and plans no other. */
  close(): Promise<void>;
}

const hourMilliseconds = 3_600_000;
/** A Satchel that is started anew every day does it too, and not in the moment when everything starts. */
const firstAfterMilliseconds = 10 * 60_000;

/**
 * @param options.everyHours from the end of one run to the next; 0: never
 * @param options.firstAfter milliseconds until the first run
 */
export function runRegularly(options: {
  readonly everyHours: number;
  readonly firstAfter?: number | undefined;
  readonly run: (signal: AbortSignal) => Promise<void>;
  readonly onError: (error: unknown) => void;
}): RegularWork {
  const { firstAfter = firstAfterMilliseconds, onError } = options;
  const every = options.everyHours * hourMilliseconds;
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
      await options.run(closing.signal);
    } catch (error) {
      if (!closing.signal.aborted) onError(error);
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
