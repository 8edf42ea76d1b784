import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readAsset, saveRendition } from '../../dam/asset.js';
import type { Asset } from '../../dam/asset.js';
import { isRenderable } from '../../dam/renderable-types.js';
import { mediaTypeOf } from '../../repository/vault/media-type.js';
import { staticRenditions } from '../../dam/rendition-names.js';
import type { StaticRendition } from '../../dam/rendition-names.js';
import { saveChanges } from '../../dam/save-changes.js';
import { selectAssets } from '../../dam/selection.js';
import type { Session } from '../../repository/api.js';
import type { BinaryValue } from '../../repository/value.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { defineStep } from '../define-step.js';
import type { StepContext } from '../define-step.js';
import { sourceFile } from './source-file.js';

const assetsPerChunk = 10;
/** Every chunk walks the folder, and every chunk is a line in the history. */
const mostChunks = 100;
/** Names in the result, which travels through the history. */
const namedFailures = 20;

interface Work {
  readonly asset: Asset;
  readonly missing: readonly StaticRendition[];
}

export const generateRenditionsStep = defineStep({
  id: 'dam/generate-renditions',
  title: 'Make static renditions',
  description:
    'Gives every image at and below the payload the static renditions it lacks: thumbnails, web and zoom. An image that cannot be rendered fails alone and is named.',
  config: z.strictObject({}),
  result: z.strictObject({
    assets: z.int(),
    renditions: z.int(),
    failedCount: z.int(),
    /** The first of them. */
    failed: z.array(z.strictObject({ asset: z.string(), code: z.string(), message: z.string() })),
  }),
  serviceUser: 'rendition-writer',
  queue: 'heavy',
  // A chunk of a large folder holds more than ten assets.
  timeoutSeconds: 4 * 3600,
  simulated: true,
  examples: [{ title: 'Static set for new assets below the payload', config: {} }],
  async chunks(context) {
    let assets = 0;
    for await (const _ of incompleteAssets(await context.serviceSession(), context.payload)) assets += 1;
    return Math.min(mostChunks, Math.ceil(assets / assetsPerChunk));
  },
  async run(context) {
    const session = await context.serviceSession();
    const counts = { assets: 0, renditions: 0, failedCount: 0 };
    const failed: { asset: string; code: string; message: string }[] = [];
    const share: Work[] = [];
    for await (const work of incompleteAssets(session, context.payload)) {
      if (belongsToChunk(work.asset.path, context.chunk)) share.push(work);
    }
    for (const [index, work] of share.entries()) {
      context.signal.throwIfAborted();
      context.progress({ files: { done: index, total: share.length }, message: work.asset.name });
      try {
        await makeRenditions(context, session, work);
        counts.assets += 1;
        counts.renditions += work.missing.length;
      } catch (error) {
        if (!(error instanceof SatchelError) || !/^IMAGE_/u.test(error.code)) throw error;
        const { code, message } = error;
        context.log.warn('an image cannot be rendered', { asset: work.asset.path, code, reason: message });
        counts.failedCount += 1;
        if (failed.length < namedFailures) failed.push({ asset: work.asset.path, code, message });
      }
    }
    context.progress({ files: { done: share.length, total: share.length } });
    if (counts.failedCount > 0) context.partial();
    return { ...counts, failed };
  },
});

async function* incompleteAssets(session: Session, payload: string): AsyncGenerator<Work> {
  for await (const node of selectAssets(session, [payload])) {
    const asset = await readAsset(session, node);
    if (asset.notDownloadable !== undefined || !asset.original || !isRenderable(asset.mimeType)) continue;
    const missing = staticRenditions.filter(({ name }) => !asset.renditions.some((existing) => existing.name === name));
    if (missing.length > 0) yield { asset, missing };
  }
}

/** By the path, not by position: assets that other chunks complete meanwhile shift nothing. */
function belongsToChunk(path: string, chunk: StepContext<unknown>['chunk']): boolean {
  return !chunk || createHash('sha256').update(path).digest().readUInt32BE(0) % chunk.count === chunk.index;
}

async function makeRenditions(
  context: StepContext<unknown>,
  session: Session,
  { asset, missing }: Work,
): Promise<void> {
  const { services, signal } = context;
  if (!asset.original) return;
  const folder = await context.tempFolder();
  const source = await sourceFile(services.blobs, asset.original.blob, folder);
  const orders = missing.map(({ name, spec }) => ({ spec, target: join(folder, name) }));
  await services.renderer.render(source, orders, signal);
  const renditions: { name: string; mimeType: string; binary: BinaryValue }[] = [];
  for (const [index, { name }] of missing.entries()) {
    const target = orders[index]?.target ?? '';
    renditions.push({
      name,
      mimeType: mediaTypeOf(name),
      binary: await session.createBinary(createReadStream(target)),
    });
    await rm(target);
  }
  await saveChanges(session, async () => {
    for (const { name, ...content } of renditions) await saveRendition(session, asset.path, name, content);
  });
}
