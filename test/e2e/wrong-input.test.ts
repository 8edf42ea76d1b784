/**
 * What people get wrong, through the real command: the exit code says whose fault it is, the code names the problem, the
 * message says what it is about (the path, the number), and nothing was started or changed.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { CommandResult } from '../../cli/demo/satchel-process.js';
import type { JobSummary, JobView } from '../../engine/api.js';
import type { DownloadPlan } from '../../workflows/contract/plan.js';
import { docView, packageEntries, writeZip } from '../vault/package-builder.js';
import { readArchive } from './support/archive.js';
import { pictureAsset, policyView, writeContentPackage, type ContentAsset } from './support/content-package.js';
import { createSatchelWorld, program, type SatchelWorld } from './support/satchel-world.js';
import { canMountPrivately, fullDiskBytes, withSmallDisks } from './support/small-disks.js';

const root = '/content/dam/wrong';
const templates = 'settings/dam/workflow/notification/email';
const smallDisks = canMountPrivately();
if (!smallDisks) {
  console.warn('satchel tests: nothing can be mounted here; full and read-only output folders are not tested');
}

let world: SatchelWorld;
let main: ChildProcess;
/** Log of the running `satchel start`. */
let log = '';

/** A file of the test's own folder. */
const file = (...names: string[]) => path.join(world.folder, ...names);

beforeAll(async () => {
  world = await createSatchelWorld();
  for (const folder of ['data', 'overlays/apps', 'overlays/conf', 'full', 'read-only']) {
    await mkdir(file(folder), { recursive: true });
  }
  await writeFile(file('data', 'satchel.json'), JSON.stringify({ overlays: ['../overlays'] }));
  await writeOverlay('conf/wrong/settings/tenant', { 'jcr:title': 'Wrong' });
  main = await startMain();

  for (const packageFile of [await contentPackage(), await launchRights()]) await satchel('install', packageFile);
  for (const [id, ...options] of [
    ['mara', '--email', 'mara@example.com', '--group', 'dam-users'],
    ['silent', '--group', 'dam-users'],
    ['eve', '--email', 'eve@example.com'],
    ['otto', '--email', 'otto@example.com'],
  ] as const) {
    await satchel('user', 'add', id, ...options);
  }
}, 180_000);

afterAll(async () => {
  main.kill('SIGTERM');
  if (main.exitCode === null) await once(main, 'close');
  await world.close();
});

/** `satchel start`, seeing a full and a read-only disk where the system allows it. */
async function startMain(): Promise<ChildProcess> {
  const start = [process.execPath, program, '--data', world.dataFolder, 'start', '--port', '0', '--json'];
  const disks = { full: file('full'), readOnly: file('read-only') };
  const [command = '', ...args] = smallDisks ? withSmallDisks(disks, start) : start;
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const lines = createInterface(child.stdout);
  await Promise.race([
    once(lines, 'line'),
    once(child, 'close').then(() => Promise.reject(new Error(`satchel start ended before it was ready:\n${log}`))),
  ]);
  return child;
}

async function contentPackage(): Promise<string> {
  const small = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#808080' } })
    .png()
    .toBuffer();
  const many = Array.from({ length: 501 }, (_, index): ContentAsset => {
    const folder = index < 500 ? 'many' : 'one-more';
    return { path: `${root}/${folder}/${index}.png`, mimeType: 'image/png', bytes: small };
  });
  const mixed: ContentAsset[] = [
    { ...(await pictureAsset(`${root}/mixed/with.jpg`, 1)), renditions: { 'social.square.jpg': small } },
    await pictureAsset(`${root}/mixed/without.jpg`, 2),
    { path: `${root}/mixed/notes.txt`, mimeType: 'text/plain', bytes: Buffer.from('no picture') },
  ];
  const policy = [{ kind: 'deny', principal: 'mara', privileges: ['jcr:read'] }] as const;
  const opened = ['eve', 'otto'].map((principal) => ({ kind: 'allow' as const, principal, privileges: ['jcr:read'] }));
  return writeContentPackage(file('content.zip'), root, {
    folders: [
      { path: `${root}/empty` },
      { path: `${root}/closed`, policy },
      { path: `${root}/limited`, configRef: '/conf/wrong' },
      { path: `${root}/mixed`, policy: opened },
    ],
    assets: [
      ...many,
      ...mixed,
      await pictureAsset(`${root}/closed/secret.jpg`, 3),
      await pictureAsset(`${root}/limited/a.jpg`, 4),
      await pictureAsset(`${root}/limited/b.jpg`, 5),
    ],
  });
}

