import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** The compiled command; `npm test` builds it first. */
const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'satchel-process-'));
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

async function satchel(
  args: readonly string[],
  input = '',
): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [program, '--data', path.join(folder, 'data'), ...args]);
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  child.stdin.on('error', () => undefined).end(input);
  const [code] = (await once(child, 'close')) as [unknown];
  return { code, ...output };
}

describe.skipIf(!existsSync(program))('satchel as a process (needs the build)', () => {
  it('explains wrong usage without touching a data folder', async () => {
    expect(await satchel(['nonsense'])).toMatchObject({ code: 2, stdout: '' });
    expect((await satchel(['--help'])).code).toBe(0);
    expect(existsSync(path.join(folder, 'data'))).toBe(false);
  });

  it('makes the data folder for its user alone, and gives several commands at once their answer', async () => {
    const results = await Promise.all(
      Array.from({ length: 4 }, () => satchel(['tree', '/', '--depth', '1', '--json'])),
    );
    for (const { code, stdout, stderr } of results) {
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: 'as admin, the local administrator (--as USER chooses another)\n',
      });
      expect(JSON.parse(stdout)).toMatchObject({ root: '/' });
    }
    expect((await stat(path.join(folder, 'data'))).mode & 0o777).toBe(0o700);
    expect(existsSync(path.join(folder, 'data', 'satchel.sock'))).toBe(false);
  }, 120_000);

  it('reads a password from its input', async () => {
    const short = await satchel(['user', 'add', 'ada', '--password', '--json'], 'short\n');
    expect([short.code, JSON.parse(short.stdout)]).toMatchObject([2, { error: { code: 'INVALID_REQUEST' } }]);
    expect((await satchel(['user', 'add', 'ada', '--password'], 'long enough\nnot this line\n')).code).toBe(0);
  });

  it('does not start where the data folder cannot be made', async () => {
    const child = spawn(process.execPath, [program, '--data', path.join(program, 'data'), 'tree', '/'], {
      stdio: 'ignore',
    });
    expect(await once(child, 'close')).toEqual([2, null]);
  });
});
