/**
 * Fifty requests while Temporal is away, and Satchel killed (SIGKILL) twice meanwhile. What was acknowledged is kept, and
 * becomes one workflow, one archive and one mail when Temporal is there. A request whose reply was lost to a kill may have
 * been kept or not; where it was, the same holds for it.
 */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listMailbox } from '../../activities/mail/mailbox.js';
import { listOutbox } from '../../activities/mail/outbox.js';
import { drawPictures, type Picture } from '../../cli/demo/pictures.js';
import { writeSamplePackage } from '../../cli/demo/sample-package.js';
import { downloadsRoot } from '../../dam/download-job.js';
import { manifestName } from '../../dam/entry-names.js';
import type { JobSummary } from '../../engine/api.js';
import { startEmbeddedServer, type EmbeddedServer } from '../../engine/temporal/embedded-server.js';
import { findTemporalBinary } from '../../engine/temporal/find-temporal-binary.js';
import { openZip } from '../../repository/vault/zip-reader.js';
import { collect } from '../dam/support/memory-files.js';
import { chance } from './support/chance.js';
import { createSatchelWorld, type SatchelWorld } from './support/satchel-world.js';

const wanted = 50;
const root = '/content/dam/pictures';
const user = { id: 'mara', password: 'long enough' };
const seed = Number(process.env['SATCHEL_SEED'] ?? 1);

let world: SatchelWorld;
let pictures: Picture[];
let temporalAddress: string;
let temporal: EmbeddedServer | undefined;

beforeAll(async () => {
  temporalAddress = `127.0.0.1:${await closedPort()}`;
  world = await createSatchelWorld({ env: { TEMPORAL_ADDRESS: temporalAddress } });
  pictures = await drawPictures('archive');
  const file = path.join(world.folder, 'pictures-1.0.zip');
  await writeSamplePackage(file, 'pictures', [{ path: root, pictures }], 'replace');
  await world.satchel.run(['install', file]);
  const profile = ['--email', 'mara@example.com', '--group', 'dam-users', '--password'];
  await world.satchel.run(['user', 'add', user.id, ...profile], { input: `${user.password}\n` });
});

afterAll(async () => {
  await world.close();
  await temporal?.stop();
});

it('keeps fifty requests over two kills, and runs each of them once when Temporal comes', async () => {
  /** Job → what its archive shall hold. */
  const acknowledged = new Map<string, Picture>();
  const kills = [chance(seed, 'first kill', 5, 20), chance(seed, 'second kill', 25, 40)];
  let lost = 0;
  for (const enough of kills) {
    const running = await world.start();
    lost += await sendRequests(await logIn(running.url), acknowledged, { enough, then: () => running.kill() });
  }
  const running = await world.start();
  const http = await logIn(running.url);
  expect(await sendRequests(http, acknowledged)).toBe(0);
  expect(acknowledged.size).toBe(wanted);

  const kept = await listJobs(http);
  const ids = kept.map(({ id }) => id).sort();
  expect(ids).toEqual(expect.arrayContaining([...acknowledged.keys()]));
  expect(ids.length).toBeLessThanOrEqual(wanted + lost);
  expect(kept.filter(({ state }) => state !== 'queued')).toEqual([]);

  const comes = Date.now();
  temporal = await startTemporal();
  await expect
    .poll(async () => (await listJobs(http)).filter(({ state }) => state !== 'completed'), {
      timeout: 150_000,
      interval: 250,
    })
    .toEqual([]);
  const seconds = Math.round((Date.now() - comes) / 1000);

  // What a search finds follows what is with a delay.
  await expect.poll(listWorkflows, { timeout: 30_000 }).toEqual(ids);
  for (const id of ids) {
    const picture = acknowledged.get(id);
    const possible = (picture ? [picture] : pictures).map(({ file, bytes }) => ({ name: file, sha256: sha256(bytes) }));
    const files = await unpack(http, id);
    expect(files).toHaveLength(1);
    expect(possible).toContainEqual(files[0]);
  }

  await running.stop();
  const sent = await world.readRepository(async (session) => {
    const outboxes = await Promise.all(ids.map(async (id) => listOutbox(session, `${downloadsRoot}/${id}/outbox`)));
    return outboxes.map((mails) => mails.map(({ messageId, state }) => ({ messageId, state })));
  });
  expect(sent).toEqual(ids.map(() => [{ messageId: expect.any(String) as string, state: 'sent' }]));
  const messageIds = sent.flat().map(({ messageId }) => messageId);
  expect(new Set(messageIds).size).toBe(ids.length);
  const mails = await listMailbox(world.mailFolder, { limit: 1000 });
  expect(mails.map(({ messageId }) => messageId).sort()).toEqual(messageIds.sort());

  console.log(
    `killed after ${kills.join(' and ')} acknowledged requests; ${lost} replies lost, ${ids.length - wanted} of these requests kept; ` +
      `${ids.length} workflows, archives and mails ${seconds} s after Temporal was started`,
  );
}, 300_000);

