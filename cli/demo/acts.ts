/** The five acts: each runs ordinary commands, shows them, and collects what they left. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { JobView } from '../../engine/api.js';
import type { Explanation } from '../../repository/overlay/explain.js';
import type { DemoFolders } from './prepare.js';
import { demoPassword, writeOverlay } from './prepare.js';
import { drawPictures } from './pictures.js';
import { sha256OfFile, type DemoArchive, type DemoMail, type DemoRun } from './report.js';
import type { RunningSatchel, SatchelCommands } from './satchel-process.js';
import { watchDownloads } from './watch-downloads.js';

export const acts = [
  {
    title: 'One mail for everybody, and how a deployment changes it',
    text: 'A folder of no tenant gets the mail of /libs; after an override in /apps, the same request gets another.',
  },
  {
    title: 'Two brands',
    text: 'Two folders refer to two tenants: theme, subject, language and even the steps of the workflow differ, from the same code.',
  },
  {
    title: 'One line for one brand',
    text: 'A subject of one line, written for one brand while everything runs, changes that brand’s next mail and nothing else.',
  },
  {
    title: 'Killed in the middle',
    text: 'The process is killed while it renders. Started again it goes on where it was: one archive, one mail.',
  },
  {
    title: 'A transient workflow',
    text: 'New pictures get their renditions in a workflow that keeps no record, and that tells by mail when it has ended.',
  },
] as const;

const templates = 'settings/dam/workflow/notification/email';
const patienceMilliseconds = 60_000;

export interface Stage {
  readonly satchel: SatchelCommands;
  readonly folders: DemoFolders;
  readonly out: string;
  /** The process that owns the data folder; the fourth act replaces it. */
  running: RunningSatchel;
  readonly runs: DemoRun[];
  readonly print: (line: string) => void;
}

export async function playActs(stage: Stage): Promise<void> {
  for (const [index, play] of [playDeployment, playBrands, playOneLine, playKill, playTransient].entries()) {
    const { title, text } = acts[index] ?? { title: '', text: '' };
    stage.print(`\n━━ ${index + 1}. ${title}\n   ${text}\n`);
    await play(stage, index + 1);
  }
}

const webRenditions = ['--originals', '--renditions', 'cq5dam.web.*'] as const;

async function playDeployment(stage: Stage, act: number): Promise<void> {
  const { folders, out } = stage;
  const request = [folders.plain, '--as', 'mara', ...webRenditions];
  await download(stage, act, 'The mail as /libs has it.', '1-libs', request);
  const file = await writeOverlay(out, `apps/${templates}/theme`, {
    color: '#9d174d',
    logoText: 'Northwind Assets',
    companyName: 'Northwind Traders',
  });
  stage.print(`   wrote ${file}`);
  await untilTaken(stage, `${templates}/theme`, 'global', '/apps');
  await download(
    stage,
    act,
    'The same request after the override in /apps: another colour, another name.',
    '1-apps',
    request,
  );
}

async function playBrands(stage: Stage, act: number): Promise<void> {
  const { aurora, nordlicht } = stage.folders;
  const shows = {
    aurora: 'English and warm; a plugin’s step writes the brand’s name across the renditions before they are packed.',
    nordlicht: 'German and cool; the steps are those of /libs.',
  };
  const layout = ['--layout', 'asset'];
  await download(stage, act, shows.aurora, '2-aurora', [aurora, '--as', 'mara', ...webRenditions, ...layout]);
  await download(stage, act, shows.nordlicht, '2-nordlicht', [nordlicht, '--as', 'jonas', ...webRenditions, ...layout]);
}

async function playOneLine(stage: Stage, act: number): Promise<void> {
  const { out, folders, satchel, print, runs } = stage;
  const subject = `${templates}/downloadasset/subject`;
  const file = await writeOverlay(out, `conf/nordlicht/${subject}`, {
    de: 'Frisch gepackt: {{files}} Dateien von Nordlicht',
  });
  print(`   wrote ${file}`);
  await untilTaken(stage, subject, 'nordlicht', '/conf/nordlicht');
  const before = runs.at(-1)?.mails[0]?.subject ?? '';
  const request = [folders.nordlicht, '--as', 'jonas', ...webRenditions, '--layout', 'asset'];
  const { mails } = await download(stage, act, 'The subject changed for this brand alone.', '3-nordlicht', request);
  print(`   before  ${before}\n   after   ${mails[0]?.subject ?? ''}\n`);
  const explain = ['explain', subject, '--tenant', 'nordlicht'];
  printCommand(stage, explain);
  await satchel.show(explain);
}

async function playKill(stage: Stage, act: number): Promise<void> {
  const { folders, satchel, print } = stage;
  // Two sizes: enough work to be met in its middle also on a fast machine.
  const sizes = ['--size', '1600x1200', '800x600', '--format', 'webp', '--layout', 'hierarchy'];
  const request = [folders.plain, folders.aurora, folders.nordlicht, '--as', 'mara', ...sizes];
  const { id, folder } = await requestDownload(stage, '4-killed', request);
  const rendered = await untilRendering(stage, id);
  await stage.running.kill();
  const when = rendered === 'all' ? 'all renditions were made' : `${rendered} renditions were made`;
  print(`   killed after ${when}; starting again …`);
  stage.running = await satchel.start();
  await satchel.show(['jobs', 'follow', id], [0, 3]);
  const shows = `Killed after ${when}, and finished all the same.`;
  const { mails, archives } = await collect(stage, act, shows, id, folder);
  print(`   ${archives.length} archive, ${mails.length} mail`);
}

