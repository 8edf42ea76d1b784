/**
 * Every version of the models that the product brings has a history in test/histories, which replay.test.ts replays: what was
 * launched with it goes on after an update. A changed model wants one more: SATCHEL_RECORD_HISTORIES=1.
 */
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { defaultPayloadConverter, fromPayloadsAtIndex } from '@temporalio/common';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Engine } from '../../engine/api.js';
import { adminUser } from '../../repository/api.js';
import type { WorkflowInput } from '../../workflows/contract/model.js';
import { useTemporalServer } from '../support/temporal.js';
import { record } from '../workflows/interpreter-world.js';
import { createWorld, type World } from './engine-world.js';

const server = useTemporalServer();
let world: World;
let engine: Engine;
let connection: Connection;

beforeAll(async () => {
  world = await createWorld();
  engine = await world.createEngine({ address: server().address });
  await engine.start();
  await world.addAsset('/content/dam/plain/a.txt', 'a text');
  connection = await Connection.connect({ address: server().address });
}, 240_000);

afterAll(async () => {
  await engine.close();
  await world.close();
  await connection.close();
});

async function recordedName(workflowId: string): Promise<string> {
  const handle = new Client({ connection }).workflow.getHandle(workflowId);
  await handle.result();
  const [started] = (await handle.fetchHistory()).events ?? [];
  const payloads = started?.workflowExecutionStartedEventAttributes?.input?.payloads;
  const { model } = fromPayloadsAtIndex<WorkflowInput>(defaultPayloadConverter, 0, payloads);
  const name = `built-in-${model.id.replace('/', '-')}-${model.version.slice(0, 12)}`;
  if (process.env['SATCHEL_RECORD_HISTORIES']) await record(name, handle);
  return name;
}

it('are there for the versions of today', async () => {
  const download = await engine.requestDownload('ada', { paths: ['/content/dam/plain'] });
  const payload = '/content/dam/plain';
  const transient = await engine.launch({ model: 'dam/update-renditions', payload, initiator: adminUser });
  const names = [];
  for (const id of [download.id, transient.id, `${transient.id}-completed`]) names.push(await recordedName(id));
  expect(names.map((name) => name.replace(/-[0-9a-f]{12}$/u, ''))).toEqual([
    'built-in-dam-download-asset',
    'built-in-dam-update-renditions',
    'built-in-dam-transient-completed',
  ]);
  const files = await readdir(fileURLToPath(new URL('../histories/', import.meta.url)));
  expect(files).toEqual(expect.arrayContaining(names.map((name) => `${name}.json`)));
});
