import { createHash } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { deliverStep } from '../../../activities/dam/deliver.js';
import { packageStep } from '../../../activities/dam/package.js';
import { planDownloadStep } from '../../../activities/dam/plan-download.js';
import { renderStep } from '../../../activities/dam/render.js';
import { defineStep } from '../../../activities/define-step.js';
import type { AnyStep } from '../../../activities/define-step.js';
import { openDownloadJob } from '../../../dam/download-job-store.js';
import type { CurrentEntry } from '../../../dam/download-job.js';
import { openArchive } from '../../../dam/open-archive.js';
import type { DownloadRequestInput } from '../../../workflows/contract/download-request.js';
import type { PackedArchives } from '../../../workflows/contract/plan.js';
import { collect } from '../../dam/support/memory-files.js';
import { tempFolder } from '../../dam/support/temp-folder.js';
import { addTenant, openWorld, picture } from '../../dam/support/world.js';
import type { RunOptions, World } from '../../dam/support/world.js';
import { readWithOthers } from '../../dam/support/zip-tools.js';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const steps: AnyStep[] = [planDownloadStep, renderStep, packageStep, deliverStep];

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

async function runAll(payload: string, list: readonly AnyStep[] = steps, options: RunOptions = {}) {
  const outputs = [];
  for (const step of list) outputs.push(await world.run(step, payload, options));
  return outputs;
}

async function inJob<T>(payload: string, work: (job: Awaited<ReturnType<typeof openDownloadJob>>) => Promise<T>) {
  return world.repository.withSession({ service: 'workflow' }, async (session) =>
    work(await openDownloadJob(session, payload)),
  );
}

async function archivesOf(payload: string): Promise<PackedArchives> {
  const archives = await inJob(payload, (job) => job.archives());
  if (!archives) throw new Error('was not packed');
  return archives;
}

async function bytesOf(payload: string): Promise<Buffer[]> {
  const { parts } = await archivesOf(payload);
  return Promise.all(parts.map((part) => collect(openArchive(world.repository.blobs, part).read())));
}

async function manifestOf(payload: string): Promise<Record<string, unknown>> {
  const manifest = (await archivesOf(payload)).parts[0]?.entries.at(-1);
  if (manifest?.name !== 'manifest.json') throw new Error('the last entry is no manifest');
  return JSON.parse(Buffer.from(await inJob(payload, (job) => job.read(manifest.blob))).toString()) as Record<
    string,
    unknown
  >;
}

const dynamic = [{ width: 80, height: 60, format: 'webp' as const }];
const everything: DownloadRequestInput = { paths: ['/content/dam/trip'], dynamic };

async function addTrip(target: World = world, pictures = 6): Promise<Record<string, Buffer>> {
  const assets: Record<string, Buffer> = {};
  for (let index = 0; index < pictures; index += 1) {
    assets[`/content/dam/trip/day ${index % 2}/photo-${index}.jpg`] = await picture(index);
  }
  await target.addAssets(assets);
  return assets;
}

