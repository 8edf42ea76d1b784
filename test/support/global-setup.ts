/** Says once, before any test runs, what the machine lacks that some tests then skip. */
import { spawnSync } from 'node:child_process';

export function setup(): void {
  for (const [program, args] of [
    ['unzip', ['-v']],
    ['python3', ['--version']],
    ['java', ['-version']],
  ] as const) {
    if (spawnSync(program, args, { stdio: 'ignore' }).status !== 0) {
      console.warn(`satchel tests: ${program} is not installed; the checks of archives with it are skipped`);
    }
  }
}
