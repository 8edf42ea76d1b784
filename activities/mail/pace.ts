/** Spreads what is begun evenly over time. Pure, but for what it remembers. */

/**
 * @param perSecond asked at every start; 0: no limit
 * @returns for a start that is wanted now (milliseconds, of any clock that only goes on): how long it has to wait
 */
export function createPace(perSecond: () => number): (now: number) => number {
  let next = -Infinity;
  return (now) => {
    const rate = perSecond();
    if (rate <= 0) return 0;
    const at = Math.max(now, next);
    next = at + 1000 / rate;
    return at - now;
  };
}