/** Lets otto, who is no member of dam-users, launch workflows. */
async function launchRights(): Promise<string> {
  const models = '/libs/settings/workflow/models';
  const privileges = ['jcr:read', 'satchel:launchWorkflow'];
  const policy = ['dam-users', 'otto'].map((principal) => ({ kind: 'allow' as const, principal, privileges }));
  const workflow = { kind: 'allow' as const, principal: 'workflow', privileges: ['jcr:read'] };
  return writeZip(
    file('launch-rights.zip'),
    packageEntries({
      filter: `<filter root="${models}/rep:policy"/>`,
      properties: { name: 'launch rights', acHandling: 'overwrite' },
      files: { [`${models.slice(1)}/_rep_policy.xml`]: policyView([...policy, workflow]) },
    }),
  );
}

async function writeOverlay(resource: string, properties: Readonly<Record<string, unknown>>): Promise<void> {
  await mkdir(file('overlays', resource), { recursive: true });
  await writeFile(file('overlays', resource, '.content.json'), JSON.stringify(properties));
}

/** Runs a command, however it ends. */
async function run(...args: readonly string[]): Promise<CommandResult> {
  return world.satchel.run(args, { accept: [0, 1, 2, 3] });
}

/** Runs a command that must not fail. @returns its one document */
async function satchel(...args: readonly string[]): Promise<unknown> {
  return world.satchel.json(args);
}

const errorSchema = z.strictObject({
  error: z.strictObject({ code: z.string(), message: z.string(), details: z.record(z.string(), z.unknown()) }),
});
type CommandError = z.output<typeof errorSchema>['error'];

/** Runs a command that must be refused, with one document for programs and one line for people. @returns the error */
async function refusal(args: readonly string[], exitCode: number): Promise<CommandError> {
  const result = await run(...args, '--json');
  const { error } = errorSchema.parse(JSON.parse(result.stdout));
  expect({ exitCode: result.exitCode, ...error }).toMatchObject({ exitCode });
  expect(result.stderr).toContain(`satchel: ${error.message}`);
  expect(result.stderr.trimEnd().endsWith(`[${error.code}]`), result.stderr).toBe(true);
  return error;
}

interface Refused {
  /** What is wrong. */
  readonly title: string;
  readonly args: readonly string[];
  readonly code: string;
  /** The message holds each of them. */
  readonly words: readonly string[];
}

async function expectRefused({ args, code, words }: Omit<Refused, 'title'>, exitCode = 2): Promise<void> {
  const error = await refusal(args, exitCode);
  expect(error).toMatchObject({ code });
  for (const word of words) expect(error.message).toContain(word);
}

async function jobIds(): Promise<string[]> {
  const { jobs } = (await satchel('jobs', 'list')) as { jobs: JobSummary[] };
  return jobs.map(({ id }) => id);
}

async function until<T>(what: string, probe: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    await wait(100);
    if (Date.now() > deadline) throw new Error(`waited 30 seconds for ${what}; the log says:\n${log.slice(-4000)}`);
  }
}

const asMara = ['--as', 'mara'] as const;

