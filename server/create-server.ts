/** The loopback web server: login, the download inbox, the archives that mails link to, and the mailbox. */
import type { AddressInfo } from 'node:net';
import formbody from '@fastify/formbody';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import secureSession from '@fastify/secure-session';
import { fastify, type FastifyError, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { SatchelError } from '../workflows/contract/errors.js';
import { createAccounts } from './accounts.js';
import { crossOriginProblem } from './origin.js';
import { problemPage } from './pages/problem-page.js';
import { styleSheet } from './pages/style.js';
import { problemDetails, problemDocument, problemOf } from './problem.js';
import { registerApi } from './routes/api.js';
import { registerDownloads } from './routes/downloads.js';
import { registerLogin } from './routes/login.js';
import { registerMail } from './routes/mail.js';
import { queryBuilderRoute, registerQueryBuilder } from './routes/querybuilder.js';
import { registerWorkflows } from './routes/workflows.js';
import type { ServerServices } from './services.js';
import { sessionKey } from './session-key.js';

declare module '@fastify/secure-session' {
  interface SessionData {
    user: string;
    stamp: string;
  }
}

export interface ServerOptions {
  /** Address to listen on. Default 127.0.0.1: this machine only. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** How people reach this server through a proxy, `https://dam.example.com`. */
  readonly externalUrl?: string;
  /** Further ways that people reach it by; asked at every request that does not come by a known one. */
  readonly otherUrls?: () => Promise<readonly string[]>;
}

export interface SatchelServer {
  /** Where this machine reaches it, `http://127.0.0.1:<port>`. */
  readonly url: string;
  close(): Promise<void>;
}

const loopback = '127.0.0.1';
const sessionSeconds = 12 * 60 * 60;
const maxBodyBytes = 256 * 1024;
/** What may be seen without a login. */
const openRoutes = new Set(['/login', '/style.css', '/healthz']);

const pagePolicy = {
  'default-src': ["'none'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'frame-src': ["'self'"],
  'form-action': ["'self'"],
  'frame-ancestors': ["'none'"],
  'base-uri': ["'none'"],
};

/** @throws Error (EADDRINUSE) when the port is taken */
export async function createServer(services: ServerServices, options: ServerOptions): Promise<SatchelServer> {
  const { dataFolder, log, repository } = services;
  const app = fastify({
    bodyLimit: maxBodyBytes,
    // Archives take as long as the reader needs; a closing server does not wait for them.
    forceCloseConnections: true,
    exposeHeadRoutes: false,
  });
  const origins = new Set<string>();
  const secure = options.externalUrl?.startsWith('https:') ?? false;
  if (options.externalUrl !== undefined) origins.add(new URL(options.externalUrl).origin);

  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: pagePolicy },
    // Not the default no-referrer: browsers then send "Origin: null" with the forms of our own pages.
    referrerPolicy: { policy: 'same-origin' },
    // Whether a name is only ever reached by https is for the proxy to say.
    strictTransportSecurity: false,
  });
  await app.register(formbody, { bodyLimit: maxBodyBytes });
  await app.register(rateLimit, { global: false });
  await app.register(secureSession, {
    key: await sessionKey(dataFolder),
    cookieName: 'satchel',
    expiry: sessionSeconds,
    // Lax, not Strict: the link in a mail is followed from another site.
    cookie: { path: '/', httpOnly: true, sameSite: 'lax', secure, maxAge: sessionSeconds },
  });
  app.decorateRequest('account', null);
  app.setErrorHandler<FastifyError>(async (error, request, reply) => answerError(error, request, reply, log));
  app.setNotFoundHandler(async (request, reply) =>
    answerError(new SatchelError('PATH_NOT_FOUND', 'There is no such page.'), request, reply, log),
  );
  const accounts = createAccounts(repository);
  app.addHook('onRequest', async (request) => {
    let problem = crossOriginProblem(request, origins);
    if (problem !== undefined && options.otherUrls) {
      const others = (await options.otherUrls()).map((other) => new URL(other).origin);
      problem = crossOriginProblem(request, new Set([...origins, ...others]));
    }
    if (problem !== undefined) throw new SatchelError('NOT_ALLOWED', `The request is refused: ${problem}.`);
  });
  app.addHook('onRequest', async (request, reply) => {
    if (openRoutes.has(request.routeOptions.url ?? '')) return;
    const { user, stamp } = request.session;
    request.account = (user !== undefined && stamp !== undefined && (await accounts.resume(user, stamp))) || null;
    if (request.account) return;
    if (isApi(request)) throw new SatchelError('NOT_LOGGED_IN', 'Log in first: POST user and password to /login.');
    const next = request.method === 'GET' ? `?next=${encodeURIComponent(request.url)}` : '';
    await reply.redirect(`/login${next}`, 303);
  });

  app.get('/', async (_request, reply) => reply.redirect('/downloads', 303));
  app.get('/style.css', async (_request, reply) =>
    reply.type('text/css; charset=utf-8').header('cache-control', 'max-age=3600').send(styleSheet),
  );
  app.get('/healthz', async () => {
    await repository.head();
    return { status: 'ok', temporal: services.engine.temporal().state };
  });
  registerLogin(app, accounts, services);
  registerDownloads(app, services);
  registerMail(app, services.mailboxFolder);
  registerApi(app, services);
  registerWorkflows(app, services);
  registerQueryBuilder(app, services.repository);

  const { host = loopback } = options;
  await app.listen({ host, port: options.port });
  const { port } = app.server.address() as AddressInfo;
  for (const name of [loopback, 'localhost', host.includes(':') ? `[${host}]` : host])
    origins.add(`http://${name}:${port}`);
  const url = `http://${['0.0.0.0', '::'].includes(host) ? loopback : host}:${port}`;
  return { url, close: async () => app.close() };
}

function isApi({ url }: FastifyRequest): boolean {
  return url.startsWith('/api/') || url.startsWith('/bin/');
}

async function answerError(
  error: FastifyError | SatchelError,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Logger,
): Promise<void> {
  const problem = problemOf(asSatchelError(error));
  if (problem.unexpected) log.error({ err: error, method: request.method, url: request.url }, 'a request failed');
  const shown = problem.unexpected
    ? { ...problem, message: 'Something went wrong here; the log of the server says what.' }
    : problem;
  reply.code(problem.status);
  if (request.routeOptions.url === queryBuilderRoute) {
    await reply.type('application/problem+json').send(problemDetails(shown));
  } else if (isApi(request)) await reply.send(problemDocument(shown));
  else {
    const user = request.account ? { user: request.account.id } : {};
    await reply
      .type('text/html; charset=utf-8')
      .send(problemPage(user, problem.status === 404 ? 'Not found' : 'This did not work', shown.message));
  }
}

/** What the web framework itself refuses (a body that does not parse or is too large) is the request's fault. */
function asSatchelError(error: FastifyError | SatchelError): Error {
  if (error instanceof SatchelError || error.statusCode === undefined || error.statusCode >= 500) return error;
  return new SatchelError('INVALID_REQUEST', error.message, { cause: error });
}