async function playTransient(stage: Stage, act: number): Promise<void> {
  const { satchel, out, print, runs } = stage;
  const uploads = path.join(out, 'upload');
  await mkdir(uploads, { recursive: true });
  const pictures = await drawPictures('upload');
  for (const { file, bytes } of pictures) await writeFile(path.join(uploads, file), bytes);
  const folder = '/content/dam/demo/upload';
  const files = pictures.map(({ file }) => path.join(uploads, file));
  stage.print(`$ satchel upload ${path.relative(process.cwd(), uploads)}/* --to ${folder} --as petra`);
  const known = new Set((await mailRows(stage)).map(({ id }) => id));
  const upload = await satchel.json(['upload', ...files, '--to', folder, '--as', 'petra'], [0, 3]);
  const { job } = upload as { job: JobView };
  const row = await until('the mail of the transient workflow', async () =>
    (await mailRows(stage)).find(({ id }) => !known.has(id)),
  );
  const mail = await readMail(stage, row);
  runs.push({ act, shows: 'It tells how it ended, and leaves no record.', job, archives: [], mails: [mail] });
  print(`   mail  ${mail.subject} (to ${mail.to})`);
  const records = (await satchel.json(['tree', '/var/workflow/instances'])) as { nodes: readonly { path: string }[] };
  const kept = records.nodes.filter((node) => path.posix.basename(node.path) === job.id).length;
  print(`   instance records of this workflow below /var/workflow/instances: ${kept}`);
}

function printCommand({ print }: Stage, args: readonly string[]): void {
  print(`$ satchel ${args.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg}'`)).join(' ')}`);
}

async function download(
  stage: Stage,
  act: number,
  shows: string,
  folderName: string,
  args: readonly string[],
): Promise<DemoRun> {
  const { id, folder } = await requestDownload(stage, folderName, args);
  // Something left out, such as an asset without an original, is for the report to say.
  await stage.satchel.show(['jobs', 'follow', id], [0, 3]);
  return collect(stage, act, shows, id, folder);
}

async function requestDownload(
  stage: Stage,
  folderName: string,
  args: readonly string[],
): Promise<{ readonly id: string; readonly folder: string }> {
  const folder = path.join(stage.out, 'archives', folderName);
  await mkdir(folder, { recursive: true });
  printCommand(stage, ['download', ...args, '--out', path.relative(process.cwd(), folder)]);
  const { id } = (await stage.satchel.json(['download', ...args, '--out', folder, '--no-wait'])) as { id: string };
  return { id, folder };
}

async function collect(stage: Stage, act: number, shows: string, id: string, folder: string): Promise<DemoRun> {
  const { out, satchel } = stage;
  const job = (await satchel.json(['jobs', 'show', id])) as JobView;
  const archives: DemoArchive[] = [];
  for (const { file, entries } of job.archives?.parts ?? []) {
    const written = path.join(folder, file);
    archives.push({
      file: path.relative(out, written),
      bytes: (await stat(written)).size,
      sha256: await sha256OfFile(written),
      entries: entries.length,
      skipped: job.skipped.map(({ path: item, reason }) => ({ path: item, reason })),
    });
  }
  const rows = await mailRows(stage);
  const sent = new Map(job.mails.map((mail) => [mail.messageId, mail]));
  const mails: DemoMail[] = [];
  for (const row of rows) {
    const mail = sent.get(row.messageId);
    if (mail) mails.push({ ...(await readMail(stage, row)), locale: mail.locale, layers: mail.layers });
  }
  const run: DemoRun = { act, shows, job, archives, mails };
  stage.runs.push(run);
  for (const { subject, to, locale } of mails) stage.print(`   mail  ${subject} (to ${to}, ${locale})`);
  return run;
}

interface MailRow {
  readonly id: string;
  readonly file: string;
  readonly messageId: string;
  readonly to: readonly string[];
  readonly subject: string;
}

async function mailRows({ satchel }: Stage): Promise<readonly MailRow[]> {
  const { mails } = (await satchel.json(['mail', 'list', '--mailbox'])) as { mails: readonly MailRow[] };
  return mails;
}

async function readMail({ satchel, out }: Stage, { id, file, to, subject }: MailRow): Promise<DemoMail> {
  const { html } = (await satchel.json(['mail', 'show', id])) as { html: string };
  return { to: to.join(', '), subject, locale: 'en', file: path.relative(out, file), html, layers: {} };
}

/** Waits until the running process took a changed content file over. */
async function untilTaken({ satchel }: Stage, resource: string, tenant: string, layer: string): Promise<void> {
  await until(`${resource} of ${layer}`, async () => {
    const { exitCode, stdout } = await satchel.run(['explain', resource, '--tenant', tenant, '--json'], {
      accept: [0, 2],
    });
    if (exitCode !== 0) return undefined;
    const { layers } = JSON.parse(stdout) as Explanation;
    return layers.some(({ label, used }) => label === layer && used) || undefined;
  });
}

/** Waits until some renditions were made, with more to come. @returns how many; `all` when that moment was missed */
async function untilRendering({ running }: Stage, id: string): Promise<number | 'all'> {
  const look = await watchDownloads(running.url, 'mara', demoPassword);
  return until('the first renditions', async () => {
    const { steps, error } = await look(id);
    const step = steps.find((candidate) => candidate.id === 'dam/render');
    if (step?.state === 'completed' || error) return 'all';
    return step?.progress?.files?.done || undefined;
  });
}

async function until<T>(what: string, probe: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + patienceMilliseconds;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`waited ${patienceMilliseconds / 1000} seconds for ${what}`);
    await wait(100);
  }
}
