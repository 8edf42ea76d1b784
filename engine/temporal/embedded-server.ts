/**
 * The Temporal development server as Satchel's own: one per data folder, its database in that folder.
 *
 * The server is a process of its own that outlives a SIGKILL of Satchel (running workflows lose nothing but the worker).
 * So `<data>/temporal.json` is written before it is started and removed after it was stopped: a next start that finds the
 * file looks for the survivor by its command line, which names the database file, adopts it when it answers, and never
 * starts a second server on that file.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { names } from '../../workflows/contract/model.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { connectTemporal } from './connect.js';
import { findProcesses } from './find-process.js';

export interface EmbeddedServer {
  readonly pid: number;
  /** host:port of the gRPC front end. */
  readonly address: string;
  readonly uiUrl: string;
  readonly logFile: string;
  /** True when the server was left behind by an earlier process. */
  readonly adopted: boolean;
  /** Whether the process is still there. */
  isRunning(): Promise<boolean>;
  /** Ends this very process, by its id; resolves once it is gone. */
  stop(): Promise<void>;
}

export interface EmbeddedServerOptions {
  readonly dataFolder: string;
  /** The Temporal CLI. */
  readonly binary: string;
  /** How long the server may take to answer. Default 30 s. */
  readonly timeoutMs?: number;
  /** Dynamic configuration of the server beside what Satchel sets: `name=value`. */
  readonly dynamicConfig?: readonly string[];
}

const recordSchema = z.object({
  /** Absent when Satchel died between writing this and starting the server. */
  pid: z.int().positive().optional(),
  address: z.string(),
  uiUrl: z.string(),
});
type ServerRecord = z.infer<typeof recordSchema>;

/**
 * Measured (docs/architecture.md): a development server hands out transfer tasks at 20 per second otherwise, and its
 * default SQLite settings give less than half the throughput.
 */
const tuning = [
  ['--dynamic-config-value', 'history.transferProcessorMaxPollRPS=2000'],
  ['--sqlite-pragma', 'journal_mode=WAL'],
  ['--sqlite-pragma', 'synchronous=NORMAL'],
].flat();

const searchAttributes = Object.values(names.searchAttributes).flatMap((name) => [
  '--search-attribute',
  `${name}=Keyword`,
]);

