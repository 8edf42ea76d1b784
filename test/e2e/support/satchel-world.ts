/**
 * A data folder of its own, and the compiled `satchel` command as real processes on it. `npm test` builds the command first.
 */
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { satchelCommands, type RunningSatchel, type SatchelCommands } from '../../../cli/demo/satchel-process.js';
import { findProcesses } from '../../../engine/temporal/find-process.js';
import { packageRoot } from '../../../package-root.js';
import type { Session } from '../../../repository/api.js';
import { openRepository } from '../../../repository/repository.js';
import { createFilesystemBlobStore } from '../../../repository/store/filesystem/filesystem-blob-store.js';
import { createLevelNodeStore } from '../../../repository/store/level/level-node-store.js';

/** The compiled command. */
export const program = path.join(packageRoot, 'dist', 'cli', 'main.js');

export interface SatchelWorld {
  /** Everything of this world; removed at the end. */
  readonly folder: string;
  readonly dataFolder: string;
  /** Where the embedded mailbox keeps its mails. */
  readonly mailFolder: string;
  /** Commands on the data folder. */
  readonly satchel: SatchelCommands;
  /** Starts `satchel start`, or `satchel dev`; what still runs at the end is killed. */
  start(command?: 'start' | 'dev'): Promise<RunningSatchel>;
  /** Reads the repository while no process has it open: what a killed one really left there. */
  readRepository<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Kills what this world started, with the Temporal server of its data folder, and removes the folder. */
  close(): Promise<void>;
}

export interface WorldOptions {
  /** Environment variables of the processes. */
  readonly env?: Readonly<Record<string, string>>;
  /** A data folder, at rest, to begin with a copy of. */
  readonly copyOf?: string;
}

/** @throws Error when the command is not built */
export async function createSatchelWorld({ env = {}, copyOf }: WorldOptions = {}): Promise<SatchelWorld> {
  if (!existsSync(program)) throw new Error(`${program} is not there: run "npm run build" first.`);
  const folder = await mkdtemp(path.join(tmpdir(), 'satchel-e2e-'));
  const dataFolder = path.join(folder, 'data');
  const temporary = path.join(folder, 'tmp');
  await mkdir(temporary);
  if (copyOf !== undefined) await cp(copyOf, dataFolder, { recursive: true });
  const satchel = satchelCommands(program, dataFolder, { TMPDIR: temporary, ...env });
  const started = new Set<RunningSatchel>();

  return {
    folder,
    dataFolder,
    mailFolder: path.join(dataFolder, 'mail'),
    satchel,
    async start(command) {
      const running = await satchel.start(command);
      started.add(running);
      return running;
    },
    readRepository: (work) => readRepository(dataFolder, work),
    async close() {
      for (const running of started) await running.kill();
      await killTemporalServer(dataFolder);
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The server outlives its Satchel by design; its command line names the database of this data folder and no other. */
export async function killTemporalServer(dataFolder: string): Promise<void> {
  const database = path.join(dataFolder, 'temporal.db');
  for (const { pid } of await findProcesses('server start-dev', `--db-filename ${database} `)) {
    process.kill(pid, 'SIGKILL');
  }
}

/** Reads the repository of a data folder that no process has open. */
export async function readRepository<T>(dataFolder: string, work: (session: Session) => Promise<T>): Promise<T> {
  const repository = await openRepository({
    nodes: await createLevelNodeStore({ folder: path.join(dataFolder, 'repository') }),
    blobs: await createFilesystemBlobStore({ folder: path.join(dataFolder, 'blobs') }),
  });
  try {
    return await repository.withSession({ service: 'workflow' }, work);
  } finally {
    await repository.close();
  }
}