describe('what is asked for', () => {
  it('answers a path that may not be read exactly as one that does not exist', async () => {
    for (const command of ['download', 'tree', 'get']) {
      const [missing, closed] = await Promise.all(
        ['missing', 'closed'].map(async (name) => {
          const { message, ...error } = await refusal([command, `${root}/${name}`, ...asMara], 2);
          expect(message).toContain(`${root}/${name}`);
          return JSON.stringify({ message, ...error }).replaceAll(`${root}/${name}`, 'PATH');
        }),
      );
      expect(closed).toBe(missing);
      expect(missing).toContain('"code":"PATH_NOT_FOUND"');
    }
    // It is there for whom it is meant.
    expect((await run('get', `${root}/closed`)).exitCode).toBe(0);
  }, 60_000);

  it.each<Refused>([
    {
      title: 'a folder without assets',
      args: ['download', `${root}/empty`, ...asMara],
      code: 'NOTHING_SELECTED',
      words: [`There is no asset in "${root}/empty"`],
    },
    {
      title: 'one asset more than the limit',
      args: ['download', `${root}/many`, `${root}/one-more`, ...asMara],
      code: 'LIMIT_EXCEEDED',
      words: ['501 assets', 'at most 500', '/libs'],
    },
    {
      title: 'a rendition that no asset has',
      args: ['download', `${root}/mixed`, '--renditions', 'poster.*', ...asMara],
      code: 'NOTHING_SELECTED',
      words: ['"poster.*"', 'social.square.jpg', 'cq5dam.web.1280.1280.jpeg'],
    },
    {
      title: 'a user who does not exist',
      args: ['download', `${root}/mixed`, '--as', 'nobody'],
      code: 'UNKNOWN_USER',
      words: ['"nobody"'],
    },
    {
      title: 'a user who may read the assets but not launch the workflow',
      args: ['download', `${root}/mixed`, '--as', 'eve'],
      code: 'NOT_ALLOWED',
      words: ['"eve" may not launch dam/download-asset', 'satchel:launchWorkflow'],
    },
    {
      title: 'an address of somebody outside dam-users',
      args: ['download', `${root}/mixed`, '--email', 'mara@example.com', 'eve@example.com', ...asMara],
      code: 'RECIPIENT_NOT_ALLOWED',
      words: ['dam-users', 'eve@example.com'],
    },
    {
      title: 'an address of nobody, as one outside dam-users',
      args: ['download', `${root}/mixed`, '--email', 'who@example.com', ...asMara],
      code: 'RECIPIENT_NOT_ALLOWED',
      words: ['Not a member of dam-users: who@example.com'],
    },
    {
      title: 'a requester outside dam-users, though allowed to read and launch',
      args: ['download', `${root}/mixed`, '--as', 'otto'],
      code: 'NOT_ALLOWED',
      words: ['"otto" may not download', 'members of dam-users'],
    },
    {
      title: 'the same where nobody would be told',
      args: ['download', `${root}/mixed`, '--as', 'otto', '--no-notify'],
      code: 'NOT_ALLOWED',
      words: ['"otto" may not download', 'members of dam-users'],
    },
    {
      title: 'a tenant that does not exist',
      args: ['download', `${root}/mixed`, '--tenant', 'nowhere', ...asMara],
      code: 'UNKNOWN_TENANT',
      words: ['"nowhere"'],
    },
  ])('refuses $title', async (refused) => {
    const before = await jobIds();
    await expectRefused(refused);
    expect(await jobIds()).toEqual(before);
  });

  it('says so to people in one line, and writes nothing to standard output', async () => {
    const result = await run('download', `${root}/empty`, ...asMara);
    expect(result).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `satchel: There is no asset in "${root}/empty". [NOTHING_SELECTED]\n`,
    });
  });

  it('allows exactly the limit of assets', async () => {
    const plan = (await satchel('download', `${root}/many`, '--plan', ...asMara)) as DownloadPlan;
    expect(plan.totals.assets).toBe(500);
  });

  it('allows exactly the limit of bytes, and refuses one byte more', async () => {
    const request = ['download', `${root}/limited`, ...asMara, '--no-notify'];
    const { totals } = (await satchel(...request, '--plan')) as DownloadPlan;
    expect(totals.estimated).toBe(false);

    const limitBytes = async (maxBytes: number) => {
      await writeOverlay('conf/wrong/settings/dam/download', { maxBytes });
      await until(`the limit of ${maxBytes} bytes`, async () => {
        const { stdout } = await run('explain', 'dam/download/maxBytes', '--tenant', 'wrong', '--json');
        return stdout.includes(`"${maxBytes}"`) || undefined;
      });
    };
    await limitBytes(totals.bytes);
    const out = file('exactly');
    const job = (await satchel(...request, '--out', out)) as JobView;
    const [archive = ''] = await readdir(out);
    expect({ state: job.state, bytes: (await readFile(path.join(out, archive))).length }).toEqual({
      state: 'completed',
      bytes: totals.bytes,
    });

    await limitBytes(totals.bytes - 1);
    await expectRefused({
      args: request,
      code: 'LIMIT_EXCEEDED',
      words: [`${totals.bytes} bytes`, `at most ${totals.bytes - 1} bytes`, 'tenant "wrong"', '/conf/wrong'],
    });
  }, 60_000);

  it('delivers what it can when only some assets have a rendition, and lists the rest', async () => {
    const out = file('some');
    const args = ['download', `${root}/mixed`, '--renditions', 'social.*', '--out', out, ...asMara];
    const { exitCode, stdout } = await run(...args, '--json');
    const job = JSON.parse(stdout) as JobView;
    const missing = ['notes.txt', 'without.jpg'].map((name) => `${root}/mixed/${name}`);
    expect({ exitCode, state: job.state }).toEqual({ exitCode: 3, state: 'partial' });
    expect(job.skipped).toMatchObject(
      missing.map((asset) => ({ path: asset, rendition: 'social.*', code: 'NO_SUCH_RENDITION' })),
    );
    const [archive = ''] = await readdir(out);
    const { entries, manifest } = await readArchive(path.join(out, archive));
    expect(entries.map(({ name }) => name)).toEqual(['with.social.square.jpg', 'manifest.json']);
    expect(manifest.skipped.map((item) => item.path)).toEqual(missing);

    const text = await run(...args);
    expect(text.exitCode).toBe(3);
    for (const asset of missing) expect(text.stdout).toMatch(new RegExp(`left out +${asset} social`));
  });

  it('lets a member without an address download, and says that nobody was told', async () => {
    const { exitCode, stdout } = await run('download', `${root}/mixed`, '--as', 'silent', '--json');
    const job = JSON.parse(stdout) as JobView;
    expect({ exitCode, state: job.state, mails: job.mails }).toEqual({ exitCode: 0, state: 'completed', mails: [] });
    expect(job.steps.at(-1)?.result).toEqual({
      sent: 0,
      failed: 0,
      note: 'silent has no e-mail address in the profile, and the request names none',
    });
  });
});

