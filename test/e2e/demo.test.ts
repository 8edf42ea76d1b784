/**
 * What the demo claims, checked from outside: the real command, its summary against the files it left, its archives against
 * other people's programs and the package's own bytes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import PostalMime from 'postal-mime';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { instancesRoot, requestsRoot } from '../../activities/satchel/request-node.js';
import { satchelCommands } from '../../cli/demo/satchel-process.js';
import { sample } from '../dam/support/samples.js';
import { readWithOthers } from '../dam/support/zip-tools.js';
import { packageRenditions, readArchive, sha256, type Archive } from './support/archive.js';
import { killTemporalServer, program, readRepository } from './support/satchel-world.js';

const wknd = sample('content/wknd-sample-assets-1.0.zip');
if (wknd === undefined) {
  console.warn('satchel tests: the WKND sample package is not at hand (SATCHEL_SAMPLES); the demo runs without it');
}

/** The documented shape of summary.json; what is more does not matter. */
const summarySchema = z.object({
  tenants: z.array(
    z.object({
      act: z.int(),
      shows: z.string(),
      tenant: z.string().min(1),
      workflowId: z.string().min(1),
      model: z.string(),
      state: z.enum(['completed', 'partial', 'failed', 'cancelled']),
      steps: z.array(z.object({ id: z.string(), title: z.string(), ms: z.number().min(0), layer: z.string() })).min(1),
      archives: z.array(
        z.object({
          file: z.string(),
          bytes: z.int(),
          sha256: z.string().regex(/^[\da-f]{64}$/),
          entries: z.int().min(2),
          skipped: z.array(z.object({ path: z.string(), reason: z.string().min(1) })),
        }),
      ),
      mails: z.array(
        z.object({
          to: z.string(),
          subject: z.string(),
          locale: z.string(),
          file: z.string(),
          layers: z.record(z.string(), z.string()),
        }),
      ),
    }),
  ),
});
type Run = z.output<typeof summarySchema>['tenants'][number];

interface Variant {
  readonly name: string;
  /** `undefined`: pictures that the demo draws. */
  readonly packageFile: string | undefined;
}

const variants: readonly Variant[] = [
  { name: 'pictures that it draws itself', packageFile: undefined },
  ...(wknd === undefined ? [] : [{ name: 'the WKND sample package', packageFile: wknd }]),
];

const download = 'dam/download-asset';
const steps = ['dam/plan-download', 'dam/render', 'dam/package', 'dam/deliver', 'notify/email'];
const withWatermark = steps.toSpliced(2, 0, 'acme/watermark');

