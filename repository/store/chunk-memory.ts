/** Where the chunks of a read lie: each in memory of its own, or in the same memory again and again. */
import type { ChunkMemory } from './contract.js';

/** Large enough that calls cost little, small enough that a chunk is still in the processor's cache when it is written. */
export const chunkBytes = 512 * 1024;

export const newMemory: ChunkMemory = (bytes) => Buffer.allocUnsafe(Math.min(chunkBytes, bytes));

/**
 * Two chunks take turns, for readers that write one while the next is read. New memory for every chunk would cost more than
 * the reading: the system clears it first, and the garbage collector takes it away afterwards.
 */
export function alternatingMemory(): ChunkMemory {
  let [current, other] = [Buffer.allocUnsafeSlow(chunkBytes), Buffer.allocUnsafeSlow(chunkBytes)];
  return () => {
    [current, other] = [other, current];
    return current;
  };
}
