/**
 * Measurements, against other programs in the same run: `npm run bench [-- NAME…]`. Ratios travel from machine to machine,
 * seconds do not. Nothing here passes or fails.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { measureCommands } from './commands.js';
import { measureDownload } from './download.js';

/** Prints its result. @param folder empty, removed afterwards */
type Benchmark = (folder: string, signal: AbortSignal) => Promise<void>;

const benchmarks: Readonly<Record<string, Benchmark>> = { download: measureDownload, commands: measureCommands };

const abort = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => abort.abort());

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(benchmarks);
const unknown = wanted.filter((name) => !Object.hasOwn(benchmarks, name));
if (unknown.length > 0) {
  console.error(`bench: there is no ${unknown.join(', ')}; there are ${Object.keys(benchmarks).join(', ')}.`);
  process.exit(2);
}
for (const name of wanted) {
  const folder = await mkdtemp(path.join(tmpdir(), 'satchel-bench-'));
  try {
    await benchmarks[name]?.(folder, abort.signal);
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    console.error('bench: interrupted');
    process.exitCode = 130;
    break;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
