import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NativeConnection } from '@temporalio/worker';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmbeddedServer, type EmbeddedServer } from '../../engine/temporal/embedded-server.js';
import { findProcesses } from '../../engine/temporal/find-process.js';
import { installTemporalRuntime } from '../../engine/temporal/install-runtime.js';
import { findTemporalBinary } from '../../engine/temporal/find-temporal-binary.js';
import { names } from '../../workflows/contract/model.js';

describe('the embedded Temporal server', () => {
  let folder: string;
  let binary: string;
  let server: EmbeddedServer;

  const serversOfFolder = () => findProcesses('server start-dev', folder);

  beforeAll(async () => {
    installTemporalRuntime(pino({ level: 'silent' }));
    folder = await mkdtemp(join(tmpdir(), 'satchel-embedded-'));
    binary = (await findTemporalBinary()).path;
    server = await startEmbeddedServer({ dataFolder: folder, binary });
  }, 240_000);

  afterAll(async () => {
    for (const { pid } of await serversOfFolder()) process.kill(pid, 'SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  it('knows the search attributes, and lies on the loopback interface', async () => {
    expect(server.adopted).toBe(false);
    expect(server.address).toMatch(/^127\.0\.0\.1:\d+$/);
    const connection = await NativeConnection.connect({ address: server.address });
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
    await connection.close();
    expect(Object.keys(customAttributes)).toEqual(expect.arrayContaining(Object.values(names.searchAttributes)));
  });

  it('is adopted by the next start, also when Satchel died before it could write down the process id', async () => {
    const again = await startEmbeddedServer({ dataFolder: folder, binary });
    expect(again).toMatchObject({ pid: server.pid, address: server.address, adopted: true });

    const file = join(folder, 'temporal.json');
    const { pid: _, ...withoutPid } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    await writeFile(file, JSON.stringify(withoutPid));
    const third = await startEmbeddedServer({ dataFolder: folder, binary });
    expect(third).toMatchObject({ pid: server.pid, adopted: true });
    expect(await serversOfFolder()).toHaveLength(1);
  });

  it('is not mistaken for another program that got its process id', async () => {
    await server.stop();
    expect(await serversOfFolder()).toHaveLength(0);
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    try {
      const record = { pid: stranger.pid, address: server.address, uiUrl: server.uiUrl };
      await writeFile(join(folder, 'temporal.json'), JSON.stringify(record));
      const fresh = await startEmbeddedServer({ dataFolder: folder, binary });
      expect(fresh.adopted).toBe(false);
      expect(fresh.pid).not.toBe(stranger.pid);
      await fresh.stop();
      expect(stranger.exitCode).toBeNull();
      expect(stranger.signalCode).toBeNull();
    } finally {
      stranger.kill();
    }
  });

  it('is replaced when it was stopped in its tracks and answers nobody', async () => {
    const hung = await startEmbeddedServer({ dataFolder: folder, binary });
    process.kill(hung.pid, 'SIGSTOP');
    const fresh = await startEmbeddedServer({ dataFolder: folder, binary, timeoutMs: 6_000 });
    expect(fresh.adopted).toBe(false);
    expect((await serversOfFolder()).map(({ pid }) => pid)).toEqual([fresh.pid]);
    await fresh.stop();
  });

  it('says where its log is when the program does not start', async () => {
    await expect(
      startEmbeddedServer({ dataFolder: folder, binary: join(folder, 'no-such-program') }),
    ).rejects.toMatchObject({
      code: 'TEMPORAL_UNAVAILABLE',
      message: expect.stringContaining('no-such-program') as string,
    });
  });
});
