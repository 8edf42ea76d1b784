/** The backends by name. */
import { startPostgres } from '../test/support/postgres-server.js';
import type { Backend } from './repository-backend.js';
import { levelBackend } from './repository-level.js';
import { postgresBackend } from './repository-postgres.js';

interface Choice {
  readonly backend: string;
  readonly folder: string;
  /** Of a PostgreSQL server. */
  readonly url?: string | undefined;
}

/** @throws TypeError for a name that is none */
export function chooseBackend({ backend, folder, url = '' }: Choice): Backend {
  if (backend === 'level') return levelBackend(folder);
  if (backend === 'postgres') return postgresBackend(url);
  throw new TypeError(`there is no backend ${backend}; there are level and postgres`);
}

/** @param work is given the choice with the URL of a server, which is started for it when none was named */
export async function withServer<C extends Choice>(choice: C, work: (choice: C) => Promise<void>): Promise<void> {
  if (choice.backend !== 'postgres' || choice.url !== undefined) return work(choice);
  const server = await startPostgres();
  try {
    await work({ ...choice, url: server.url });
  } finally {
    await server.stop();
  }
}