describe('what is typed', () => {
  const mixed = `${root}/mixed`;
  it.each<Refused>([
    { title: 'no path', args: ['download'], code: 'INVALID_REQUEST', words: ["'paths'"] },
    {
      title: 'a relative path',
      args: ['download', 'content/dam'],
      code: 'INVALID_REQUEST',
      words: ['paths.0', 'absolute'],
    },
    {
      title: 'a path that climbs',
      args: ['download', `${root}/../secret`],
      code: 'INVALID_REQUEST',
      words: ['paths', `${root}/../secret`],
    },
    { title: 'an empty segment', args: ['download', `${root}//x`], code: 'INVALID_REQUEST', words: [`${root}//x`] },
    {
      title: 'a size that is none',
      args: ['download', mixed, '--size', '800'],
      code: 'INVALID_REQUEST',
      words: ['--size', '800x600'],
    },
    {
      title: 'a size of nothing',
      args: ['download', mixed, '--size', '0x600'],
      code: 'INVALID_REQUEST',
      words: ['dynamic.0.width', '1'],
    },
    {
      title: 'a size beyond all measure',
      args: ['download', mixed, '--size', '8x99999'],
      code: 'INVALID_REQUEST',
      words: ['dynamic.0.height', '20000'],
    },
    {
      title: 'a format nobody writes',
      args: ['download', mixed, '--size', '8x8', '--format', 'bmp'],
      code: 'INVALID_REQUEST',
      words: ['--format', 'jpeg, png, webp'],
    },
    {
      title: 'a format without a size',
      args: ['download', mixed, '--format', 'webp'],
      code: 'INVALID_REQUEST',
      words: ['--format', '--size'],
    },
    {
      title: 'a quality out of range',
      args: ['download', mixed, '--size', '8x8', '--quality', '101'],
      code: 'INVALID_REQUEST',
      words: ['--quality', 'from 1 to 100'],
    },
    {
      title: 'an unknown layout',
      args: ['download', mixed, '--layout', 'zigzag'],
      code: 'INVALID_REQUEST',
      words: ['--layout', 'flat, asset, hierarchy'],
    },
    {
      title: 'an unknown method',
      args: ['download', mixed, '--method', 'rar'],
      code: 'INVALID_REQUEST',
      words: ['--method', 'store or deflate'],
    },
    {
      title: 'an address that is none',
      args: ['download', mixed, '--email', 'mara at example'],
      code: 'INVALID_REQUEST',
      words: ['email.0', 'is not an e-mail address'],
    },
    {
      title: 'a plan of a download that is not waited for',
      args: ['download', mixed, '--plan', '--no-wait'],
      code: 'INVALID_REQUEST',
      words: ['--plan', '--no-wait'],
    },
    { title: 'an empty output folder', args: ['download', mixed, '--out', ''], code: 'OUT_FOLDER', words: ['--out'] },
    {
      title: 'a misspelt option',
      args: ['download', mixed, '--orignals'],
      code: 'INVALID_REQUEST',
      words: ["'--orignals'", '--originals'],
    },
    {
      title: 'a misspelt command',
      args: ['downlod', mixed],
      code: 'INVALID_REQUEST',
      words: ["'downlod'", 'download'],
    },
    {
      title: 'a depth that is none',
      args: ['tree', '/', '--depth', 'all'],
      code: 'INVALID_REQUEST',
      words: ['--depth'],
    },
    {
      title: 'a tenant and content at once',
      args: ['explain', 'dam/download', '--tenant', 'wrong', '--for', root],
      code: 'INVALID_REQUEST',
      words: ['--tenant', '--for'],
    },
    { title: 'a job that there is not', args: ['jobs', 'follow', 'x1'], code: 'UNKNOWN_JOB', words: ['"x1"'] },
    { title: 'a mail that there is not', args: ['mail', 'show', 'x1'], code: 'PATH_NOT_FOUND', words: ['"x1"'] },
    {
      title: 'a template that there is not',
      args: ['template', 'preview', 'postcard', '--out', 'postcard.html'],
      code: 'UNKNOWN_TEMPLATE',
      words: ['"postcard"', 'downloadasset'],
    },
    { title: 'a user twice', args: ['user', 'add', 'mara'], code: 'ITEM_EXISTS', words: ['mara'] },
    {
      title: 'a file to upload that there is not',
      args: ['upload', '/no/such/picture.jpg', '--to', `${root}/new`],
      code: 'INVALID_REQUEST',
      words: ['/no/such/picture.jpg'],
    },
  ])('refuses $title', async (refused) => expectRefused(refused));
});

