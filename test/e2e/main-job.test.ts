/**
 * The main job from end to end, with the real command and a real Temporal server: a package is installed, a download is
 * requested and followed, its archive is read by other people's programs, and the link in its mail is opened over HTTP.
 */
import { mkdir, readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MailboxMail } from '../../activities/mail/mailbox.js';
import type { RunningSatchel } from '../../cli/demo/satchel-process.js';
import type { JobSummary, JobView } from '../../engine/api.js';
import type { InstallReport } from '../../repository/vault/install.js';
import type { DownloadPlan, Layout } from '../../workflows/contract/plan.js';
import { sample } from '../dam/support/samples.js';
import { readWithOthers } from '../dam/support/zip-tools.js';
import { readArchive, sha256 } from './support/archive.js';
import { modified, picture, writeContentPackage, type ContentAsset } from './support/content-package.js';
import { createSatchelWorld, type SatchelWorld } from './support/satchel-world.js';

const root = '/content/dam/main';
const tour = `${root}/tour`;
const password = 'correct horse';

let world: SatchelWorld;
let running: RunningSatchel;
let installed: InstallReport;
/** Originals by path. */
const originals = new Map<string, Uint8Array>();

beforeAll(async () => {
  world = await createSatchelWorld();
  running = await world.start();
  const { satchel, folder } = world;
  installed = (await satchel.json(['install', await contentPackage(folder)])) as InstallReport;
  for (const id of ['mara', 'jonas']) {
    const profile = ['--email', `${id}@example.com`, '--language', 'en', '--group', 'dam-users', '--password'];
    await satchel.run(['user', 'add', id, ...profile], { input: `${password}\n` });
  }
}, 120_000);

afterAll(async () => {
  await running.stop();
  await world.close();
});

/** Two pictures of one name in two folders, a text that packs well, and beside them a picture that was cut short. */
async function contentPackage(folder: string): Promise<string> {
  const jpeg = 'image/jpeg';
  const damaged = sample('images/truncated.jpg');
  const whole = await picture(5);
  const assets: ContentAsset[] = [
    { path: `${tour}/beach.jpg`, mimeType: jpeg, bytes: await picture(1) },
    { path: `${tour}/coast/Größe 1.jpg`, mimeType: jpeg, bytes: await picture(2) },
    { path: `${tour}/coast/beach.jpg`, mimeType: jpeg, bytes: await picture(3) },
    { path: `${tour}/notes.txt`, mimeType: 'text/plain', bytes: Buffer.from('By the sea. '.repeat(4000)) },
    {
      path: `${root}/damaged/bad.jpg`,
      mimeType: jpeg,
      bytes: damaged ? await readFile(damaged) : whole.subarray(0, -2000),
    },
    { path: `${root}/damaged/good.jpg`, mimeType: jpeg, bytes: await picture(4) },
  ];
  for (const { path: asset, bytes } of assets) originals.set(asset, bytes);
  const folders = [{ path: tour, title: 'Tour' }, { path: `${tour}/coast` }, { path: `${root}/damaged` }];
  return writeContentPackage(path.join(folder, 'main.zip'), root, { folders, assets });
}

interface Downloaded {
  readonly exitCode: number;
  readonly job: JobView;
  /** The archive that was delivered into a folder of this download. */
  readonly file: string;
}

let downloads = 0;

async function download(...args: readonly string[]): Promise<Downloaded> {
  const out = path.join(world.folder, 'out', String((downloads += 1)));
  await mkdir(out, { recursive: true });
  const { exitCode, stdout } = await world.satchel.run(['download', ...args, '--out', out, '--json'], {
    accept: [0, 1, 3],
  });
  const [file = 'none'] = await readdir(out);
  return { exitCode, job: JSON.parse(stdout) as JobView, file: path.join(out, file) };
}

async function plan(...args: readonly string[]): Promise<DownloadPlan> {
  return (await world.satchel.json(['download', ...args, '--plan'])) as DownloadPlan;
}

async function entryNames(file: string): Promise<string[]> {
  return (await readArchive(file)).entries.map(({ name }) => name);
}

