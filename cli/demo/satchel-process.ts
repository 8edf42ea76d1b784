/** The demo drives the product through its own front door: the `satchel` command, as separate processes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SatchelCommands {
  /** Runs `satchel ARGS` quietly. @throws Error with its output when it exits otherwise than with one of `accept` (0) */
  run(
    args: readonly string[],
    options?: { readonly accept?: readonly number[]; readonly input?: string; readonly cwd?: string },
  ): Promise<CommandResult>;
  /** As `run` with --json, parsed. */
  json(args: readonly string[], accept?: readonly number[]): Promise<unknown>;
  /** Runs `satchel ARGS` with its output going to the demo's own terminal. */
  show(args: readonly string[], accept?: readonly number[]): Promise<number>;
  /** Starts `satchel start`, or `satchel dev`, and waits until it says that it is ready. */
  start(command?: 'start' | 'dev'): Promise<RunningSatchel>;
}

export interface RunningSatchel {
  readonly url: string;
  readonly temporalUi: string | undefined;
  /** Ends the process at once, as a crash would. */
  kill(): Promise<void>;
  /** Ends it as Ctrl-C does, and waits. */
  stop(): Promise<void>;
}

function output(child: ChildProcess): Promise<CommandResult> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) =>
      resolve({ exitCode: code ?? 1, stdout, stderr: signal ? `${stderr}\nended by ${signal}` : stderr }),
    );
  });
}

/**
 * @param mainFile the compiled command
 * @param dataFolder the folder every command works on
 * @param env variables beside (and over) those of this process
 */
export function satchelCommands(
  mainFile: string,
  dataFolder: string,
  env: Readonly<Record<string, string>> = {},
): SatchelCommands {
  const environment = { env: { ...process.env, ...env } };
  const argv = (args: readonly string[]) => [mainFile, '--data', dataFolder, ...args];
  const accepted = (result: CommandResult, args: readonly string[], accept: readonly number[]) => {
    if (accept.includes(result.exitCode)) return result;
    throw new Error(`satchel ${args.join(' ')} ended with ${result.exitCode}:\n${result.stdout}${result.stderr}`);
  };
  const run: SatchelCommands['run'] = async (args, { accept = [0], input, cwd } = {}) => {
    const child = spawn(process.execPath, argv(args), { ...environment, cwd, stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.end(input);
    return accepted(await output(child), args, accept);
  };
  return {
    run,
    async json(args, accept) {
      const { stdout } = await run([...args, '--json'], accept ? { accept } : {});
      return JSON.parse(stdout) as unknown;
    },
    async show(args, accept = [0]) {
      const child = spawn(process.execPath, argv(args), { ...environment, stdio: ['ignore', 'inherit', 'inherit'] });
      return accepted(await output(child), args, accept).exitCode;
    },
    async start(command = 'start') {
      const child = spawn(process.execPath, argv([command, '--port', '0', '--json']), {
        ...environment,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let log = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-8000)));
      const exited = once(child, 'close');
      const ready = await new Promise<{ url: string; temporalUi?: string }>((resolve, reject) => {
        createInterface(child.stdout).once('line', (line) => {
          try {
            resolve(JSON.parse(line) as { url: string; temporalUi?: string });
          } catch {
            reject(new Error(`satchel ${command} printed "${line}" where one line of JSON was expected.\n${log}`));
          }
        });
        void exited.then(() => reject(new Error(`satchel ${command} ended before it was ready:\n${log}`)));
      });
      child.stdout.resume();
      const end = async (signal: NodeJS.Signals) => {
        if (child.exitCode === null && child.signalCode === null) child.kill(signal);
        await exited;
      };
      return { url: ready.url, temporalUi: ready.temporalUi, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') };
    },
  };
}
