import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { program } from './satchel-world.js';

/** A `satchel` process that stays, with its signals and its exit in the hands of the test. */
export interface SatchelChild {
  readonly process: ChildProcess;
  /** Resolves when it has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** What it said when it was ready. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Ends it at once, as a crash would. */
  readonly kill: () => Promise<void>;
}

/** Resolves once it says that it is ready. @throws Error with its log when it ends before */
export async function startChild(
  dataFolder: string,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<SatchelChild> {
  const child = spawn(process.execPath, [program, '--data', dataFolder, ...command, '--json'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-20_000)));
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  const lines = createInterface(child.stdout);
  const [line] = (await Promise.race([
    once(lines, 'line'),
    ended.then(({ code }) => {
      throw new Error(`satchel ${command.join(' ')} ended with ${code} before it was ready:\n${log}`);
    }),
  ])) as [string];
  return {
    process: child,
    ended,
    facts: JSON.parse(line) as Record<string, unknown>,
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
