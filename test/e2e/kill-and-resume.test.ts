/**
 * The whole process is killed (SIGKILL) in the middle of a download, twice, at moments that a seed chooses: while images
 * are rendered, and while the archive is packed or delivered. The download completes all the same, with the bytes of a run
 * that nobody disturbed, and tells about it once.
 *
 * Five seeds; SATCHEL_NIGHTLY=1 runs fifty, SATCHEL_SEED=n the one that failed.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { mkdir, readFile, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listMailbox } from '../../activities/mail/mailbox.js';
import { listOutbox } from '../../activities/mail/outbox.js';
import type { RunningSatchel } from '../../cli/demo/satchel-process.js';
import { downloadsRoot } from '../../dam/download-job.js';
import { openDownloadJob } from '../../dam/download-job-store.js';
import { renditionCacheRoot } from '../../dam/render-cache.js';
import type { JobView } from '../../engine/api.js';
import { chance } from './support/chance.js';
import { sampleContent, type SampleContent } from './support/sample-content.js';
import { createSatchelWorld, type SatchelWorld } from './support/satchel-world.js';

const seeds = seedsOf(process.env);
const methods = ['store', 'deflate'] as const;
const user = 'mara';

/** A step whose process is gone is tried again after this long, unless the next process says that it is gone. */
const heartbeatTimeoutMs = 30_000;
/** How often a seed may miss its moment, which passes between seeing it and killing. */
const attempts = 4;

/** An undisturbed run. */
interface Reference extends Delivered {
  readonly state: JobView['state'];
}

let content: SampleContent;
/** Content and user, and nothing that ever ran. */
let template: SatchelWorld;
const references = new Map<string, Reference>();

beforeAll(async () => {
  template = await createSatchelWorld();
  content = await sampleContent(template.folder);
  await template.satchel.run(['install', content.file]);
  const groups = ['--group', 'dam-users', 'administrators'];
  await template.satchel.run(['user', 'add', user, '--email', 'mara@example.com', ...groups]);

  await inWorld(async (world) => {
    await world.start();
    for (const method of methods) {
      const out = path.join(world.folder, method);
      const { state, archives } = await followToEnd(world, await requestRenditions(world, method, out));
      const made = archives?.parts.flatMap(({ entries }) => entries.filter(({ name }) => name.endsWith('.webp')));
      expect(made).toHaveLength(content.images);
      references.set(method, { state, ...(await delivered(out)) });
    }
  });
}, 240_000);

afterAll(async () => template.close());

describe('a download whose process is killed while it renders, and again while it packs or delivers', () => {
  it.each(seeds)(
    'completes with the bytes of an undisturbed run, and one mail (SATCHEL_SEED=%i)',
    async (seed) => {
      for (let attempt = 1; ; attempt++) {
        const missed = await inWorld(async (world) => killTwice(world, seed));
        if (missed === undefined) return;
        console.log(`seed ${seed}, attempt ${attempt} of ${attempts}: not killed where it should have been, ${missed}`);
        expect(attempt, missed).toBeLessThan(attempts);
      }
    },
    240_000,
  );
});

describe('a download whose process is killed while its mail is sent', () => {
  it.each([
    { moment: 'when the mail server began to read', suffix: '.part' },
    { moment: 'when the mail server had taken it', suffix: '.eml' },
  ])(
    'sends the same mail again only if it was taken and not recorded: killed $moment',
    async ({ moment, suffix }) =>
      inWorld(async (world) => {
        const running = await world.start();
        const id = await request(world, ['--originals']);
        await until(`${suffix} file in the mailbox`, () =>
          filesIn(world.mailFolder).some((name) => name.endsWith(suffix)),
        );
        const killed = await kill(world, running, id);
        const { job, ms } = await resume(world, killed, id);
        await expectMails(world, job, [killed]);
        console.log(`killed ${moment}: mail ${mailState(killed)}; ended ${ms} ms later`);
      }),
    120_000,
  );
});