/**
 * Sends requests by the command and over HTTP at the same time until as many as wanted are acknowledged, or `enough` are.
 * @returns how many replies were lost
 */
async function sendRequests(
  http: HttpClient,
  acknowledged: Map<string, Picture>,
  stop?: { readonly enough: number; readonly then: () => Promise<void> },
): Promise<number> {
  let toSend = wanted - acknowledged.size;
  let lost = 0;
  let stopping: Promise<void> | undefined;
  const isStopping = () => stopping !== undefined;
  const lane = async (send: (picture: Picture) => Promise<string>) => {
    while (toSend > 0 && !isStopping()) {
      const picture = pictures[--toSend % pictures.length];
      if (!picture) throw new Error('There are no pictures.');
      try {
        acknowledged.set(await send(picture), picture);
      } catch (error) {
        if (!isStopping()) throw error;
        lost++;
      }
      if (stop && acknowledged.size >= stop.enough) stopping ??= stop.then();
    }
  };
  const byHttp = (picture: Picture) => requestByHttp(http, picture);
  await Promise.all([lane(requestByCommand), lane(byHttp), lane(byHttp), lane(byHttp)]);
  await stopping;
  return lost;
}

/** @returns the id of the job */
async function requestByCommand({ file }: Picture): Promise<string> {
  const job = await world.satchel.json(['download', `${root}/${file}`, '--as', user.id, '--no-wait']);
  return (job as { id: string }).id;
}

/** @returns the id of the job */
async function requestByHttp(http: HttpClient, { file }: Picture): Promise<string> {
  const response = await http('/api/downloads', { paths: [`${root}/${file}`] });
  return ((await response.json()) as { id: string }).id;
}

async function listJobs(http: HttpClient): Promise<readonly JobSummary[]> {
  const response = await http('/api/downloads?limit=500');
  return ((await response.json()) as { downloads: JobSummary[] }).downloads;
}

/** @returns the ids of all workflows that ended well */
async function listWorkflows(): Promise<string[]> {
  const connection = await Connection.connect({ address: temporalAddress });
  try {
    const ids: string[] = [];
    for await (const { workflowId, status } of new Client({ connection }).workflow.list()) {
      expect(status.name).toBe('COMPLETED');
      ids.push(workflowId);
    }
    return ids.sort();
  } finally {
    await connection.close();
  }
}

/** @returns the files in the archive of the job, but the manifest */
async function unpack(http: HttpClient, id: string): Promise<{ name: string; sha256: string }[]> {
  const job = (await (await http(`/api/downloads/${id}`)).json()) as { archives: { url: string }[] };
  expect(job.archives).toHaveLength(1);
  const file = path.join(world.folder, `${id}.zip`);
  await writeFile(file, (await http(job.archives[0]?.url ?? '')).body ?? '');
  const zip = await openZip(file);
  try {
    const files: { name: string; sha256: string }[] = [];
    for (const entry of zip.entries) {
      if (entry.name === manifestName) continue;
      files.push({ name: entry.name, sha256: sha256(await collect(entry.open())) });
    }
    return files;
  } finally {
    zip.close();
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Gets, or with a body posts. @throws Error when there is no answer, or an error */
type HttpClient = (target: string, body?: unknown) => Promise<Response>;

async function logIn(url: string): Promise<HttpClient> {
  const form = new URLSearchParams({ user: user.id, password: user.password });
  const answer = await fetch(`${url}/login`, { method: 'POST', body: form, redirect: 'manual' });
  expect(answer.status).toBe(303);
  const cookie = answer.headers.getSetCookie().map((line) => line.split(';', 1)[0]);
  return async (target, body) => {
    const headers = { cookie: cookie.join('; ') };
    const json = { ...headers, 'content-type': 'application/json' };
    const response = await fetch(
      new URL(target, url),
      body === undefined ? { headers } : { method: 'POST', headers: json, body: JSON.stringify(body) },
    );
    if (!response.ok) throw new Error(`${target}: ${response.status} ${await response.text()}`);
    return response;
  };
}

/** The server of a data folder of its own, on the address that Satchel knows: a server comes back where it was before. */
async function startTemporal(): Promise<EmbeddedServer> {
  const dataFolder = path.join(world.folder, 'temporal');
  await mkdir(dataFolder);
  const record = { address: temporalAddress, uiUrl: `http://127.0.0.1:${await closedPort()}` };
  await writeFile(path.join(dataFolder, 'temporal.json'), JSON.stringify(record));
  const { path: binary } = await findTemporalBinary();
  const server = await startEmbeddedServer({ dataFolder, binary });
  expect(server.address).toBe(temporalAddress);
  return server;
}

/** A port of the loopback interface that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
