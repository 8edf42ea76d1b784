/** A mail server that is not ours: aiosmtpd, where Python has it (Debian: python3-aiosmtpd). */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** Debian's packages are Debian's Python's. */
const python = ['python3', '/usr/bin/python3'].find(
  (program) => spawnSync(program, ['-c', 'import aiosmtpd'], { stdio: 'ignore' }).status === 0,
);

export const maildirServerMissing =
  python === undefined ? 'needs aiosmtpd: apt-get install python3-aiosmtpd, or pip install aiosmtpd' : undefined;

export interface KeptMail {
  readonly from: string;
  readonly to: string;
  readonly raw: Buffer;
}

export interface MaildirServer {
  readonly port: number;
  /** In the order they came. */
  mails(): Promise<KeptMail[]>;
}

export async function startMaildirServer(folder: string): Promise<MaildirServer> {
  const script = fileURLToPath(new URL('fixtures/maildir-server.py', import.meta.url));
  const child = spawn(python ?? 'python3', [script, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    child.stdin.end();
    if (child.exitCode === null) await once(child, 'exit');
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    port: Number(line.toString()),
    mails: async () => {
      const names = (await readdir(folder)).filter((name) => name.endsWith('.eml')).sort();
      return Promise.all(
        names.map(async (name) => {
          const raw = await readFile(path.join(folder, name));
          const [from = '', to = ''] = (await readFile(path.join(folder, name.replace('.eml', '.to')), 'utf8')).split(
            '\n',
          );
          return { from, to, raw };
        }),
      );
    },
  };
}
