/**
 * E7: a mail server that is not ours gets every mail once while the processes that send are killed, two attempts run at the same
 * time, and the network fails. `SATCHEL_MAILS=10000` is the long form.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import PostalMime from 'postal-mime';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { listOutbox } from '../../activities/mail/outbox.js';
import { templatesPath } from '../../activities/mail/template-source.js';
import { importContentFolder } from '../../repository/content/import-content-folder.js';
import { openRepository } from '../../repository/repository.js';
import { createFilesystemBlobStore } from '../../repository/store/filesystem/filesystem-blob-store.js';
import { createPostgresNodeStore } from '../../repository/store/postgres/postgres-node-store.js';
import { buildFixture } from '../cli/build-fixture.js';
import { temporaryFolder } from '../repository/world.js';
import { postgresServer, stopPostgresServer } from '../support/postgres-server.js';
import { startFaultyProxy, type Fault } from './faulty-proxy.js';
import type { WorkerAnswer, WorkerOptions, WorkerOrder } from './fixtures/mail-worker.js';
import { maildirServerMissing, startMaildirServer, type KeptMail } from './maildir-server.js';
import { orderVariables } from './mail-world.js';
import { templatesFolder } from './template-files.js';

const total = Number(process.env['SATCHEL_MAILS'] ?? 300);
const perOrder = 50;
const workers = 2;
const connections = 2;
const kills = Math.min(100, Math.ceil(total / 50));
const outbox = '/var/mail/outbox/killed';

afterAll(stopPostgresServer);

/** The same numbers in every run (mulberry32), so that a failure comes again. */
function createRandom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function openStores() {
  const { url } = await postgresServer();
  const [schema, blobs] = [`m_${randomUUID().replaceAll('-', '')}`, await temporaryFolder()];
  const repository = await openRepository({
    nodes: await createPostgresNodeStore({ url, schema, poolSize: 4 }),
    blobs: await createFilesystemBlobStore({ folder: blobs, alone: false }),
  });
  onTestFinished(() => repository.close());
  await repository.withSession('admin', async (session) => {
    await importContentFolder({ session, folder: templatesFolder, target: `/libs/settings/${templatesPath}` });
    await session.ensureNode(outbox);
    await session.save();
  });
  return { repository, url, schema, blobs };
}

/** Gives orders to workers until all are done; a worker that is gone is replaced, and its order given to another one. */
async function deliverAll(
  orders: readonly WorkerOrder[],
  program: string,
  options: WorkerOptions,
  alive: Set<ChildProcess>,
) {
  // As after a lost heartbeat: of every third one another attempt begins while the first is still at it.
  const waiting = orders.flatMap((order, index) => (index % 3 === 0 ? [order, order] : [order]));
  const lane = async () => {
    let worker: ChildProcess | undefined;
    for (let order = waiting.shift(); order; order = waiting.shift()) {
      if (!worker || !alive.has(worker)) worker = await startWorker(program, options, alive);
      const answer = await ask(worker, order);
      if (!answer?.done) waiting.push(order);
    }
    worker?.kill('SIGKILL');
  };
  await Promise.all(Array.from({ length: workers }, lane));
}

async function startWorker(program: string, options: WorkerOptions, alive: Set<ChildProcess>): Promise<ChildProcess> {
  const child = fork(program, [JSON.stringify(options)], { execArgv: [] });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.once('exit', () => alive.delete(child));
  await once(child, 'message');
  alive.add(child);
  return child;
}

/** @returns `undefined` when the worker ended before it answered */
async function ask(worker: ChildProcess, order: WorkerOrder): Promise<{ readonly done: boolean } | undefined> {
  return new Promise((resolve) => {
    const gone = () => resolve(undefined);
    worker.once('exit', gone);
    worker.once('message', (message: WorkerAnswer) => {
      worker.off('exit', gone);
      resolve('done' in message ? message : undefined);
    });
    if (worker.connected) worker.send(order, (error) => error && gone());
    else gone();
  });
}

const messageIdOf = ({ raw }: KeptMail) => /^Message-ID: (<[^>]+>)/im.exec(raw.toString('latin1'))?.[1] ?? '';

