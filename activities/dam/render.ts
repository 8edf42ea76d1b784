import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { findRenditions, keepRenditions, renditionKey } from '../../dam/render-cache.js';
import type { Session } from '../../repository/api.js';
import type { BinaryValue } from '../../repository/value.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import type { EntryOutcome, PlanEntry, PlannedBlob, RenditionSpec } from '../../workflows/contract/plan.js';
import { defineStep } from '../define-step.js';
import type { StepContext } from '../define-step.js';
import { sourceFile } from './source-file.js';

/** A rendition the plan wants made. */
interface Missing {
  readonly index: number;
  readonly asset: string;
  readonly name: string;
  readonly source: PlannedBlob;
  readonly spec: RenditionSpec;
  readonly key: string;
}

/** Enough to spread over processes from the first images on, few enough to keep the history short. */
const entriesPerChunk = 25;
const fewestChunks = 4;

export const renderStep = defineStep({
  id: 'dam/render',
  title: 'Make missing renditions',
  description:
    'Makes the renditions of the plan that do not exist yet. An image that cannot be rendered fails alone: it is left out and named in the manifest.',
  config: z.strictObject({}),
  result: z.strictObject({ rendered: z.int(), reused: z.int(), failed: z.int() }),
  queue: 'heavy',
  // 25 images that each take all the time the renderer allows.
  timeoutSeconds: 1800,
  simulated: true,
  examples: [{ title: 'Render what the plan lacks', config: {} }],
  async chunks(context) {
    const { totals } = await (await context.download()).plan();
    return Math.max(Math.ceil(totals.toRender / entriesPerChunk), Math.min(totals.toRender, fewestChunks));
  },
  async run(context) {
    const job = await context.download();
    const session = await context.serviceSession();
    const { entries } = await job.plan();
    // What renders now decides the bytes, also where the plan was made by an older version.
    const renderer = context.services.renderer.version;
    const missing = shareOfChunk(
      entries.flatMap((entry) => toMissing(entry, renderer)),
      context.chunk,
    );
    const outcomes: EntryOutcome[] = [];
    const report = (message?: string) =>
      context.progress({ files: { done: outcomes.length, total: missing.length }, ...(message && { message }) });

    const known = await findRenditions(
      session,
      missing.map(({ key }) => key),
    );
    const open = missing.filter(({ index }, position) => {
      const blob = known[position];
      if (blob) outcomes.push({ index, blob });
      return !blob;
    });
    const reused = outcomes.length;
    for (const group of bySource(open)) {
      context.signal.throwIfAborted();
      report(group[0]?.name);
      outcomes.push(...(await renderGroup(context, session, group)));
    }
    report();
    outcomes.sort((a, b) => a.index - b.index);
    await job.recordOutcomes(outcomes);
    const failed = outcomes.filter((outcome) => 'failed' in outcome).length;
    if (failed > 0) context.partial();
    return { rendered: outcomes.length - reused - failed, reused, failed };
  },
});

function toMissing({ index, asset, name, content }: PlanEntry, renderer: string): Missing[] {
  if (content.kind !== 'render') return [];
  const { source, spec } = content;
  return [{ index, asset, name, source, spec, key: renditionKey(source, spec, renderer) }];
}

/** Consecutive entries, so that the renditions of one image mostly stay together. */
function shareOfChunk(missing: readonly Missing[], chunk: StepContext<unknown>['chunk']): readonly Missing[] {
  if (!chunk) return missing;
  const position = (index: number) => Math.floor((missing.length * index) / chunk.count);
  return missing.slice(position(chunk.index), position(chunk.index + 1));
}

function bySource(missing: readonly Missing[]): Missing[][] {
  const groups = new Map<string, Missing[]>();
  for (const one of missing) groups.set(one.source.sha256, [...(groups.get(one.source.sha256) ?? []), one]);
  return [...groups.values()];
}

/** All renditions of one image. */
async function renderGroup(
  context: StepContext<unknown>,
  session: Session,
  group: readonly Missing[],
): Promise<EntryOutcome[]> {
  const { services, signal, log } = context;
  const [first] = group;
  if (!first) return [];
  try {
    const folder = await context.tempFolder();
    const source = await sourceFile(services.blobs, first.source, folder);
    const orders = group.map(({ index, spec }) => ({ spec, target: join(folder, `${index}.${spec.format}`) }));
    await services.renderer.render(source, orders, signal);
    const made: { index: number; key: string; binary: BinaryValue }[] = [];
    for (const [position, { index, key }] of group.entries()) {
      const target = orders[position]?.target ?? '';
      made.push({ index, key, binary: await session.createBinary(createReadStream(target)) });
    }
    await keepRenditions(session, made);
    return made.map(({ index, binary }) => ({ index, blob: binary }));
  } catch (error) {
    if (!(error instanceof SatchelError) || !/^IMAGE_/u.test(error.code)) throw error;
    const { code, message } = error;
    log.warn('an image cannot be rendered', { asset: first.asset, code, reason: message });
    return group.map(({ index }) => ({ index, failed: { code, message } }));
  }
}