describe('a package', () => {
  const target = '/content/dam/wrong-package';
  const nodes = {
    filter: `<filter root="${target}"/>`,
    files: {
      'content/dam/wrong-package/.content.xml': docView('jcr:primaryType="sling:Folder"'),
      'content/dam/wrong-package/note.txt': 'a note that is longer than nothing',
    },
  };
  const whole = async () => {
    const written = await writeZip(file('whole.zip'), packageEntries(nodes));
    return readFile(written);
  };

  it.each<{ title: string; bytes: () => Promise<Uint8Array>; words: readonly string[] }>([
    { title: 'is no ZIP', bytes: async () => Buffer.from('<html>not found</html>'), words: ['not a ZIP'] },
    { title: 'is empty', bytes: async () => Buffer.of(), words: ['not a ZIP'] },
    { title: 'was cut short', bytes: async () => (await whole()).subarray(0, -200), words: ['not a ZIP'] },
    {
      title: 'has a byte changed on the way',
      bytes: async () => {
        const bytes = Buffer.from(await whole());
        const at = bytes.indexOf('note.txt') + 'note.txt'.length + 3;
        bytes.writeUInt8((bytes.readUInt8(at) ^ 0xff) & 0xff, at);
        return bytes;
      },
      words: ['note.txt'],
    },
    {
      title: 'is a ZIP of something else',
      bytes: async () => readFile(await writeZip(file('other.zip'), [{ name: 'readme.txt', content: 'hello' }])),
      words: ['META-INF/vault/filter.xml', 'not a content package'],
    },
    {
      title: 'has content that does not parse',
      bytes: async () => {
        const files = { ...nodes.files, 'content/dam/wrong-package/.content.xml': '<jcr:root\n  jcr:title="a" <' };
        return readFile(await writeZip(file('unparsed.zip'), packageEntries({ ...nodes, files })));
      },
      words: ['.content.xml'],
    },
  ])('that $title is refused as a whole', async ({ bytes, words }) => {
    const broken = file('broken.zip');
    await writeFile(broken, await bytes());
    await expectRefused({ args: ['install', broken], code: 'INVALID_PACKAGE', words });
    expect((await refusal(['get', target], 2)).code).toBe('PATH_NOT_FOUND');
  });

  it('names its file when that is not there, or does not open as a ZIP', async () => {
    for (const name of ['nowhere.zip', 'broken.zip']) {
      await writeFile(file('broken.zip'), 'PK');
      const words = [file(name)];
      await expectRefused({ args: ['install', file(name)], code: 'INVALID_PACKAGE', words });
    }
  });
});

