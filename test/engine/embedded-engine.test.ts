/** The engine with a Temporal server of its own, which is killed under it and over which it is killed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../engine/api.js';
import { findProcesses } from '../../engine/temporal/find-process.js';
import { connectTemporal } from '../../engine/temporal/connect.js';
import { verifySearchAttributes } from '../../engine/temporal/verify-search-attributes.js';
import { createWorld, type World } from './engine-world.js';

let world: World;
let engine: Engine;
const engines: Engine[] = [];

const serverPids = async () => (await findProcesses('server start-dev', world.folder)).map(({ pid }) => pid);

async function download(): Promise<string> {
  const job = await engine.requestDownload('ada', { paths: ['/content/dam/plain'], notify: false });
  let state: string = job.state;
  for await (const view of engine.follow('ada', job.id, new AbortController().signal)) state = view.state;
  return state;
}

beforeAll(async () => {
  world = await createWorld();
  await world.addAsset('/content/dam/plain/one.txt', 'one');
  engine = await world.createEngine();
  engines.push(engine);
  await engine.start();
}, 240_000);

afterAll(async () => {
  // Together: one that still worked would start again what another ended.
  await Promise.all(engines.map((each) => each.close()));
  expect(await serverPids()).toEqual([]);
  await world.close();
});

describe('the engine and its own Temporal server', () => {
  it('work together, and say where', async () => {
    expect(engine.temporal()).toMatchObject({ state: 'connected', embedded: true });
    expect(engine.temporal().uiUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await download()).toBe('completed');
  });

  it('go on when the server is killed: it is started again, and what was asked meanwhile is done', async () => {
    const [pid = 0] = await serverPids();
    process.kill(pid, 'SIGKILL');
    await expect.poll(serverPids).toEqual([]);
    expect(await download()).toBe('completed');
    const pids = await serverPids();
    expect(pids).toHaveLength(1);
    expect(pids).not.toContain(pid);
  });

  it('is adopted by the next engine when the last one left without a word', async () => {
    const [pid] = await serverPids();
    const next = await world.createEngine();
    engines.push(next);
    await next.start();
    expect(await serverPids()).toEqual([pid]);
    expect(next.temporal().address).toBe(engine.temporal().address);
  });
});

describe('a server that lacks search attributes', () => {
  it('is refused with the command that adds them', async () => {
    const address = engine.temporal().address ?? '';
    const connection = await connectTemporal({ address });
    await connection.workflowService.registerNamespace({
      namespace: 'bare',
      workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
    });
    await expect
      .poll(
        () =>
          verifySearchAttributes(connection, address, 'bare').then(
            () => '',
            (error: unknown) => String(error),
          ),
        {
          timeout: 30_000,
        },
      )
      .toContain(
        `temporal operator search-attribute create --address ${address} --namespace bare --name SatchelTenant --type Keyword`,
      );
    await expect(verifySearchAttributes(connection, address, 'default')).resolves.toBeUndefined();
    await connection.close();
  });
});
