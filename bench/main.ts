/**
 * Measurements, against other programs in the same run: `npm run bench [-- NAME… OPTIONS]` (options.ts). Ratios travel from
 * machine to machine, seconds do not. Nothing here passes or fails.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { measureCommands } from './commands.js';
import { measureDownload } from './download.js';
import { measureEngine } from './engine.js';
import { measureMail } from './mail.js';
import { parseCommandLine } from './options.js';
import type { BenchmarkOptions } from './options.js';
import { measureOverlay } from './overlay.js';
import { measureRepository } from './repository.js';

/** Prints its result. @param folder empty, removed afterwards */
type Benchmark = (folder: string, signal: AbortSignal, options: BenchmarkOptions) => Promise<void>;

const benchmarks: Readonly<Record<string, Benchmark>> = {
  download: measureDownload,
  commands: measureCommands,
  repository: measureRepository,
  overlay: measureOverlay,
  engine: measureEngine,
  mail: measureMail,
};

const abort = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => abort.abort());

const { names, options } = readCommandLine();
const wanted = names.length > 0 ? names : Object.keys(benchmarks);
const unknown = wanted.filter((name) => !Object.hasOwn(benchmarks, name));
if (unknown.length > 0) refuse(`there is no ${unknown.join(', ')}; there are ${Object.keys(benchmarks).join(', ')}.`);
for (const name of wanted) {
  const folder = await mkdtemp(path.join(tmpdir(), 'satchel-bench-'));
  try {
    await benchmarks[name]?.(folder, abort.signal, options);
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    console.error('bench: interrupted');
    process.exitCode = 130;
    break;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readCommandLine(): ReturnType<typeof parseCommandLine> {
  try {
    return parseCommandLine(process.argv.slice(2));
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

function refuse(problem: string): never {
  console.error(`bench: ${problem}`);
  process.exit(2);
}
