/**
 * Much content in bounded memory: a tree of assets is imported, read whole and queried by a process of its own, first with a quarter of its nodes.
 * SATCHEL_MILLION=1 does so with a million nodes, and prints what it took.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { nodesPerAsset } from '../../bench/repository-tree.js';
import { buildFixture } from '../cli/build-fixture.js';
import type { TreeStep, TreeTask } from './million-process.js';
import { temporaryFolder } from './world.js';

const mebibyte = 1024 * 1024;
/** Of memory that the system cannot take back. */
const maxOwn = 400 * mebibyte;
/** Of four times the nodes. */
const maxGrowth = 1.25;

async function stepsOf(task: TreeTask): Promise<TreeStep[]> {
  const child = fork(await buildFixture(new URL('./million-process.ts', import.meta.url)), { execArgv: [] });
  const steps: TreeStep[] = [];
  child.on('message', (step) => steps.push(step as TreeStep));
  child.send(task);
  const [code] = (await once(child, 'close')) as [number | null];
  expect(code, 'the process ended by itself').toBe(0);
  return steps;
}

function expectAllThere(steps: readonly TreeStep[], small: number, large: number): void {
  expect(steps.map(({ step, assets, count }) => ({ step, assets, count }))).toEqual([
    { step: 'import', assets: small, count: small * nodesPerAsset },
    { step: 'traverse', assets: small, count: small * nodesPerAsset },
    { step: 'query', assets: small, count: small },
    { step: 'import', assets: large, count: (large - small) * nodesPerAsset },
    { step: 'traverse', assets: large, count: large * nodesPerAsset },
    { step: 'query', assets: large, count: large },
  ]);
}

/** The process's own bytes at most with so many assets; `undefined` where the system does not say. */
function peakOf(steps: readonly TreeStep[], assets: number): number | undefined {
  const peaks = steps.flatMap((step) =>
    step.assets === assets && step.ownPeakBytes !== undefined ? step.ownPeakBytes : [],
  );
  return peaks.length === 0 ? undefined : Math.max(...peaks);
}

function printed({ step, assets, count, milliseconds, peakBytes, ownPeakBytes, memory }: TreeStep): string {
  const inMebibytes = (bytes: number) => Math.round(bytes / mebibyte);
  const perSecond = Math.round((count / milliseconds) * 1000);
  const known = (bytes: number | undefined) => (bytes === undefined ? 'unknown' : `${inMebibytes(bytes)} MiB`);
  const { rss, heapTotal, heapUsed, external } = memory;
  return (
    `${assets * nodesPerAsset} nodes, ${step}: ${count} in ${Math.round(milliseconds)} ms (${perSecond}/s), resident at most ${known(peakBytes)}, without files ${known(ownPeakBytes)}; ` +
    `in the end ${inMebibytes(rss)} MiB, heap ${inMebibytes(heapUsed)} of ${inMebibytes(heapTotal)} MiB, external ${inMebibytes(external)} MiB`
  );
}

/** How much longer each node took in the larger tree. */
function slowdown(steps: readonly TreeStep[], step: TreeStep['step']): string {
  const [small = NaN, large = NaN] = steps
    .filter((each) => each.step === step)
    .map(({ milliseconds, count }) => milliseconds / count);
  return `${step}: ${(large / small).toFixed(2)} times as long a node`;
}

describe('a repository with many nodes', () => {
  it('holds 20,000 of them', async ({ skip }) => {
    const [small, large] = [5000 / nodesPerAsset, 20_000 / nodesPerAsset].map(Math.ceil) as [number, number];
    const steps = await stepsOf({ folder: await temporaryFolder(), assets: [small, large] });
    expectAllThere(steps, small, large);
    const peak = peakOf(steps, large);
    if (peak === undefined) return skip('what is resident at most is known on Linux only');
    expect(peak).toBeLessThan(maxOwn);
  });

  it('holds a million of them in as much memory as a quarter of that', async ({ skip }) => {
    if (process.env['SATCHEL_MILLION'] !== '1') return skip('takes ten minutes: SATCHEL_MILLION=1 runs it');
    const [small, large] = [250_000 / nodesPerAsset, 1_000_000 / nodesPerAsset];
    const steps = await stepsOf({ folder: await temporaryFolder(), assets: [small, large] });
    console.log(steps.map(printed).join('\n'));
    console.log((['import', 'traverse', 'query'] as const).map((step) => slowdown(steps, step)).join('; '));
    expectAllThere(steps, small, large);
    const [before, peak] = [peakOf(steps, small), peakOf(steps, large)];
    if (before === undefined || peak === undefined) return skip('what is resident at most is known on Linux only');
    expect(peak).toBeLessThan(maxOwn);
    expect(peak).toBeLessThan(before * maxGrowth);
  }, 3_600_000);
});
