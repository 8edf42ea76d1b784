/** How much garbage the heap of a process that owns a repository may hold. */
import { setFlagsFromString } from 'node:v8';

/** Of what is in use after a collection; more is collected. */
const growthPercent = 25;

/**
 * V8 lets the heap grow to several times of what is in use before it collects, the more so the more memory the machine has. What a repository keeps in
 * memory is bounded (its node cache above all), so this is what most of its memory would be. Call it first of all; docs/performance.md has the figures.
 */
export function boundHeapGrowth(): void {
  setFlagsFromString(`--heap-growing-percent=${growthPercent}`);
}