/** @returns what was missed, or `undefined` when both kills fell where they should */
async function killTwice(world: SatchelWorld, seed: number): Promise<string | undefined> {
  // Stored archives are written when they are delivered, compressed ones when they are packed.
  const method = seed % 2 === 0 ? 'store' : 'deflate';
  const reference = references.get(method);
  if (!reference) throw new Error(`There is no undisturbed run with ${method}.`);
  const out = path.join(world.folder, 'out');

  const wantedImages = chance(seed, 'renditions', 1, content.images - 3);
  const first = await world.start();
  const countWebp = createWebpCounter(world);
  const before = countWebp();
  const id = await requestRenditions(world, method, out);
  await until('renditions', () => countWebp() - before >= wantedImages);
  const rendering = await kill(world, first, id);
  if (rendering.renditions >= content.images) return 'as all renditions were made already';

  const { bytes: total } = reference;
  const wantedBytes = chance(seed, 'archive bytes', Math.ceil(total / 8), Math.floor((total * 7) / 8));
  const second = await world.start();
  const isThere = () => existsSync(path.join(out, reference.file));
  await until('archive', () => unfinishedBytes(world, out) >= wantedBytes || isThere());
  const packing = await kill(world, second, id);
  const bytes = unfinishedBytes(world, out);
  if (packing.recorded < content.images) return 'as it still rendered';
  if (bytes < wantedBytes) return 'as the archive was complete already';

  const { job, ms } = await resume(world, packing, id);
  expect({ state: job.state, ...(await delivered(out)) }).toEqual(reference);
  await expectMails(world, job, [rendering, packing]);
  expect(reused(job)).toBeGreaterThanOrEqual(rendering.renditions - rendering.recorded);
  expect([...filesIn(blobsInWork(world)), ...filesIn(path.join(world.dataFolder, 'tmp'))]).toEqual([]);
  console.log(
    `seed ${seed}: killed after ${rendering.renditions} of ${content.images} renditions (${reused(job)} reused, mail ${mailState(rendering)}) ` +
      `and ${bytes} of ${total} bytes by ${method} (mail ${mailState(packing)}); ended ${ms} ms later`,
  );
  return undefined;
}

async function inWorld<T>(work: (world: SatchelWorld) => Promise<T>): Promise<T> {
  const world = await createSatchelWorld({ copyOf: template.dataFolder });
  try {
    return await work(world);
  } finally {
    await world.close();
  }
}

async function requestRenditions(world: SatchelWorld, method: string, out: string): Promise<string> {
  await mkdir(out);
  const renditions = ['--size', '800x600', '--format', 'webp'];
  return request(world, ['--originals', ...renditions, '--method', method, '--out', out]);
}

/** @returns the id of the job */
async function request(world: SatchelWorld, what: readonly string[]): Promise<string> {
  const job = await world.satchel.json(['download', content.root, '--as', user, ...what, '--no-wait']);
  return (job as { id: string }).id;
}

async function followToEnd(world: SatchelWorld, id: string): Promise<JobView> {
  // 3: the sample package has content fragments too, which have no files.
  return (await world.satchel.json(['jobs', 'follow', id], [0, 3])) as JobView;
}

/** What a killed process left. */
interface Killed {
  readonly at: number;
  /** In the cache: these need not be made again. */
  readonly renditions: number;
  /** Of them, those of chunks that were done: nobody asks the cache for these again. */
  readonly recorded: number;
  readonly mailTaken: boolean;
  readonly mailRecorded: boolean;
}

async function kill(world: SatchelWorld, running: RunningSatchel, id: string): Promise<Killed> {
  const at = Date.now();
  await running.kill();
  return world.readRepository(async (session) => {
    let renditions = 0;
    for await (const node of session.descendants(renditionCacheRoot)) if (node.binary('data')) renditions++;
    const download = `${downloadsRoot}/${id}`;
    const entries = await (await openDownloadJob(session, download)).entries();
    const outbox = await listOutbox(session, `${download}/outbox`);
    return {
      at,
      renditions,
      recorded: entries.filter(({ content: { kind }, blob }) => kind === 'render' && blob).length,
      mailTaken: (await listMailbox(world.mailFolder)).length > 0,
      mailRecorded: outbox.some(({ state }) => state === 'sent'),
    };
  });
}

