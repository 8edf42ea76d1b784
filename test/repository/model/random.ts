/** Random choices that a seed repeats. */
export interface Random {
  /** A whole number from 0 to `below` - 1. */
  below(below: number): number;
  pick<T>(items: readonly [T, ...T[]]): T;
}

/** The generator mulberry32: 32 bits of state, good enough to choose operations. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return { below, pick: (items) => items[below(items.length)] ?? items[0] };
}

const runs = Number(process.env['SATCHEL_RUNS'] ?? 8);
const only = process.env['SATCHEL_SEED'];

/** SATCHEL_SEED=<seed> is that one alone, SATCHEL_RUNS=<how many> are more of them. */
export const seeds: readonly number[] =
  only === undefined ? Array.from({ length: runs }, (_, run) => 1 + run) : [Number(only)];
