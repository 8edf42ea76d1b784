/** Background work that is woken when there is something to do and tries again, ever more slowly, when it did not succeed. */

export interface RetryLoop {
  /** Runs the work (again) as soon as the present round ends. */
  wake(): void;
  /** Ends after the present round. */
  close(): Promise<void>;
}

const firstDelayMs = 250;
const longestDelayMs = 15_000;

/** `work` answers `again` for another try after a delay, `done` to sleep until it is woken; what it throws is reported. */
export function createRetryLoop(
  work: (signal: AbortSignal) => Promise<'done' | 'again'>,
  onError: (error: unknown) => void,
): RetryLoop {
  const closing = new AbortController();
  const { signal } = closing;
  let woken = false;
  let wakeUp: (() => void) | undefined;
  const running = run();

  async function run(): Promise<void> {
    let delayMs = firstDelayMs;
    for (;;) {
      if (!woken) await sleep(undefined);
      if (signal.aborted) return;
      woken = false;
      const outcome = await work(signal).catch((error: unknown) => {
        onError(error);
        return 'again' as const;
      });
      if (outcome === 'done') {
        delayMs = firstDelayMs;
        continue;
      }
      await sleep(delayMs);
      delayMs = Math.min(delayMs * 2, longestDelayMs);
      woken = true;
    }
  }

  /** Until woken, closed, or, with a delay, that time has passed. */
  async function sleep(delay: number | undefined): Promise<void> {
    if (woken || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = delay === undefined ? undefined : setTimeout(resolve, delay);
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    wakeUp = undefined;
  }

  return {
    wake() {
      woken = true;
      wakeUp?.();
    },
    async close() {
      closing.abort();
      wakeUp?.();
      await running;
    },
  };
}