function isSentAgain({ mailTaken, mailRecorded }: Killed): boolean {
  return mailTaken && !mailRecorded;
}

function mailState(killed: Killed): string {
  if (isSentAgain(killed)) return 'taken and not recorded, so sent again';
  return killed.mailTaken ? 'taken and recorded' : 'not taken';
}

/** Starts once more and waits for the end. @returns the milliseconds it took since the kill, too */
async function resume(world: SatchelWorld, { at }: Killed, id: string): Promise<{ job: JobView; ms: number }> {
  await world.start();
  const job = await followToEnd(world, id);
  const ms = Date.now() - at;
  expect(ms).toBeLessThan(heartbeatTimeoutMs);
  return { job, ms };
}

/** How many renditions were found in the cache. */
function reused(job: JobView): number {
  const chunks = job.steps.find(({ id }) => id === 'dam/render')?.result as { reused: number }[] | undefined;
  return (chunks ?? []).reduce((sum, chunk) => sum + chunk.reused, 0);
}

/** One mail; another copy of it for each kill between the end of DATA and the record of the server's reply. */
async function expectMails(world: SatchelWorld, job: JobView, kills: readonly Killed[]): Promise<void> {
  expect(job.mails.map(({ state }) => state)).toEqual(['sent']);
  const wanted = 1 + kills.filter(isSentAgain).length;
  const mails = await listMailbox(world.mailFolder);
  expect(mails.map(({ messageId }) => messageId)).toEqual(Array(wanted).fill(job.mails[0]?.messageId));
  const messages = await Promise.all(mails.map(async ({ file }) => readFile(file, 'latin1')));
  expect(new Set(messages).size).toBe(1);
}

interface Delivered {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** The archive, which must be all that is in the folder. */
async function delivered(out: string): Promise<Delivered> {
  const files = await readdir(out);
  expect(files).toHaveLength(1);
  const [file = ''] = files;
  const hash = createHash('sha256');
  await pipeline(createReadStream(path.join(out, file)), hash);
  return { file, bytes: (await stat(path.join(out, file))).size, sha256: hash.digest('hex') };
}

/** Counts the blobs that are WebP images, as the renditions asked for are. Each blob is looked into once. */
function createWebpCounter({ dataFolder }: SatchelWorld): () => number {
  const folder = path.join(dataFolder, 'blobs');
  const known = new Map<string, boolean>();
  return () => {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!/[0-9a-f]{64}$/.test(name) || known.has(name)) continue;
      known.set(name, readFileSync(path.join(folder, name)).subarray(8, 12).toString('latin1') === 'WEBP');
    }
    return [...known.values()].filter(Boolean).length;
  };
}

/** Size of the largest file that is being written, to the out folder or the blob store: of the archive, once that is. */
function unfinishedBytes(world: SatchelWorld, out: string): number {
  const incoming = blobsInWork(world);
  const files = [
    ...filesIn(incoming).map((name) => path.join(incoming, name)),
    ...filesIn(out).flatMap((name) => (name.endsWith('.part') ? [path.join(out, name)] : [])),
  ];
  return Math.max(0, ...files.map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0));
}

/** Where the blob store writes what has no name yet. */
function blobsInWork({ dataFolder }: SatchelWorld): string {
  return path.join(dataFolder, 'blobs', 'tmp');
}

function filesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Looks every millisecond: what tests wait for is over in a few. */
async function until(what: string, reached: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!reached()) {
    if (Date.now() > deadline) throw new Error(`Within a minute there was no ${what}.`);
    await wait(1);
  }
}

function seedsOf({ SATCHEL_SEED: one, SATCHEL_NIGHTLY: nightly }: NodeJS.ProcessEnv): number[] {
  if (one !== undefined) return [Number(one)];
  return Array.from({ length: nightly === '1' ? 50 : 5 }, (_, index) => index + 1);
}