/**
 * Starts the server of a data folder, or adopts the one that is still running. The caller owns the data folder.
 * @throws SatchelError TEMPORAL_UNAVAILABLE when it does not come up; the message names its log file
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const folder = resolve(options.dataFolder);
  const recordFile = join(folder, 'temporal.json');
  const database = join(folder, 'temporal.db');
  const logFile = join(folder, 'temporal.log');
  const timeoutMs = options.timeoutMs ?? 30_000;

  const left = await readRecord(recordFile);
  const survivors = left === undefined ? [] : await findServers(database);
  for (const { pid } of survivors) {
    if (left !== 'unreadable' && left && (await answers(left.address, timeoutMs, () => isServer(pid, database)))) {
      return describe({ ...left, pid }, true);
    }
    // It does not answer, but holds the database file all the same.
    await endProcess(pid, database);
  }

  // The same ports again, where they are free: connections to a server that died find the new one, and so do people.
  const earlierPorts =
    left === undefined || left === 'unreadable'
      ? [0, 0]
      : [left.address, left.uiUrl].map((url) => Number(url.split(':').at(-1)));
  // A free port may be taken by another program before the server binds it: then once more.
  for (let attempt = 1; ; attempt++) {
    const started = await start(attempt);
    if (started) return started;
    if (attempt === 3) {
      throw new SatchelError(
        'TEMPORAL_UNAVAILABLE',
        `The embedded Temporal server did not come up within ${timeoutMs / 1000} s. Its log is ${logFile}.`,
        { details: { logFile } },
      );
    }
  }

  async function start(attempt: number): Promise<EmbeddedServer | undefined> {
    const [port, uiPort] = await freePorts(attempt === 1 ? earlierPorts : [0, 0]);
    const record = { address: `127.0.0.1:${port}`, uiUrl: `http://127.0.0.1:${uiPort}` };
    await writeRecord(recordFile, record);
    const log = openSync(logFile, 'a');
    const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', `${port}`, '--ui-port', `${uiPort}`];
    for (const value of options.dynamicConfig ?? []) args.push('--dynamic-config-value', value);
    args.push('--db-filename', database, '--log-level', 'warn', '--log-format', 'json', ...tuning, ...searchAttributes);
    // Detached: Ctrl+C in the terminal reaches Satchel alone, which stops the worker first and the server last.
    const child = spawn(options.binary, args, { detached: true, stdio: ['ignore', log, log], windowsHide: true });
    closeSync(log);
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const failed = new Promise<Error>((resolve) => child.once('error', resolve));
    child.unref();
    if (child.pid === undefined) {
      await rm(recordFile, { force: true });
      const error = await failed;
      throw new SatchelError('TEMPORAL_UNAVAILABLE', `${options.binary} does not start: ${error.message}.`, {
        cause: error,
      });
    }
    const { pid } = child;
    await writeRecord(recordFile, { ...record, pid });
    let running = true;
    void ended.then(() => (running = false));
    if (await answers(record.address, timeoutMs, async () => running)) return describe({ ...record, pid }, false);
    await endProcess(pid, database);
    return undefined;
  }

  function describe(record: ServerRecord & { pid: number }, adopted: boolean): EmbeddedServer {
    return {
      ...record,
      adopted,
      logFile,
      isRunning: () => isServer(record.pid, database),
      stop: async () => {
        await endProcess(record.pid, database);
        await rm(recordFile, { force: true });
      },
    };
  }
}

function findServers(database: string) {
  return findProcesses('server start-dev', `--db-filename ${database} `);
}

/** Whether the id is (still, and not again) that of the server of this database. */
async function isServer(pid: number, database: string): Promise<boolean> {
  return (await findServers(database)).some((server) => server.pid === pid);
}

async function endProcess(pid: number, database: string): Promise<void> {
  for (const { signal, waitMs } of [
    { signal: 'SIGTERM', waitMs: 10_000 },
    { signal: 'SIGKILL', waitMs: 5_000 },
  ] as const) {
    const deadline = Date.now() + waitMs;
    if (!(await isServer(pid, database))) return;
    process.kill(pid, signal);
    // A process that was suspended handles signals only once it goes on.
    if (process.platform !== 'win32') process.kill(pid, 'SIGCONT');
    while (Date.now() < deadline) {
      if (!(await isServer(pid, database))) return;
      await delay(20);
    }
  }
  throw new SatchelError(
    'TEMPORAL_UNAVAILABLE',
    `The Temporal server with process id ${pid} does not end; stop it by hand.`,
  );
}

/** Waits until the server answers for its namespace; `false` when it ended before or time is up. */
async function answers(address: string, timeoutMs: number, isRunning: () => Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    if (!(await isRunning())) return false;
    if (await isReady(address)) return true;
    await delay(50);
  }
  return false;
}

async function isReady(address: string): Promise<boolean> {
  try {
    const connection = await connectTemporal({ address }, 2_000);
    try {
      await connection.withDeadline(Date.now() + 2_000, () =>
        connection.workflowService.describeNamespace({ namespace: 'default' }),
      );
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    // Not yet: the front end opens its port before the namespace is there.
    return false;
  }
}

async function readRecord(file: string): Promise<ServerRecord | 'unreadable' | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    // Unreadable, but there: a server may be running that nobody knows the address of.
    return 'unreadable';
  }
}

async function writeRecord(file: string, record: ServerRecord): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(record)}\n`);
  await rename(`${file}.new`, file);
}

/** TCP ports of the loopback interface that nobody listens on: the preferred ones where they are free, else any. */
async function freePorts(preferred: readonly number[]): Promise<number[]> {
  const servers: Server[] = [];
  try {
    for (const port of preferred) servers.push(await listen(port).catch(() => listen(0)));
    return servers.map((server) => {
      const address = server.address();
      return typeof address === 'object' && address ? address.port : 0;
    });
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(port, '127.0.0.1', () => resolve(server));
  });
}
