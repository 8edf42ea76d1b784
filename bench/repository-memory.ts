/** How much memory a repository takes with many nodes: imported, then read whole, each in a process of its own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BenchmarkOptions } from './options.js';
import type { MemoryTask } from './repository-memory-process.js';

export interface MemoryMeasurement {
  readonly nodes: number;
  /** Resident bytes at most. */
  readonly importBytes: number;
  readonly readBytes: number;
}

export async function measureMemory(
  folder: string,
  { backend, url }: BenchmarkOptions,
  nodes: number,
  signal: AbortSignal,
): Promise<MemoryMeasurement> {
  const task = { folder, backend, nodes, ...(url !== undefined && { url }) };
  const importBytes = await peakOf({ ...task, kind: 'import' }, signal);
  const readBytes = await peakOf({ ...task, kind: 'read' }, signal);
  return { nodes, importBytes, readBytes };
}

async function peakOf(task: MemoryTask, signal: AbortSignal): Promise<number> {
  const child = fork(fileURLToPath(new URL('repository-memory-process.js', import.meta.url)));
  const stop = () => child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  let peak = NaN;
  child.once('message', (bytes) => (peak = bytes as number));
  child.send(task);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    signal.throwIfAborted();
    if (code !== 0) throw new Error(`the process that measures memory ended with ${code ?? 'a signal'}`);
    return peak;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