describe('from a package to an archive', () => {
  it('installs everything in the package', () => {
    expect(installed).toMatchObject({ group: 'tests', version: '1.2', binaries: originals.size, skipped: [] });
  });

  it('runs a request as a workflow that can be followed, and delivers the originals as they are', async () => {
    const { satchel, folder } = world;
    const out = path.join(folder, 'out', 'followed');
    const args = ['download', tour, '--as', 'mara', '--no-notify', '--out', out];
    const requested = (await satchel.json([...args, '--no-wait'])) as JobSummary;
    const followed = await satchel.run(['jobs', 'follow', requested.id, '--as', 'mara']);
    expect(followed.stdout).toMatch(/^done {2}Download assets/);
    expect(followed.stderr).toContain('Pack the archives: completed');

    const job = (await satchel.json(['jobs', 'show', requested.id, '--as', 'mara'])) as JobView;
    expect(job).toMatchObject({ state: 'completed', model: 'dam/download-asset', initiator: 'mara', tenant: 'global' });
    expect(job.steps.map(({ id, state, layer }) => ({ id, state, layer }))).toEqual(
      ['dam/plan-download', 'dam/render', 'dam/package', 'dam/deliver', 'notify/email'].map((id) => ({
        id,
        state: 'completed',
        layer: '/libs',
      })),
    );

    const file = path.join(out, 'tour.zip');
    const { entries, manifest } = await readArchive(file);
    expect(manifest.files.map(({ asset, sha256: of }) => [asset, of])).toEqual(
      [...originals].filter(([asset]) => asset.startsWith(`${tour}/`)).map(([asset, bytes]) => [asset, sha256(bytes)]),
    );
    const expected = entries.map(({ name, bytes }) => ({ name, size: bytes.length, sha256: sha256(bytes) }));
    for (const [reader, found] of Object.entries(await readWithOthers(file))) expect(found, reader).toEqual(expected);

    // Whoever asks, whenever: the same files are the same archive.
    const again = await download(tour, '--as', 'jonas', '--no-notify');
    expect(sha256(await readFile(again.file))).toBe(sha256(await readFile(file)));
  });

  it('shows a job to its requester and to administrators, and to nobody else', async () => {
    const { satchel } = world;
    const { jobs } = (await satchel.json(['jobs', 'list', '--as', 'mara'])) as { jobs: JobSummary[] };
    const [mine] = jobs;
    if (!mine) throw new Error('mara asked for downloads above');
    expect(new Set(jobs.map(({ initiator }) => initiator))).toEqual(new Set(['mara']));
    expect((await satchel.run(['jobs', 'show', mine.id])).exitCode).toBe(0);
    const answers = await Promise.all(
      [mine.id, 'x'.repeat(mine.id.length)].map(async (id) => {
        const { exitCode, stdout } = await satchel.run(['jobs', 'show', id, '--as', 'jonas', '--json'], {
          accept: [2],
        });
        return { exitCode, stdout: stdout.replaceAll(id, 'ID') };
      }),
    );
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]?.stdout).toContain('UNKNOWN_JOB');
  });

  it.each<{ layout: Layout; names: readonly string[] }>([
    {
      layout: 'flat',
      names: [
        'beach.jpg',
        'beach.200x150.webp',
        'Größe 1.jpg',
        'Größe 1.200x150.webp',
        'beach (2).jpg',
        'beach.200x150 (2).webp',
        'notes.txt',
      ],
    },
    {
      layout: 'asset',
      names: [
        'beach.jpg/beach.jpg',
        'beach.jpg/200x150.webp',
        'Größe 1.jpg/Größe 1.jpg',
        'Größe 1.jpg/200x150.webp',
        'beach (2).jpg/beach.jpg',
        'beach (2).jpg/200x150.webp',
        'notes.txt/notes.txt',
      ],
    },
    {
      layout: 'hierarchy',
      names: [
        'tour/beach.jpg',
        'tour/beach.200x150.webp',
        'tour/coast/Größe 1.jpg',
        'tour/coast/Größe 1.200x150.webp',
        'tour/coast/beach.jpg',
        'tour/coast/beach.200x150.webp',
        'tour/notes.txt',
      ],
    },
    {
      layout: 'asset-hierarchy',
      names: [
        'tour/beach.jpg/beach.jpg',
        'tour/beach.jpg/200x150.webp',
        'tour/coast/Größe 1.jpg/Größe 1.jpg',
        'tour/coast/Größe 1.jpg/200x150.webp',
        'tour/coast/beach.jpg/beach.jpg',
        'tour/coast/beach.jpg/200x150.webp',
        'tour/notes.txt/notes.txt',
      ],
    },
  ])('lays the archive out $layout', async ({ layout, names }) => {
    const size = ['--originals', '--size', '200x150', '--format', 'webp'];
    const { file, exitCode } = await download(tour, '--as', 'mara', '--no-notify', ...size, '--layout', layout);
    // No picture is made of a text, and that is said.
    expect(exitCode).toBe(3);
    expect(await entryNames(file)).toEqual([...names, 'manifest.json']);
    const { manifest } = await readArchive(file);
    expect(manifest.skipped).toMatchObject([
      { path: `${tour}/notes.txt`, rendition: '200x150.webp', code: 'NOT_AN_IMAGE' },
    ]);
  });

  it('compresses where asked to, and every program reads it', async () => {
    const { file, job } = await download(tour, '--as', 'mara', '--no-notify', '--method', 'deflate');
    expect(job.archives?.parts).toMatchObject([{ method: 'deflate' }]);
    const bytes = await readFile(file);
    const { entries, bytesOf } = await readArchive(file);
    const found = entries.map((entry) => ({ name: entry.name, size: entry.bytes.length, sha256: sha256(entry.bytes) }));
    for (const [reader, read] of Object.entries(await readWithOthers(file))) expect(read, reader).toEqual(found);
    expect(sha256(bytesOf('notes.txt'))).toBe(sha256(originals.get(`${tour}/notes.txt`) ?? Buffer.of()));
    // Method 8 in the first local header (APPNOTE 4.4.5); the repeated sentence alone saves most of its 48,000 bytes.
    expect(bytes.readUInt16LE(8)).toBe(8);
    expect(bytes.length).toBeLessThan(entries.reduce((sum, entry) => sum + entry.bytes.length, 0) - 40_000);
  });
});