describe('the output folder', () => {
  const request = ['download', `${root}/mixed`, '--no-notify', ...asMara];
  /** What the process that writes sees there. */
  const seen = async (folder: string) => readdir(`/proc/${String(main.pid)}/root${folder}`);

  it('that is a file, or lies below one, is refused', async () => {
    await writeFile(file('a-file'), 'in the way');
    for (const folder of [file('a-file'), file('a-file', 'below')]) {
      const { exitCode, stdout, stderr } = await run(...request, '--out', folder);
      expect({ exitCode, stdout }).toMatchObject({ exitCode: 2 });
      expect(stdout + stderr).toContain(folder);
      expect(stdout + stderr).toContain('[OUT_FOLDER]');
    }
    expect(await readFile(file('a-file'), 'utf8')).toBe('in the way');
  });

  it.runIf(smallDisks).each([
    { title: 'full', name: 'full', errno: 'ENOSPC', words: 'is full' },
    { title: 'read-only', name: 'read-only', errno: 'EROFS', words: 'is read-only' },
  ])('that is $title fails the download, and nothing half is left in it', async ({ name, errno, words }) => {
    const { totals } = (await satchel(...request, '--plan')) as DownloadPlan;
    expect(totals.bytes).toBeGreaterThan(fullDiskBytes);
    const out = file(name);
    const { exitCode, stdout } = await run(...request, '--out', out, '--json');
    const job = JSON.parse(stdout) as JobView;
    expect({ exitCode, state: job.state, error: job.error }).toMatchObject({
      exitCode: 1,
      state: 'failed',
      error: { code: 'OUT_FOLDER_FULL', step: 'deliver' },
    });
    expect(job.error?.message).toContain(out);
    expect(job.error?.message).toContain(errno);
    expect(job.error?.message).toContain(words);
    expect(await seen(out)).toEqual([]);
  });
});