describe.each(variants)('the demo with $name', ({ name, packageFile }) => {
  let out: string;
  let dataFolder: string;
  let result: { readonly exitCode: unknown; readonly output: string; readonly milliseconds: number };
  let runs: readonly Run[];
  /** Of the package it shows: bytes by path. */
  let renditions: ReadonlyMap<string, Buffer>;

  beforeAll(async () => {
    out = await mkdtemp(path.join(tmpdir(), 'satchel-demo-'));
    dataFolder = path.join(out, 'data');
    result = await runDemo(out, packageFile);
    if (result.exitCode !== 0) throw new Error(`the demo ended with ${String(result.exitCode)}:\n${result.output}`);
    runs = summarySchema.parse(JSON.parse(await readFile(path.join(out, 'summary.json'), 'utf8'))).tenants;
    renditions = await packageRenditions(packageFile ?? path.join(out, 'packages', 'sample-pictures-1.0.zip'));
  }, 600_000);

  afterAll(async () => {
    await killTemporalServer(dataFolder);
    await rm(out, { recursive: true, force: true });
  });

  const runsOf = (act: number) => runs.filter((run) => run.act === act);
  const archivesOf = async (selected: readonly Run[]): Promise<Archive[]> =>
    Promise.all(selected.flatMap((run) => run.archives).map(async ({ file }) => readArchive(path.join(out, file))));

  it('ends by itself and leaves nothing running', async () => {
    console.info(`the demo with ${name} took ${Math.round(result.milliseconds / 1000)} seconds`);
    // The socket goes with the process that has the data folder open.
    expect(await readdir(dataFolder)).not.toContain('satchel.sock');
  });

  it('plays five acts: two tenants beside the global one, and one transient workflow', () => {
    expect(runs.map(({ act, tenant, model }) => ({ act, tenant, model }))).toEqual([
      { act: 1, tenant: 'global', model: download },
      { act: 1, tenant: 'global', model: download },
      { act: 2, tenant: 'aurora', model: download },
      { act: 2, tenant: 'nordlicht', model: download },
      { act: 3, tenant: 'nordlicht', model: download },
      { act: 4, tenant: 'global', model: download },
      { act: 5, tenant: 'global', model: 'dam/update-renditions' },
    ]);
    expect(new Set(runs.map(({ workflowId }) => workflowId)).size).toBe(runs.length);
    for (const { model, tenant, archives, mails, ...run } of runs) {
      // Partly done is only what says what it left out.
      const skipped = archives.flatMap((archive) => archive.skipped);
      expect(run.state).toBe(skipped.length > 0 ? 'partial' : 'completed');
      expect(mails).toHaveLength(1);
      if (model !== download) continue;
      expect(archives).toHaveLength(1);
      expect(run.steps.map(({ id }) => id)).toEqual(tenant === 'aurora' ? withWatermark : steps);
      expect(run.steps.map(({ layer }) => layer)).toEqual(
        run.steps.map(({ id }) => (id === 'acme/watermark' ? '/conf/aurora' : '/libs')),
      );
    }
  });

  it('says of its archives what is so, and every program accepts them', async () => {
    for (const { file, bytes, sha256: hash, entries, skipped } of runs.flatMap((run) => run.archives)) {
      const written = path.join(out, file);
      const content = await readFile(written);
      expect({ bytes: content.length, sha256: sha256(content) }).toEqual({ bytes, sha256: hash });

      const archive = await readArchive(written);
      const expected = archive.entries.map((entry) => ({
        name: entry.name,
        size: entry.bytes.length,
        sha256: sha256(entry.bytes),
      }));
      expect(expected).toHaveLength(entries);
      for (const [reader, found] of Object.entries(await readWithOthers(written))) {
        expect(found, `${reader} reads ${file}`).toEqual(expected);
      }
      // The manifest tells of every other entry, and of what is not there.
      expect(archive.manifest.files.map(({ name, size, sha256: of }) => ({ name, size, sha256: of }))).toEqual(
        expected.slice(0, -1),
      );
      expect(skipped.map((item) => item.path)).toEqual(
        [...archive.manifest.skipped, ...archive.manifest.failed].map((item) => item.path),
      );
    }
  });

  it('says of its mails what is so', async () => {
    for (const { act, tenant, workflowId, mails } of runs) {
      for (const { to, subject, file, layers } of mails) {
        const mail = await PostalMime.parse(await readFile(path.join(out, file)));
        expect({ to: mail.to?.map(({ address }) => address), subject: mail.subject }).toEqual({ to: [to], subject });
        // A download's mail links to that download; a transient workflow is named by its id.
        expect(mail.html).toContain(workflowId);
        if (act === 5) continue;
        const [first, second] = runsOf(1);
        const themeLayer =
          workflowId === first?.workflowId ? '/libs' : tenant === 'global' ? '/apps' : `/conf/${tenant}`;
        expect({ workflow: workflowId, color: layers['theme.color'] }).toEqual({
          workflow: workflowId,
          color: themeLayer,
        });
        expect(second?.mails[0]?.layers['theme.radius']).toBe('/libs');
      }
    }
    expect(runsOf(2).map(({ mails }) => mails[0]?.locale)).toEqual(['en', 'de']);
    const [before] = runsOf(2).filter(({ tenant }) => tenant === 'nordlicht');
    const [after] = runsOf(3);
    expect(after?.mails[0]?.subject).not.toBe(before?.mails[0]?.subject);
    expect([before?.mails[0]?.layers['subject'], after?.mails[0]?.layers['subject']]).toEqual([
      '/libs',
      '/conf/nordlicht',
    ]);
  });

  it('hands out originals untouched, byte for byte as the package has them, whatever the brand', async () => {
    const delivered = (await archivesOf(runs)).flatMap(({ manifest, bytesOf }) =>
      manifest.files
        .filter(({ rendition }) => rendition === 'original')
        .map(({ asset, name }) => ({ asset, sha256: sha256(bytesOf(name)) })),
    );
    expect(delivered.length).toBeGreaterThan(0);
    const inPackage = delivered.map(({ asset }) => {
      const original = renditions.get(renditionPath(asset, 'original'));
      return { asset, sha256: original && sha256(original) };
    });
    expect(delivered).toEqual(inPackage);
  });

  it('leaves the renditions of the brand without watermark as they are', async () => {
    const [archive] = await archivesOf(runsOf(2).filter(({ tenant }) => tenant === 'nordlicht'));
    expect(archive?.manifest.files.filter((file) => file.replacedBy !== undefined)).toEqual([]);
    for (const { asset, rendition, name } of archive?.manifest.files ?? []) {
      // Drawn pictures come without renditions: theirs were made.
      const original = renditions.get(renditionPath(asset, rendition));
      if (original) expect(sha256(archive?.bytesOf(name) ?? Buffer.of())).toBe(sha256(original));
    }
  });

  it('draws the watermark over every image rendition of the other brand, and the manifest names the step', async () => {
    const [aurora] = await archivesOf(runsOf(2).filter(({ tenant }) => tenant === 'aurora'));
    const marked = aurora?.manifest.files.filter(({ rendition }) => rendition !== 'original') ?? [];
    expect(marked.length).toBeGreaterThan(0);
    expect(marked.map(({ replacedBy }) => replacedBy)).toEqual(marked.map(() => ['acme/watermark']));
    expect(aurora?.manifest.files.filter((file) => file.replacedBy !== undefined)).toEqual(marked);

    const unmarked = await withoutWatermark(marked);
    for (const { asset, rendition, name } of marked) {
      const difference = await pixelDifference(
        aurora?.bytesOf(name) ?? Buffer.of(),
        unmarked.get(renditionPath(asset, rendition)) ?? Buffer.of(),
      );
      // The bar lies across the middle; beside it only encoding anew leaves traces.
      expect(difference.edges, name).toBeLessThan(4);
      expect(difference.middle, name).toBeGreaterThan(10);
    }
  }, 120_000);

  /** The renditions as the package has them; those it lacks as a tenant gets them whose workflow has no such step. */
  async function withoutWatermark(files: Archive['manifest']['files']): Promise<ReadonlyMap<string, Buffer>> {
    if (files.every(({ asset, rendition }) => renditions.has(renditionPath(asset, rendition)))) return renditions;
    const folder = path.posix.dirname(files[0]?.asset ?? '');
    const request = ['download', folder, '--tenant', 'global', '--renditions', 'cq5dam.web.*', '--layout', 'asset'];
    const plain = path.join(out, 'plain');
    await satchelCommands(program, dataFolder).run([...request, '--no-notify', '--out', plain], { accept: [0, 3] });
    const [file = ''] = await readdir(plain);
    const { manifest, bytesOf } = await readArchive(path.join(plain, file));
    expect(manifest.tenant).toBe('global');
    return new Map(
      manifest.files.map(({ asset, rendition, name }) => [renditionPath(asset, rendition), bytesOf(name)]),
    );
  }

  it('was killed while it worked, and sent one mail all the same', async () => {
    const [run] = runsOf(4);
    expect(run?.shows).toMatch(/^Killed after (\d+|all) renditions were made/);
    const mails = await Promise.all(
      (await readdir(path.join(dataFolder, 'mail')))
        .filter((name) => name.endsWith('.eml'))
        .map(async (name) => PostalMime.parse(await readFile(path.join(dataFolder, 'mail', name)))),
    );
    expect(mails.filter(({ html }) => html?.includes(run?.workflowId ?? ''))).toHaveLength(1);
    expect(mails).toHaveLength(runs.length);
  });

  it('keeps no record of the transient workflow', async () => {
    const [run] = runsOf(5);
    await readRepository(dataFolder, async (session) => {
      const below = async (root: string) => {
        const names: string[] = [];
        for await (const { name } of session.children(root)) names.push(name);
        return names;
      };
      // All other workflows of the demo have theirs.
      const downloads = runs.filter(({ model }) => model === download).map(({ workflowId }) => workflowId);
      const instances = await below(instancesRoot);
      expect(instances).toEqual(expect.arrayContaining(downloads));
      expect([...instances, ...(await below(requestsRoot))]).not.toContain(run?.workflowId);
    });
  });

  it('shows all mails side by side, each part with its layer', async () => {
    const html = await readFile(path.join(out, 'index.html'), 'utf8');
    for (const layer of ['/libs', '/apps', '/conf/aurora', '/conf/nordlicht'])
      expect(html).toContain(`>${layer}</span>`);
    expect(html.match(/<iframe /g)).toHaveLength(runs.flatMap(({ mails }) => mails).length);
    expect((await stat(path.join(out, 'index.html'))).size).toBeGreaterThan(10_000);
  });
});

