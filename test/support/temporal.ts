/** One embedded Temporal server per test file, in a folder of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll } from 'vitest';
import {
  startEmbeddedServer,
  type EmbeddedServer,
  type EmbeddedServerOptions,
} from '../../engine/temporal/embedded-server.js';
import { installTemporalRuntime } from '../../engine/temporal/install-runtime.js';
import { findTemporalBinary } from '../../engine/temporal/find-temporal-binary.js';

/** Starts the server before the tests of the file and ends it after them. */
export function useTemporalServer(options: Pick<EmbeddedServerOptions, 'dynamicConfig'> = {}): () => EmbeddedServer {
  let server: EmbeddedServer | undefined;
  let folder: string | undefined;
  const endServer = () => {
    if (server) process.kill(server.pid);
  };
  beforeAll(async () => {
    installTemporalRuntime(pino({ level: 'silent' }));
    folder = await mkdtemp(join(tmpdir(), 'satchel-temporal-'));
    const binary = await findTemporalBinary();
    server = await startEmbeddedServer({ dataFolder: folder, binary: binary.path, ...options });
    // A hook of the test that fails keeps the later ones from running; the server outlives its starter by design.
    process.once('exit', endServer);
  }, 240_000);
  afterAll(async () => {
    await server?.stop();
    process.off('exit', endServer);
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });
  return () => {
    if (!server)
      throw new Error('The Temporal server is started before the first test, not while files are collected.');
    return server;
  };
}
