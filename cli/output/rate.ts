/** How fast something grows, over the last few seconds. */
const windowMilliseconds = 5000;

export interface RateMeter {
  /** @param time milliseconds, never decreasing @param value total so far */
  add(time: number, value: number): void;
  /** Units per second, or `undefined` before it can be told. */
  perSecond(): number | undefined;
}

export function createRateMeter(): RateMeter {
  let samples: { time: number; value: number }[] = [];
  return {
    add: (time, value) => {
      // A total that shrinks was counted anew, by a worker that started again.
      const last = samples.at(-1);
      if (last && value < last.value) samples = [];
      samples.push({ time, value });
      while ((samples[1]?.time ?? time) <= time - windowMilliseconds) samples.shift();
    },
    perSecond: () => {
      const first = samples[0];
      const last = samples.at(-1);
      if (!first || !last || last.time - first.time < 200) return undefined;
      return ((last.value - first.value) * 1000) / (last.time - first.time);
    },
  };
}
