/**
 * The Temporal CLI from Temporal's own download service, asked as the SDK's test environment asks it
 * (`EphemeralServerExecutable` of type `cached-download`): one question says where the archive lies, the second fetches
 * it. Asking here and not through the SDK lets us give up after seconds where the service cannot be reached.
 */
import { createWriteStream } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { runProgram } from './run-program.js';

const answerSchema = z.object({ archiveUrl: z.url(), fileToExtract: z.string().regex(/^[\w.-]+$/) });

const platforms: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'darwin', win32: 'windows' };
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Time the service gets to say where the archive is, and to begin sending it. */
const answerMs = 8_000;

/**
 * Puts the program at `target`; `folder` is for files on the way.
 * @throws Error saying what did not work
 */
export async function installFromOfficialDownload(
  target: string,
  folder: string,
  service = 'https://temporal.download',
): Promise<void> {
  const platform = platforms[process.platform];
  const arch = architectures[process.arch];
  if (platform === undefined || arch === undefined) {
    throw new Error(`no official build for ${process.platform} ${process.arch}`);
  }
  const question = new URL('/cli/default', service);
  question.search = new URLSearchParams({ platform, arch, 'sdk-name': 'sdk-typescript' }).toString();
  const answer = await fetch(question, { signal: AbortSignal.timeout(answerMs) });
  if (!answer.ok) throw new Error(`${question.origin} answered ${answer.status}`);
  const { archiveUrl, fileToExtract } = answerSchema.parse(await answer.json());

  const archive = join(folder, archiveUrl.endsWith('.zip') ? 'temporal.zip' : 'temporal.tar.gz');
  const begin = new AbortController();
  const timer = setTimeout(
    () => begin.abort(new Error(`${archiveUrl} did not answer in ${answerMs / 1000} s`)),
    answerMs,
  );
  const download = await fetch(archiveUrl, { signal: begin.signal }).finally(() => clearTimeout(timer));
  if (!download.ok || !download.body) throw new Error(`${archiveUrl} answered ${download.status}`);
  await pipeline(Readable.fromWeb(download.body), createWriteStream(archive), {
    signal: AbortSignal.timeout(300_000),
  });
  // tar reads both kinds of archive on Windows and macOS, and the service offers Linux the .tar.gz.
  const unpacked = await runProgram('tar', ['-xf', archive, '-C', folder, fileToExtract], { timeoutMs: 60_000 });
  if (unpacked.problem !== undefined) throw new Error(unpacked.problem);
  await copyFile(join(folder, fileToExtract), target);
}