describe('a download, step by step', () => {
  it('gives an archive with the very originals, the renditions made, and what is missing named (D9, D13)', async () => {
    const originals = await addTrip();
    const broken = (await picture(99)).subarray(0, 900);
    await world.addAssets({
      '/content/dam/trip/broken.jpg': broken,
      '/content/dam/trip/notes.pdf': Buffer.from('%PDF-1.4 …'),
    });
    const out = await tempFolder();
    const payload = await world.request({ ...everything, outFolder: out });
    const [planned, rendered, packed, delivered] = await runAll(payload);

    expect(planned?.[0]?.result).toMatchObject({ assets: 8, files: 15, toRender: 7, skipped: 1 });
    expect(rendered?.map(({ partial }) => partial).filter(Boolean).length).toBe(1);
    expect(packed?.[0]).toMatchObject({ partial: true, result: { parts: 1, files: 14, skipped: 1, failed: 1 } });
    expect(delivered?.[0]?.result).toMatchObject({ files: ['trip.zip'] });

    const file = join(out, 'trip.zip');
    expect(await readdir(out)).toEqual(['trip.zip']);
    const expected = new Map(
      [...Object.entries(originals), ['/content/dam/trip/broken.jpg', broken] as const].map(([path, bytes]) => [
        path.slice(path.lastIndexOf('/') + 1),
        sha256(bytes),
      ]),
    );
    for (const entries of Object.values(await readWithOthers(file))) {
      const hashes = new Map(entries.map(({ name, sha256: hash }) => [name, hash]));
      for (const [name, hash] of expected) expect(hashes.get(name)).toBe(hash);
      expect(entries.length).toBe(15);
      expect(entries.at(-1)?.name).toBe('manifest.json');
    }
    expect(await manifestOf(payload)).toMatchObject({
      tenant: 'global',
      skipped: [{ path: '/content/dam/trip/notes.pdf', rendition: '80x60.webp', code: 'NOT_AN_IMAGE' }],
      failed: [{ path: '/content/dam/trip/broken.jpg', rendition: '80x60.webp', code: 'IMAGE_UNREADABLE' }],
    });
    const node = await world.repository.withSession('admin', (session) => session.getNode(payload));
    expect(node.texts('archiveNames')).toEqual(['trip.zip']);
    expect([node.number('files'), node.number('skipped')]).toEqual([14, 2]);
    expect(node.number('bytes')).toBe((await readFile(file)).length);
    expect(node.property('delivered')?.type).toBe('Date');
  });

  it('plans exactly the bytes that it packs, when nothing must be rendered (D11)', async () => {
    await addTrip();
    const payload = await world.request({ paths: ['/content/dam/trip'], layout: 'hierarchy' });
    await runAll(payload);
    const { totals } = await inJob(payload, (job) => job.plan());
    const [archive] = await bytesOf(payload);
    expect(totals).toMatchObject({ estimated: false, bytes: archive?.length });
  });

  it('gives the same bytes for the same content, in another repository, killed while rendering or not', async () => {
    await addTrip();
    const undisturbed = await world.request(everything);
    await runAll(undisturbed);
    const [reference] = await bytesOf(undisturbed);

    const other = await openWorld();
    try {
      await addTrip(other);
      const payload = await other.request(everything);
      await other.run(planDownloadStep, payload);
      const kill = new AbortController();
      let reports = 0;
      const killed = other.run(renderStep, payload, {
        signal: kill.signal,
        onProgress: () => {
          reports += 1;
          if (reports === 4) kill.abort();
        },
      });
      await expect(killed).rejects.toThrow();
      const resumed = await other.run(renderStep, payload);
      const reused = resumed.reduce((sum, { result }) => sum + (result as { reused: number }).reused, 0);
      expect(reused).toBeGreaterThan(0);
      await other.run(packageStep, payload);
      const { parts } = await other.repository.withSession({ service: 'workflow' }, async (session) => {
        const archives = await (await openDownloadJob(session, payload)).archives();
        return archives ?? { parts: [] };
      });
      const [part] = parts;
      if (!part) throw new Error('was not packed');
      const bytes = await collect(openArchive(other.repository.blobs, part).read());
      expect(reference && sha256(bytes)).toBe(reference && sha256(reference));
    } finally {
      await other.close();
    }
  });

  it('makes a rendition once: the second download reuses it', async () => {
    await addTrip();
    const first = await world.request(everything);
    await runAll(first);
    const second = await world.request(everything);
    const [, rendered] = await runAll(second);
    expect(rendered?.map(({ result }) => result)).toEqual(Array(4).fill(expect.objectContaining({ rendered: 0 })));
    expect((await bytesOf(second))[0]?.equals((await bytesOf(first))[0] ?? Buffer.alloc(0))).toBe(true);
  });

  it('packs what was planned, though the content changed since', async () => {
    await addTrip();
    const payload = await world.request(everything);
    await world.run(planDownloadStep, payload);
    await world.change((session) => session.remove('/content/dam/trip'));
    const [planned, , packed] = await runAll(payload);
    expect(planned?.[0]?.result).toMatchObject({ files: 12 });
    expect(packed?.[0]?.result).toMatchObject({ files: 12, failed: 0 });
  });

  it('lets a step replace bytes and names, once however often it runs, and names it in the manifest', async () => {
    await addTrip(world, 2);
    const seen: CurrentEntry[][] = [];
    const invert = defineStep({
      id: 'acme/invert',
      title: 'Invert renditions',
      description: 'A step as a plugin brings it.',
      config: z.strictObject({}),
      result: z.undefined(),
      examples: [],
      async run(context): Promise<undefined> {
        const job = await context.download();
        const entries = await job.entries();
        seen.push([...entries]);
        const outcomes = [];
        for (const { index, kind, blob } of entries) {
          if (kind === 'original' || !blob) continue;
          const bytes = await sharp(await job.read(blob))
            .negate()
            .png()
            .toBuffer();
          outcomes.push({ index, blob: await job.createBlob(bytes), name: 'CON/same.png', mimeType: 'image/png' });
        }
        await job.recordOutcomes(outcomes);
      },
    });
    const payload = await world.request(everything);
    await runAll(payload, [planDownloadStep, renderStep, invert, invert, packageStep]);
    expect(seen[1]).toEqual(seen[0]);
    const { files } = (await manifestOf(payload)) as { files: { name: string; replacedBy?: string[] }[] };
    expect(files.map(({ name, replacedBy }) => [name, replacedBy])).toEqual([
      ['photo-0.jpg', undefined],
      ['_CON/same.png', ['acme/invert']],
      ['photo-1.jpg', undefined],
      ['_CON/same (2).png', ['acme/invert']],
    ]);
  });

  it('checks the bytes again when they are known, and refuses what a step made too large (D5)', async () => {
    await world.change((session) => addTenant(session, 'small', '/content/dam/trip', { maxBytes: 200_000 }));
    await addTrip(world, 1);
    const grow = defineStep({
      id: 'acme/grow',
      title: 'Grow',
      description: 'Makes files larger.',
      config: z.strictObject({}),
      result: z.undefined(),
      examples: [],
      async run(context): Promise<undefined> {
        const job = await context.download();
        await job.recordOutcomes([{ index: 0, blob: await job.createBlob(Buffer.alloc(200_000)) }]);
      },
    });
    const payload = await world.request({ paths: ['/content/dam/trip'] });
    await runAll(payload, [planDownloadStep, grow]);
    await expect(world.run(packageStep, payload)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  it('compresses on request, and does not compress again what an earlier attempt wrote', async () => {
    await addTrip();
    const payload = await world.request({ ...everything, method: 'deflate' });
    await runAll(payload);
    const [part] = (await archivesOf(payload)).parts;
    const [bytes] = await bytesOf(payload);
    expect(part?.size).toBe(bytes?.length);
    const file = join(await tempFolder(), 'deflated.zip');
    await writeFile(file, bytes ?? '');
    for (const entries of Object.values(await readWithOthers(file))) expect(entries.length).toBe(13);
    const reports: unknown[] = [];
    await world.run(packageStep, payload, { onProgress: (progress) => progress.bytes && reports.push(progress.bytes) });
    expect(reports).toEqual([]);
    expect((await archivesOf(payload)).parts[0]).toEqual(part);
  });

  it('splits into parts, each a complete archive that stays below the size of a part (D6)', async () => {
    await world.change((session) => addTenant(session, 'parts', '/content/dam/trip', { partBytes: 120_000 }));
    const originals = await addTrip();
    const out = await tempFolder();
    const payload = await world.request({ paths: ['/content/dam/trip'], outFolder: out });
    await runAll(payload);
    const names = await readdir(out);
    expect(names.length).toBeGreaterThan(1);
    const found: string[] = [];
    for (const name of names) {
      expect((await readFile(join(out, name))).length).toBeLessThanOrEqual(120_000);
      const [entries] = Object.values(await readWithOthers(join(out, name)));
      if (entries) found.push(...entries.slice(0, -1).map((entry) => entry.name));
    }
    expect(found.length).toBe(Object.keys(originals).length);
  });

  it('fails when no file at all could be made, with the reason of the first', async () => {
    await world.addAssets({ '/content/dam/bad/x.jpg': Buffer.from('no picture') });
    const payload = await world.request({ paths: ['/content/dam/bad'], originals: false, dynamic });
    await runAll(payload, [planDownloadStep, renderStep]);
    await expect(world.run(packageStep, payload)).rejects.toMatchObject({
      code: 'IMAGE_UNREADABLE',
      message: expect.stringContaining('/content/dam/bad/x.jpg') as string,
    });
  });

  it('says which step is missing in a model', async () => {
    await addTrip(world, 1);
    const payload = await world.request(everything);
    await expect(world.run(packageStep, payload)).rejects.toMatchObject({
      code: 'STEP_FAILED',
      message: expect.stringContaining('after dam/plan-download') as string,
    });
    await world.run(planDownloadStep, payload);
    await expect(world.run(deliverStep, payload)).rejects.toMatchObject({
      message: expect.stringContaining('after dam/package') as string,
    });
    await world.run(packageStep, payload);
    expect(await manifestOf(payload)).toMatchObject({ failed: [{ code: 'STEP_FAILED' }] });
    await expect(world.run(packageStep, '/content/dam/trip')).rejects.toMatchObject({ code: 'UNKNOWN_JOB' });
  });

  it('keeps every blob that a download needs on a list beside it', async () => {
    await addTrip(world, 2);
    const payload = await world.request(everything);
    await runAll(payload);
    const { parts } = await archivesOf(payload);
    const needed = parts.flatMap(({ entries }) => entries).filter(({ blob }) => blob.inline === undefined);
    await world.repository.withSession('admin', async (session) => {
      const list = (await session.getNode(`${payload}/archives`)).binary('satchel:blobs');
      const lines = list
        ? Buffer.from(await session.readBinary(list))
            .toString()
            .trim()
            .split('\n')
        : [];
      expect(lines.sort()).toEqual([...new Set(needed.map(({ blob }) => blob.sha256))].sort());
      expect(lines.length).toBeGreaterThan(0);
    });
  });
});
