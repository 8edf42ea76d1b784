/** Finds running processes by their command line: what a process id alone cannot say is which program it is. */
import { readdir, readFile } from 'node:fs/promises';
import { runProgram } from './run-program.js';

export interface RunningProcess {
  readonly pid: number;
  /** Arguments joined by blanks. */
  readonly command: string;
}

/** Running processes (no zombies) whose command line holds all of `parts`. */
export async function findProcesses(...parts: readonly string[]): Promise<RunningProcess[]> {
  const all = process.platform === 'linux' ? await listFromProc() : await listFromProgram();
  return all.filter(({ pid, command }) => pid !== process.pid && parts.every((part) => command.includes(part)));
}

async function listFromProc(): Promise<RunningProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const processes = await Promise.all(
    pids.map(async (pid) => {
      // A process may end between the listing and the read.
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return { pid: Number(pid), command: command.replaceAll('\0', ' ').trim() };
    }),
  );
  return processes.filter(({ command }) => command !== '');
}

async function listFromProgram(): Promise<RunningProcess[]> {
  const { stdout } =
    process.platform === 'win32'
      ? await runProgram(
          'powershell',
          [
            '-NoProfile',
            '-Command',
            'Get-CimInstance Win32_Process | ForEach-Object { "$($_.ProcessId) $($_.CommandLine)" }',
          ],
          { timeoutMs: 20_000 },
        )
      : await runProgram('ps', ['-axww', '-o', 'pid=,stat=,command='], { timeoutMs: 20_000 });
  const line = process.platform === 'win32' ? /^\s*(\d+)()\s+(.*)$/ : /^\s*(\d+)\s+(\S+)\s+(.*)$/;
  return stdout.split(/\r?\n/).flatMap((text) => {
    const match = line.exec(text);
    return match && !match[2]?.startsWith('Z') ? [{ pid: Number(match[1]), command: match[3] ?? '' }] : [];
  });
}
