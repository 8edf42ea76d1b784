/**
 * Finds versitygw, an S3 server: in the user's cache, on the PATH, else built into the cache with Go. There is no S3 to test
 * against without it, so that nothing is skipped when it cannot be had.
 */
import { access, constants, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runProgram } from '../../engine/temporal/run-program.js';
import { userCacheFolder } from '../../engine/temporal/user-cache.js';

const version = 'v1.8.0';
const goModule = `github.com/versity/versitygw/cmd/versitygw@${version}`;
const programName = 'versitygw';

/** @throws Error saying what was tried and what to do */
export async function findS3Program(): Promise<string> {
  const folder = join(userCacheFolder(), `${programName}-${version}`);
  const cached = join(folder, programName);
  const places = (process.env['PATH'] ?? '').split(delimiter).filter((place) => place !== '');
  for (const file of [cached, ...places.map((place) => join(place, programName))]) {
    if (await isExecutable(file)) return file;
  }
  await mkdir(folder, { recursive: true });
  await withLock(join(folder, 'building'), async () => {
    // Another test file may have built it while this one waited.
    if (!(await isExecutable(cached))) await buildInto(folder, cached);
  });
  return cached;
}

/** The file appears whole or not at all. */
async function buildInto(folder: string, target: string): Promise<void> {
  const workFolder = await mkdtemp(join(folder, 'incoming-'));
  try {
    const environment = { ...process.env, GOBIN: workFolder };
    const { problem } = await runProgram('go', ['install', goModule], { timeoutMs: 600_000, env: environment });
    if (problem !== undefined) {
      throw new Error(
        `The tests of the S3 store need versitygw, which is neither in ${folder} nor on the PATH, and could not be built: ` +
          `${problem}. Install Go 1.21 or later, or put versitygw ${version} on the PATH.`,
      );
    }
    await rename(join(workFolder, programName), target);
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
}

/** One process at a time; the lock of one that was killed counts for nothing. */
async function withLock(file: string, work: () => Promise<void>): Promise<void> {
  while (!(await takesLock(file))) {
    const owner = Number(await readFile(file, 'utf8').catch(() => ''));
    if (owner > 0 && !isAlive(owner)) await rm(file, { force: true });
    else await delay(500);
  }
  try {
    await work();
  } finally {
    await rm(file, { force: true });
  }
}

/** Takes the lock where nobody has it. */
async function takesLock(file: string): Promise<boolean> {
  return writeFile(file, String(process.pid), { flag: 'wx' }).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
      throw error;
    },
  );
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch {
    return false;
  }
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