describe('what is made for a download', () => {
  const size = ['--size', '400x400', '--format', 'webp'] as const;

  it('is the size and format that were asked for, with the proportions of the picture', async () => {
    const { file, exitCode } = await download(`${tour}/beach.jpg`, '--as', 'mara', '--no-notify', ...size);
    expect(exitCode).toBe(0);
    const { bytesOf, entries } = await readArchive(file);
    expect(entries.map(({ name }) => name)).toEqual(['beach.400x400.webp', 'manifest.json']);
    // 1200 x 900 fitted into 400 x 400.
    expect(await sharp(bytesOf('beach.400x400.webp')).metadata()).toMatchObject({
      format: 'webp',
      width: 400,
      height: 300,
    });
  });

  it('is what the plan said', async () => {
    const { jobs: before } = (await world.satchel.json(['jobs', 'list'])) as { jobs: JobSummary[] };
    const request = [tour, '--as', 'mara', '--no-notify', '--originals', ...size] as const;
    const [planned, plannedOriginals] = [await plan(...request), await plan(tour, '--as', 'mara')];
    const { jobs: after } = (await world.satchel.json(['jobs', 'list'])) as { jobs: JobSummary[] };
    expect(after).toEqual(before);

    const { file, job } = await download(...request);
    const { manifest } = await readArchive(file);
    expect(manifest.files.map(({ name, asset, rendition }) => ({ name, asset, rendition }))).toEqual(
      planned.entries.map(({ name, asset, rendition }) => ({ name, asset, rendition })),
    );
    expect(job.skipped).toEqual(planned.skipped);
    expect(planned.totals).toMatchObject({ assets: 4, files: 7, toRender: 3, estimated: true });
    for (const [index, { content }] of planned.entries.entries()) {
      const made = manifest.files[index];
      if (content.kind === 'blob') expect(made).toMatchObject({ sha256: content.blob.sha256, size: content.blob.size });
      else expect(made?.size).toBeLessThanOrEqual(content.estimate);
    }
    expect((await readFile(file)).length).toBeLessThanOrEqual(planned.totals.bytes);

    // Where nothing is made the plan is exact, to the byte.
    const exact = await download(tour, '--as', 'mara', '--no-notify');
    expect(plannedOriginals.totals).toMatchObject({ estimated: false, bytes: (await readFile(exact.file)).length });
    expect(await entryNames(exact.file)).toEqual([
      ...plannedOriginals.entries.map(({ name }) => name),
      'manifest.json',
    ]);
    expect(new Set(plannedOriginals.entries.map((entry) => entry.modified))).toEqual(new Set([modified]));
  });

  it('lacks only the picture that is broken, which the manifest names', async () => {
    const { exitCode, job, file } = await download(`${root}/damaged`, '--as', 'mara', ...size);
    expect({ exitCode, state: job.state }).toEqual({ exitCode: 3, state: 'partial' });
    const { entries, manifest } = await readArchive(file);
    expect(entries.map(({ name }) => name)).toEqual(['good.400x400.webp', 'manifest.json']);
    const bad = { path: `${root}/damaged/bad.jpg`, rendition: '400x400.webp', code: 'IMAGE_UNREADABLE' };
    expect(manifest.failed).toMatchObject([bad]);
    expect(manifest.failed[0]?.reason).toMatch(/^The image cannot be read: /);
    expect(manifest.skipped).toEqual([]);
    expect(job.skipped).toMatchObject([bad]);
    expect((await mailOf(job)).text).toContain(`${root}/damaged/bad.jpg`);
    for (const found of Object.values(await readWithOthers(file))) expect(found).toHaveLength(2);
  });

  it('fails as a whole when every picture is broken; the originals can still be had', async () => {
    const bad = `${root}/damaged/bad.jpg`;
    const { exitCode, job } = await download(bad, '--as', 'mara', '--no-notify', ...size);
    expect({ exitCode, state: job.state, error: job.error }).toMatchObject({
      exitCode: 1,
      state: 'failed',
      error: { code: 'IMAGE_UNREADABLE' },
    });
    expect(job.error?.message).toContain(bad);
    const { bytesOf } = await readArchive((await download(bad, '--as', 'mara', '--no-notify')).file);
    expect(sha256(bytesOf('bad.jpg'))).toBe(sha256(originals.get(bad) ?? Buffer.of()));
  });
});