describe.skipIf(maildirServerMissing !== undefined)(`mail while workers die ${maildirServerMissing ?? ''}`, () => {
  it(
    `of ${total} mails none is missing, and each came once but for those whose reply was lost`,
    async () => {
      const folder = path.join(await temporaryFolder(), 'mails');
      await mkdir(folder);
      const server = await startMaildirServer(folder);
      const { repository, url, schema, blobs } = await openStores();
      const random = createRandom(7);
      const faultOf = (nth: number): Fault => {
        if (nth % 2 === 0) killSomebodyAt(nth);
        const chance = random();
        if (chance < 0.02) return 'later';
        if (chance < 0.035) return 'drop';
        if (chance < 0.05) return 'slow';
        return chance < 0.06 ? 'lose' : 'pass';
      };
      const alive = new Set<ChildProcess>();
      const killAt = new Set(
        Array.from({ length: kills }, (_, index) => Math.floor((index + random()) * (total / kills))),
      );
      let killed = 0;
      function killSomebodyAt(nth: number): void {
        if (!killAt.delete(nth)) return;
        const victims = [...alive];
        const victim = victims[Math.floor(random() * victims.length)];
        if (victim?.kill('SIGKILL')) killed++;
      }
      // Some before the message, some in the worst moment: the server has it, and whoever sent it does not know.
      const proxy = await startFaultyProxy(server.port, faultOf, (nth) => {
        if (nth % 2 === 1) killSomebodyAt(nth);
      });
      const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const options: WorkerOptions = {
        url,
        schema,
        blobs,
        smtpPort: proxy.port,
        connections,
        leaseTime: 1_500,
        dkim: {
          domain: 'example.com',
          selector: 'test',
          privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
        },
      };
      const addresses = Array.from({ length: total }, (_, index) => `person${index}@example.org`);
      const orders = Array.from({ length: Math.ceil(total / perOrder) }, (_, index): WorkerOrder => ({
        template: 'downloadasset',
        recipients: addresses
          .slice(index * perOrder, (index + 1) * perOrder)
          .map((address, at) => ({ address, displayName: `Änne ${at}`, language: at % 2 === 0 ? 'de' : 'ja' })),
        variables: orderVariables(),
        outboxParent: outbox,
        idempotencyKey: `w${index}/notify`,
      }));
      await deliverAll(orders, await buildFixture(new URL('fixtures/mail-worker.ts', import.meta.url)), options, alive);

      const mails = await server.mails();
      const byId = new Map<string, KeptMail[]>();
      for (const mail of mails) byId.set(messageIdOf(mail), [...(byId.get(messageIdOf(mail)) ?? []), mail]);
      expect([...new Set(mails.map(({ to }) => to))].sort(), 'none missing').toEqual(addresses.toSorted());
      expect(byId.size).toBe(total);
      const records = await repository.withSession('admin', (session) => listOutbox(session, outbox));
      expect(records.map(({ messageId }) => messageId).sort()).toEqual([...byId.keys()].sort());
      expect(new Set(records.map(({ state }) => state))).toEqual(new Set(['sent']));

      const duplicates = mails.length - total;
      const { later, drop, slow, lose } = proxy.counts;
      console.log(
        `${total} mails, ${killed} workers killed; ${later} refused for now, ${drop} connections dropped, ${slow} slow, ` +
          `${lose} replies lost: ${duplicates} duplicates, at most ${killed * connections + lose} possible`,
      );
      expect(killed).toBeGreaterThan(kills / 2);
      expect(Math.min(later, drop, slow, lose)).toBeGreaterThan(0);
      expect(duplicates).toBeLessThanOrEqual(killed * connections + lose);
      for (const [id, same] of byId) {
        const [first, ...others] = same;
        for (const other of others) expect(other.raw.equals(first?.raw ?? Buffer.alloc(0)), id).toBe(true);
      }

      const key = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
      const resolver = async (name: string) => {
        expect(name).toBe('test._domainkey.example.com');
        return Promise.resolve([[`v=DKIM1; k=rsa; p=${key}`]]);
      };
      for (const [first] of byId.values()) {
        const raw = first?.raw ?? Buffer.alloc(0);
        const { results } = await dkimVerify(raw, { resolver });
        expect(results.map(({ status }) => status.result)).toEqual(['pass']);
        const parsed = await PostalMime.parse(raw);
        expect(parsed.to?.[0]?.address).toBe(first?.to);
        expect(parsed.to?.[0]?.name).toMatch(/^Änne \d+$/);
        expect(parsed.subject).toMatch(/Summer Lookbook/);
        expect(parsed.html).toContain('</html>');
        expect(parsed.text).not.toBe('');
      }
    },
    total > 1000 ? 3_600_000 : 120_000,
  );
});
