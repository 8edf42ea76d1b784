/** What all benchmarks share: running programs, medians, and tables that say what is compared with what. */
import { spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';

/** Milliseconds. @throws Error when the program is not installed (`code` ENOENT) or fails */
export async function timeProgram(
  command: string,
  args: readonly string[],
  { cwd, stdio }: { readonly cwd?: string; readonly stdio: StdioOptions },
): Promise<number> {
  const started = performance.now();
  const child = spawn(command, args, { stdio, ...(cwd !== undefined && { cwd }) });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${command} ended with ${code ?? 'a signal'}`);
  return performance.now() - started;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = NaN, high = NaN] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return (low + high) / 2;
}

/** Aligned columns: the first to the left, numbers to the right. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, cell.length)));
  return rows
    .map((row) =>
      row
        .map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)))
        .join('   '),
    )
    .join('\n');
}

/** `12.3 MiB` for bytes. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
