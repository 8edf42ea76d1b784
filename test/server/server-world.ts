/** A server on 127.0.0.1 over a real repository in a temporary folder, and a browser of sorts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { createDownload, setArchives } from '../../dam/download-job-store.js';
import { bootstrapRepository } from '../../activities/satchel/bootstrap-repository.js';
import { adminUser, type Repository, type Session } from '../../repository/api.js';
import { createSettings } from '../../dam/settings/settings.js';
import { createOverlayResolver } from '../../repository/overlay/resolver.js';
import { openRepository } from '../../repository/repository.js';
import { createFilesystemBlobStore } from '../../repository/store/filesystem/filesystem-blob-store.js';
import { createLevelNodeStore } from '../../repository/store/level/level-node-store.js';
import { createUser } from '../../repository/users.js';
import { createServer, type SatchelServer, type ServerOptions } from '../../server/create-server.js';
import { hashPassword } from '../../server/passwords.js';
import type { ServerServices } from '../../server/services.js';
import { parseDownloadRequest } from '../../workflows/contract/download-request.js';
import type { PackedArchives } from '../../workflows/contract/plan.js';

export interface ServerWorld {
  readonly repository: Repository;
  readonly mailboxFolder: string;
  /** Changes content as the administrator, and saves. */
  change(work: (session: Session) => Promise<unknown>): Promise<void>;
  addUser(id: string, options?: { groups?: string[]; email?: string; password?: string }): Promise<void>;
  /** A download as the steps leave it: packed and delivered. */
  addDownload(options: {
    id: string;
    initiator: string;
    /** Addresses that are notified. */
    email?: string[];
    archives: PackedArchives;
    tenant?: string;
    delivered?: boolean;
  }): Promise<void>;
  serve(engine: ServerServices['engine'], options?: Partial<ServerOptions>): Promise<SatchelServer>;
  close(): Promise<void>;
}

export async function createServerWorld(): Promise<ServerWorld> {
  const folder = await mkdtemp(path.join(tmpdir(), 'satchel-server-'));
  const repository = await openRepository({
    nodes: await createLevelNodeStore({ folder: path.join(folder, 'nodes') }),
    blobs: await createFilesystemBlobStore({ folder: path.join(folder, 'blobs') }),
  });
  const overlay = createOverlayResolver({ repository });
  const servers: SatchelServer[] = [];
  const change: ServerWorld['change'] = async (work) =>
    repository.withSession(adminUser, async (session) => {
      await work(session);
      await session.save();
    });
  await bootstrapRepository(repository);
  const mailboxFolder = path.join(folder, 'mail');
  return {
    repository,
    mailboxFolder,
    change,
    addUser: async (id, { groups = ['dam-users'], email, password = `password of ${id}` } = {}) =>
      change(async (session) => {
        const passwordHash = await hashPassword(password);
        await createUser(session, { id, groups, passwordHash, ...(email !== undefined && { email }) });
      }),
    addDownload: async ({ id, initiator, email = [], archives, tenant = 'global', delivered = true }) =>
      change(async (session) => {
        const download = await createDownload(session, {
          id,
          initiator,
          tenant,
          request: parseDownloadRequest({ paths: ['/content/dam'], email }),
          workflowId: id,
          created: new Date(),
        });
        await setArchives(session, download, archives);
        if (delivered) await session.setProperties(download, { delivered: new Date() });
      }),
    serve: async (engine, options = {}) => {
      const log = pino({ level: 'silent' });
      const services = {
        repository,
        overlay,
        settings: createSettings({ overlay }),
        engine,
        mailboxFolder,
        dataFolder: folder,
        log,
      };
      const server = await createServer(services, { port: 0, ...options });
      servers.push(server);
      return server;
    },
    close: async () => {
      for (const server of servers) await server.close();
      await repository.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

/** Keeps the login cookie; follows no redirect. */
export class Browser {
  #cookie: string | undefined;
  constructor(readonly url: string) {}

  async get(target: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send('GET', target, headers);
  }

  async post(target: string, form: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Answer> {
    const type = { 'content-type': 'application/x-www-form-urlencoded', origin: this.url };
    return this.send('POST', target, { ...type, ...headers }, new URLSearchParams(form).toString());
  }

  async logIn(user: string, password = `password of ${user}`): Promise<Answer> {
    return this.post('/login', { user, password });
  }

  async send(method: string, target: string, headers: Record<string, string> = {}, body = ''): Promise<Answer> {
    const answer = await new Promise<Omit<Answer, 'text'>>((resolve, reject) => {
      const { hostname, port } = new URL(this.url);
      const cookie = this.#cookie === undefined ? {} : { cookie: this.#cookie };
      // The path goes out as it is written: URL would tidy it up.
      const outgoing = httpRequest({ hostname, port, method, path: target, headers: { ...cookie, ...headers } });
      outgoing.on('error', reject);
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }),
        );
      });
      outgoing.end(body);
    });
    const [cookie] = answer.headers['set-cookie'] ?? [];
    if (cookie !== undefined) this.#cookie = cookie.split(';')[0] ?? '';
    return { ...answer, text: answer.body.toString() };
  }
}
