/** Runs a short-lived helper program: never through a shell, always with a time limit. */
import { execFile } from 'node:child_process';

export interface ProgramResult {
  readonly ok: boolean;
  readonly stdout: string;
  /** Why it failed, in one line. */
  readonly problem: string | undefined;
}

/** Never throws: a program that is missing, fails or takes too long is a result with a problem. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: { readonly timeoutMs: number; readonly env?: NodeJS.ProcessEnv; readonly cwd?: string },
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    execFile(
      program,
      [...args],
      {
        timeout: options.timeoutMs,
        maxBuffer: 4 * 1024 * 1024,
        windowsHide: true,
        ...(options.env && { env: options.env }),
        ...(options.cwd !== undefined && { cwd: options.cwd }),
      },
      (error, stdout, stderr) => {
        if (!error) {
          resolve({ ok: true, stdout, problem: undefined });
          return;
        }
        const lastLine = stderr.trim().split('\n').at(-1);
        const problem = error.killed
          ? `${program} took longer than ${options.timeoutMs / 1000} s`
          : error.code === 'ENOENT'
            ? `${program} is not installed`
            : lastLine !== undefined && lastLine !== ''
              ? lastLine
              : error.message;
        resolve({ ok: false, stdout, problem });
      },
    );
  });
}