describe('content that is edited while Satchel runs', () => {
  const template = `conf/wrong/${templates}/downloadasset/en.mjml`;
  const mail = (title: string, body: string) =>
    `<mjml>\n<mj-head><mj-title>${title}</mj-title></mj-head>\n<mj-body>\n<mj-section><mj-column>\n<mj-text>${body}</mj-text>\n</mj-column></mj-section>\n</mj-body>\n</mjml>\n`;

  async function previewSubject(): Promise<string> {
    const args = ['template', 'preview', 'downloadasset', '--tenant', 'wrong', '--out', file('preview.html')];
    return ((await satchel(...args)) as { subject: string }).subject;
  }
  const untilSubject = async (subject: string) =>
    until(`the subject ${subject}`, async () => ((await previewSubject()) === subject ? true : undefined));
  const untilLogged = async (from: number, ...words: readonly string[]) =>
    until(`a log entry with ${words.join(' and ')}`, async () =>
      log
        .slice(from)
        .split('\n')
        .find((line) => words.every((word) => line.includes(word))),
    );

  it('keeps the last good template when one has a typo, and names file and line', async () => {
    const target = file('overlays', template);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, mail('Good', '{{title}}'));
    await untilSubject('Good');

    for (const [typo, line, word] of [
      // Only the end of the file shows that it is never closed.
      [mail('Block', '{{#if title}}{{title}}'), 9, 'Handlebars'],
      [mail('Name', '{{titel}}'), 5, 'titel'],
      [mail('Tag', 'x').replace('</mj-column>', '</mj-colum>'), 6, 'mj-colum'],
    ] as const) {
      const from = log.length;
      await writeFile(target, typo);
      expect(await untilLogged(from, `${target}:${line}`, word)).toContain('the last good version stays in force');
      expect(await previewSubject()).toBe('Good');
    }

    await writeFile(target, mail('Better', '{{title}}'));
    await untilSubject('Better');
    await rm(target);
    await until('the template of /libs', async () => ((await previewSubject()).includes('ready') ? true : undefined));
  }, 60_000);

  it('keeps the last good workflow when a model names a step that is not loaded', async () => {
    const from = log.length;
    await writeOverlay('conf/wrong/settings/workflow/models/dam/download-asset', {
      stamp: { step: 'acme/stamp' },
    });
    const target = file('overlays/conf/wrong/settings/workflow/models/dam/download-asset/.content.json');
    expect(await untilLogged(from, `${target}:1`, 'acme/stamp')).toContain('the last good version stays in force');
    await writeOverlay('conf/wrong/settings/dam/download', { maxAssets: 10 });
    await until('the other limit', async () => {
      const { stdout } = await run('explain', 'dam/download/maxAssets', '--tenant', 'wrong', '--json');
      return stdout.includes('"10"') || undefined;
    });
    const { exitCode } = await run('download', `${root}/limited`, '--no-notify', ...asMara);
    expect(exitCode).toBe(0);
  }, 60_000);
});