async function mailOf(job: JobView): Promise<MailboxMail> {
  const { satchel } = world;
  const { mails } = (await satchel.json(['mail', 'list', '--mailbox'])) as {
    mails: { id: string; messageId: string }[];
  };
  const row = mails.find(({ messageId }) => messageId === job.mails[0]?.messageId);
  return (await satchel.json(['mail', 'show', row?.id ?? 'none'])) as MailboxMail;
}

describe('the link in the mail', () => {
  let job: JobView;
  /** What was written into the folder. */
  let delivered: Buffer;
  let link: URL;

  beforeAll(async () => {
    const downloaded = await download(tour, '--as', 'mara');
    job = downloaded.job;
    delivered = await readFile(downloaded.file);
    const mail = await mailOf(job);
    const [found = ''] = /http:\/\/[^"\s]+\/downloads\/[^"\s]+\.zip/.exec(mail.html ?? '') ?? [];
    link = new URL(found);
    expect(mail.to).toEqual(['mara@example.com']);
    expect(mail.text).toContain(found);
  });

  async function get(url: URL | string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(url, { headers, redirect: 'manual' });
  }
  async function postLogin(user: string, typed: string): Promise<Response> {
    const body = new URLSearchParams({ user, password: typed, next: link.pathname });
    return fetch(new URL('/login', link), { method: 'POST', body, redirect: 'manual' });
  }
  function cookieOf(response: Response): Record<string, string> {
    return {
      cookie: response.headers
        .getSetCookie()
        .map((set) => set.split(';', 1)[0])
        .join('; '),
    };
  }
  const logIn = async (user: string) => cookieOf(await postLogin(user, password));
  const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer());

  it('leads to this Satchel, to the archive of this download', () => {
    expect(link.origin).toBe(running.url);
    expect(link.pathname).toBe(`/downloads/${job.id}/tour.zip`);
  });

  it('asks for a login first, which comes back to it', async () => {
    const stranger = await get(link);
    expect(stranger.status).toBe(303);
    const login = new URL(stranger.headers.get('location') ?? '', link);
    expect([login.pathname, login.searchParams.get('next')]).toEqual(['/login', link.pathname]);
    const page = await get(login);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(await page.text()).toContain(`value="${link.pathname}"`);
  });

  it('stays closed to a wrong password and to an unknown user, with one answer', async () => {
    const refused = await Promise.all([postLogin('mara', 'wrong horse'), postLogin('nobody', password)]);
    for (const response of refused) {
      expect(response.status).toBe(401);
      expect((await get(link, cookieOf(response))).status).toBe(303);
    }
    const [wrong, unknown] = await Promise.all(refused.map(async (response) => response.text()));
    expect(wrong).toBe(unknown);
  });

  it('gives the requester the very bytes that were delivered', async () => {
    const login = await postLogin('mara', password);
    expect([login.status, login.headers.get('location')]).toEqual([303, link.pathname]);
    const answer = await get(link, cookieOf(login));
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/zip',
      'content-length': String(delivered.length),
      'accept-ranges': 'bytes',
      'content-disposition': expect.stringContaining('tour.zip') as string,
    });
    expect(sha256(await bytesOf(answer))).toBe(sha256(delivered));
  });

  it('resumes anywhere', async () => {
    const session = await logIn('mara');
    const head = await fetch(link, { method: 'HEAD', headers: session });
    const etag = head.headers.get('etag') ?? '';
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(delivered.length)]);
    expect(etag).toMatch(/^"[^"]+"$/);

    const cut = Math.floor(delivered.length / 3);
    const rest = await get(link, { ...session, range: `bytes=${cut}-`, 'if-range': etag });
    expect([rest.status, rest.headers.get('content-range')]).toEqual([
      206,
      `bytes ${cut}-${delivered.length - 1}/${delivered.length}`,
    ]);
    expect((await bytesOf(rest)).equals(delivered.subarray(cut))).toBe(true);
    const end = await get(link, { ...session, range: 'bytes=-22' });
    expect((await bytesOf(end)).equals(delivered.subarray(-22))).toBe(true);
    const beyond = await get(link, { ...session, range: `bytes=${delivered.length}-` });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${delivered.length}`]);
    expect((await get(link, { ...session, 'if-none-match': etag })).status).toBe(304);
  });

  it('answers another member of dam-users as if there were no such download', async () => {
    const session = await logIn('jonas');
    const unknown = new URL(`/downloads/${job.id.replace(/.{12}$/, '0'.repeat(12))}/tour.zip`, link);
    const [closed, missing] = await Promise.all(
      [link, unknown].map(async (url) => {
        const answer = await get(url, session);
        return { status: answer.status, body: await answer.text() };
      }),
    );
    expect(closed?.status).toBe(404);
    expect(closed).toEqual(missing);
  });

  it('opens for a colleague whom the requester named', async () => {
    const shared = await download(tour, '--as', 'mara', '--email', 'jonas@example.com', '--name', 'for jonas');
    expect(shared.job.mails.map(({ to }) => to)).toEqual(['jonas@example.com']);
    const answer = await get(new URL(`/downloads/${shared.job.id}/for%20jonas.zip`, link), await logIn('jonas'));
    expect(answer.status).toBe(200);
    expect(sha256(await bytesOf(answer))).toBe(sha256(await readFile(shared.file)));
  });
});