function renditionPath(asset: string, rendition: string): string {
  return `${asset}/jcr:content/renditions/${rendition}`;
}

async function runDemo(
  out: string,
  packageFile: string | undefined,
): Promise<{ exitCode: unknown; output: string; milliseconds: number }> {
  const args = ['demo', '--exit', '--out', out, ...(packageFile === undefined ? [] : ['--package', packageFile])];
  const started = performance.now();
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const [exitCode] = (await once(child, 'close')) as [unknown];
  return { exitCode, output, milliseconds: performance.now() - started };
}

/** Mean difference of the channels (0 to 255) in the middle tenth of the rows, and in the first and last tenth. */
async function pixelDifference(a: Buffer, b: Buffer): Promise<{ readonly middle: number; readonly edges: number }> {
  const [left, right] = await Promise.all(
    [a, b].map(async (bytes) =>
      sharp(bytes).toColourspace('srgb').removeAlpha().raw().toBuffer({ resolveWithObject: true }),
    ),
  );
  if (!left || !right) throw new Error('two pictures are compared');
  expect([right.info.width, right.info.height]).toEqual([left.info.width, left.info.height]);
  const { width, height, channels } = left.info;
  const meanOfRows = (from: number, to: number) => {
    const start = Math.floor(height * from) * width * channels;
    const end = Math.ceil(height * to) * width * channels;
    let sum = 0;
    for (let at = start; at < end; at += 1) sum += Math.abs((left.data[at] ?? 0) - (right.data[at] ?? 0));
    return sum / (end - start);
  };
  return { middle: meanOfRows(0.45, 0.55), edges: (meanOfRows(0, 0.1) + meanOfRows(0.9, 1)) / 2 };
}