describe('a plugin', () => {
  const step = `import { defineStep, z } from 'satchel/sdk';
export const step = defineStep({
  id: 'acme/first', title: 'First', description: 'Does nothing.',
  config: z.strictObject({}), result: z.strictObject({}), examples: [{ title: 'As it is', config: {} }],
  run: async () => ({}),
});
`;
  const manifest = (steps: readonly string[]) =>
    JSON.stringify({ name: 'acme', type: 'module', satchel: { apiVersion: 1, steps } });

  interface BrokenPlugin {
    readonly title: string;
    /** Files by plugin folder and name. */
    readonly files: Readonly<Record<string, string>>;
    readonly code: string;
    readonly words: readonly string[];
  }

  it.each<BrokenPlugin>([
    {
      title: 'whose step has a syntax error',
      files: { 'one/package.json': manifest(['step.ts']), 'one/step.ts': step.replace('result:', 'result') },
      code: 'PLUGIN_NOT_LOADED',
      words: ['one/step.ts:4'],
    },
    {
      title: 'whose step fails while it is loaded',
      files: { 'one/package.json': manifest(['step.ts']), 'one/step.ts': `${step}throw new Error('no licence');\n` },
      code: 'PLUGIN_NOT_LOADED',
      words: ['one/step.ts', 'no licence'],
    },
    {
      title: 'whose step file is missing',
      files: { 'one/package.json': manifest(['lost.ts']) },
      code: 'PLUGIN_NOT_LOADED',
      words: ['one/lost.ts', 'there is no such file'],
    },
    {
      title: 'whose step breaks the rules of ids',
      files: { 'one/package.json': manifest(['step.ts']), 'one/step.ts': step.replace('acme/first', 'First Step') },
      code: 'PLUGIN_NOT_LOADED',
      words: ['one/step.ts', 'First Step'],
    },
    {
      title: 'that exports no step',
      files: { 'one/package.json': manifest(['step.ts']), 'one/step.ts': 'export const answer = 42;\n' },
      code: 'PLUGIN_NOT_LOADED',
      words: ['one/step.ts', 'exports no step'],
    },
    { title: 'that is not there', files: {}, code: 'PLUGIN_NOT_LOADED', words: ['one/package.json'] },
    {
      title: 'for another version of the interface',
      files: { 'one/package.json': manifest([]).replace('"apiVersion":1', '"apiVersion":2') },
      code: 'PLUGIN_NOT_LOADED',
      words: ['one/package.json', 'apiVersion', 'must be 1'],
    },
    {
      title: 'that defines the step of another one',
      files: {
        'one/package.json': manifest(['step.ts']),
        'one/step.ts': step,
        'two/package.json': manifest(['step.ts']),
        'two/step.ts': step,
      },
      code: 'DUPLICATE_STEP',
      words: ['acme/first', 'one/step.ts', 'two/step.ts'],
    },
    {
      title: 'that defines a built-in step',
      files: { 'one/package.json': manifest(['step.ts']), 'one/step.ts': step.replace('acme/first', 'dam/render') },
      code: 'DUPLICATE_STEP',
      words: ['dam/render', 'one/step.ts'],
    },
  ])('$title keeps Satchel from starting', async ({ files, code, words }) => {
    const broken = await createSatchelWorld();
    try {
      await mkdir(broken.dataFolder);
      for (const [name, content] of Object.entries(files)) {
        const target = path.join(broken.folder, 'plugins', name);
        await mkdir(path.dirname(target), { recursive: true });
        await writeFile(target, content);
      }
      const plugins = [...new Set(['one', ...Object.keys(files).map((name) => path.dirname(name))])];
      const configuration = { plugins: plugins.map((name) => `../plugins/${name}`) };
      await writeFile(path.join(broken.dataFolder, 'satchel.json'), JSON.stringify(configuration));

      const { exitCode, stdout, stderr } = await broken.satchel.run(['start', '--json'], { accept: [2] });
      const { error } = errorSchema.parse(JSON.parse(stdout));
      expect({ exitCode, code: error.code }).toEqual({ exitCode: 2, code });
      for (const word of words) expect(error.message).toContain(word);
      expect(stderr).toContain(`satchel: ${error.message}`);
    } finally {
      await broken.close();
    }
  });
});
