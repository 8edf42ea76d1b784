/**
 * The main job: a download of 500 originals of 2 MiB, from the request to the finished archive in a folder, through the whole
 * engine with its Temporal server, against `cat` and `zip -0` of the very same files. Every result is synced to the disk.
 */
import { fork } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DownloadMeasurement, DownloadTask } from './download-process.js';
import { formatTable, mebibytes, median, timeProgram } from './measure.js';

const fileCount = 500;
const fileBytes = 2 * 2 ** 20;
const rounds = 5;

const contender = {
  cat: 'cat FILES > out',
  zip: 'zip -q -0 -r',
  archive: 'satchel: archive',
  job: 'satchel: job ended',
};

export async function measureDownload(folder: string, signal: AbortSignal): Promise<void> {
  const sources = path.join(folder, 'files');
  const dataFolder = path.join(folder, 'data');
  console.log(`download: ${fileCount} files of ${mebibytes(fileBytes)}, ${rounds} rounds, medians`);
  const files = await makeFiles(sources, signal);
  await inSatchel({ kind: 'ingest', dataFolder, files }, signal);

  const milliseconds = { cat: [] as number[], zip: [] as number[], archive: [] as number[], job: [] as number[] };
  const downloads: DownloadMeasurement[] = [];
  let zipProblem: string | undefined;
  for (let round = 1; round <= rounds; round++) {
    signal.throwIfAborted();
    milliseconds.cat.push(await timeCat(folder, files));
    if (zipProblem === undefined) {
      await timeZip(folder).then(
        (time) => milliseconds.zip.push(time),
        (error: unknown) => (zipProblem = error instanceof Error ? error.message : String(error)),
      );
    }
    const out = path.join(folder, 'out');
    const download = await inSatchel({ kind: 'download', dataFolder, out }, signal);
    await rm(out, { recursive: true });
    if (!download) continue;
    downloads.push(download);
    milliseconds.archive.push(download.archiveMs);
    milliseconds.job.push(download.jobMs);
  }

  const unit = median(milliseconds.cat);
  const rows = Object.entries(milliseconds).map(([name, times]) => {
    const what = contender[name as keyof typeof contender];
    if (times.length === 0) return [what, '–', '–', '–'];
    const [least, most] = [Math.min(...times), Math.max(...times)];
    return [what, (median(times) / unit).toFixed(2), seconds(median(times)), `${seconds(least)}–${seconds(most)}`];
  });
  console.log(formatTable([['', 'cat = 1', 'median', 'range'], ...rows]));
  if (zipProblem !== undefined) console.log(`zip was left out: ${zipProblem}`);

  const steps = downloads[0]?.steps.map(({ name }, index) => {
    const times = downloads.map((download) => download.steps[index]?.ms ?? NaN);
    return `${name} ${median(times).toFixed(0)} ms`;
  });
  console.log(`steps: ${steps?.join(', ') ?? ''}`);
  const idle = median(downloads.map(({ idleBytes }) => idleBytes));
  const peak = median(downloads.map(({ peakBytes }) => peakBytes));
  console.log(`memory of the Satchel process: ${mebibytes(idle)} before the request, ${mebibytes(peak)} at most`);
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

/** Files that do not compress, the same on every machine: the key stream of AES. @returns their paths */
async function makeFiles(folder: string, signal: AbortSignal): Promise<string[]> {
  await mkdir(folder);
  const zeros = Buffer.alloc(fileBytes);
  const files: string[] = [];
  for (let index = 0; index < fileCount; index++) {
    signal.throwIfAborted();
    const counter = Buffer.alloc(16);
    counter.writeUInt32BE(index);
    const name = path.join(folder, `file-${String(index).padStart(3, '0')}.bin`);
    const file = await open(name, 'w');
    await file.write(createCipheriv('aes-128-ctr', Buffer.alloc(16), counter).update(zeros));
    // Else the disk would still be busy with them while the first contender is timed.
    await file.sync();
    await file.close();
    files.push(name);
  }
  return files;
}

async function timeCat(folder: string, files: readonly string[]): Promise<number> {
  const target = path.join(folder, 'cat.out');
  const out = await open(target, 'w');
  try {
    const started = performance.now();
    await timeProgram('cat', files, { stdio: ['ignore', out.fd, 'inherit'] });
    await out.sync();
    return performance.now() - started;
  } finally {
    await out.close();
    await rm(target);
  }
}

async function timeZip(folder: string): Promise<number> {
  const target = path.join(folder, 'zip.zip');
  try {
    const time = await timeProgram('zip', ['-q', '-0', '-r', target, 'files'], { cwd: folder, stdio: 'inherit' });
    const started = performance.now();
    const out = await open(target, 'r');
    await out.sync();
    await out.close();
    return time + performance.now() - started;
  } finally {
    await rm(target, { force: true });
  }
}

/** Works in a process of its own, so that its memory is that of Satchel alone. */
async function inSatchel(task: DownloadTask, signal: AbortSignal): Promise<DownloadMeasurement | undefined> {
  const child = fork(fileURLToPath(new URL('download-process.js', import.meta.url)));
  // Ends as `satchel` does at Ctrl-C: with its Temporal server.
  const stop = () => child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  let measured: DownloadMeasurement | undefined;
  child.once('message', (message) => (measured = message as DownloadMeasurement));
  child.send(task);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    signal.throwIfAborted();
    if (code !== 0) throw new Error(`the Satchel process ended with ${code ?? 'a signal'}`);
    return measured;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
