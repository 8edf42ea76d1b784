/** A Satchel process of the benchmark `download`: takes one task from its parent, answers, and ends. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { once } from 'node:events';
import path from 'node:path';
import { pino } from 'pino';
import { openSatchel, type Satchel } from '../compose.js';
import { createAsset } from '../dam/asset.js';
import type { JobView } from '../engine/api.js';
import { adminUser } from '../repository/api.js';

export type DownloadTask =
  | { readonly kind: 'ingest'; readonly dataFolder: string; readonly files: readonly string[] }
  | { readonly kind: 'download'; readonly dataFolder: string; readonly out: string };

export interface DownloadMeasurement {
  /** From the request to the archive under its final name, synced. */
  readonly archiveMs: number;
  /** From the request to the end of the job as a follower sees it. */
  readonly jobMs: number;
  readonly steps: readonly { readonly name: string; readonly ms: number }[];
  /** Resident bytes, before the request and at most. */
  readonly idleBytes: number;
  readonly peakBytes: number;
}

const assetFolder = '/content/dam/bench';

async function ingest({ repository }: Satchel, files: readonly string[]): Promise<void> {
  await repository.withSession(adminUser, async (session) => {
    await session.ensureNode(assetFolder, { primaryType: 'sling:OrderedFolder' });
    for (const file of files) {
      const binary = await session.createBinary(createReadStream(file));
      await createAsset(session, assetFolder, path.basename(file), { binary });
    }
    await session.save();
  });
}

async function download({ engine }: Satchel, out: string, signal: AbortSignal): Promise<DownloadMeasurement> {
  globalThis.gc?.();
  const idleBytes = process.memoryUsage.rss();
  const started = Date.now();
  const request = { paths: [assetFolder], originals: true, notify: false, outFolder: out };
  const { id } = await engine.requestDownload(adminUser, request);
  let job: JobView | undefined;
  for await (const view of engine.follow(adminUser, id, signal)) job = view;
  const jobMs = Date.now() - started;
  const [archive] = job?.archives?.parts ?? [];
  if (job?.state !== 'completed' || !archive) {
    throw new Error(`the download is ${job?.state ?? 'gone'}: ${job?.error?.message ?? ''}`);
  }
  const delivered = await stat(path.join(out, archive.file));
  if (delivered.size !== archive.size) throw new Error(`the archive has ${delivered.size} of ${archive.size} bytes`);
  return {
    // Giving it the name is the last thing that changes the file's status.
    archiveMs: delivered.ctimeMs - started,
    jobMs,
    steps: job.steps.map(({ name, started: begun, ended }) => ({
      name,
      ms: Date.parse(ended ?? '') - Date.parse(begun ?? ''),
    })),
    idleBytes,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}

const abort = new AbortController();
// Ctrl-C reaches the whole group of processes; the parent says what it means.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => abort.abort());
const [task] = (await once(process, 'message')) as [DownloadTask];
const { dataFolder } = task;
const satchel = await openSatchel({
  dataFolder,
  mode: 'command',
  work: task.kind === 'download',
  log: pino({ level: 'warn' }, pino.destination(2)),
});
try {
  if (task.kind === 'ingest') await ingest(satchel, task.files);
  else process.send?.(await download(satchel, task.out, abort.signal));
} finally {
  await satchel.close();
}
process.exit(0);
