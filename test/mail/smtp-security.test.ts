/** E8: what goes over the network to a mail server: TLS, logins, the rate, and addresses beyond ASCII. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createSmtpTransport, type SmtpOptions } from '../../activities/mail/smtp-transport.js';
import { startSmtpServer } from './smtp-server.js';
import { testMail } from './transport-conformance.js';

const noOpenssl = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status !== 0;

let folder: string;
let certificate: { readonly key: string; readonly cert: string };

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'satchel-tls-'));
  if (noOpenssl) return;
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=mail.test', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, ...subject];
  execFileSync('openssl', args, { stdio: 'ignore' });
  certificate = { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Records who logged in, and whether the mails came encrypted. */
async function startServer(options: SMTPServerOptions) {
  const logins: string[] = [];
  const mails: { readonly secure: boolean }[] = [];
  const server = new SMTPServer({
    authOptional: true,
    closeTimeout: 100,
    disableReverseLookup: true,
    onAuth: ({ username, password }, _session, callback) => {
      logins.push(`${String(username)}:${String(password)}`);
      callback(password === 'right' ? null : new Error('wrong password'), { user: username });
    },
    onData: (stream, { secure }, callback) => {
      stream.resume().on('end', () => {
        mails.push({ secure });
        callback();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.server.address() as AddressInfo;
  const send = async (more: Partial<SmtpOptions>, to = 'ana@example.com') => {
    const transport = createSmtpTransport({ host: '127.0.0.1', port, ...more });
    onTestFinished(() => transport.close());
    return transport.send(await testMail(to));
  };
  return { logins, mails, send };
}

const login = { user: 'satchel', password: 'right' };

describe.skipIf(noOpenssl)(`TLS${noOpenssl ? ' needs the program openssl' : ''}`, () => {
  it('from the first byte, with a certificate that is trusted by its file', async () => {
    const { mails, logins, send } = await startServer({ secure: true, ...certificate });
    await send({ security: 'implicit', ca: certificate.cert, ...login });
    expect([mails, logins]).toEqual([[{ secure: true }], ['satchel:right']]);
  });

  it('by STARTTLS, before the login', async () => {
    const { mails, logins, send } = await startServer({ ...certificate });
    await send({ ca: certificate.cert, ...login });
    expect([mails, logins]).toEqual([[{ secure: true }], ['satchel:right']]);
  });

  it.each(['implicit', 'required', 'opportunistic'] as const)(
    'sends nothing where the certificate is not trusted (%s)',
    async (security) => {
      const { mails, logins, send } = await startServer({ secure: security === 'implicit', ...certificate });
      await expect(send({ security, ...login, allowPlainLogin: true })).rejects.toMatchObject({
        code: 'MAIL_UNAVAILABLE',
        details: { unreachable: true },
      });
      expect([mails, logins]).toEqual([[], []]);
    },
  );
});

describe('a login', () => {
  it('is not sent over a connection that cannot be encrypted, unless that is allowed', async () => {
    const { mails, logins, send } = await startServer({ disabledCommands: ['STARTTLS'], allowInsecureAuth: true });
    await expect(send(login)).rejects.toMatchObject({ code: 'MAIL_UNAVAILABLE', details: { unreachable: true } });
    expect([mails, logins]).toEqual([[], []]);
    await send({ ...login, allowPlainLogin: true });
    expect([mails, logins]).toEqual([[{ secure: false }], ['satchel:right']]);
  });

  it.each(['opportunistic', 'none'] as const)('cannot be configured with TLS that is %s', (security) => {
    const options = { host: 'mail.test', port: 587, security, ...login };
    expect(() => createSmtpTransport(options)).toThrow(/could go over the network unencrypted/);
    createSmtpTransport({ ...options, allowPlainLogin: true });
  });

  it('that is refused makes mails wait, and is in no message', async () => {
    const { mails, send } = await startServer({ disabledCommands: ['STARTTLS'], allowInsecureAuth: true });
    const problem = await send({ user: 'satchel', password: 'wr0ng-s3cret', allowPlainLogin: true }).catch(
      (error: unknown) => error as Error,
    );
    expect(problem).toMatchObject({ code: 'MAIL_UNAVAILABLE', details: { unreachable: true } });
    const { message, stack, cause } = problem as Error;
    expect(JSON.stringify([problem, message, stack, cause, (cause as Error).stack])).not.toContain('wr0ng-s3cret');
    expect(mails).toEqual([]);
  });

  it('is wanted where one is configured, also by a server that does not ask', async () => {
    const { mails, send } = await startServer({ disabledCommands: ['STARTTLS', 'AUTH'] });
    await expect(send({ ...login, allowPlainLogin: true })).rejects.toThrow(/offers no login/);
    expect(mails).toEqual([]);
  });
});

describe('the connection', () => {
  it('is tried without sending', async () => {
    const server = await startSmtpServer();
    const transport = createSmtpTransport({ host: '127.0.0.1', port: server.port });
    onTestFinished(() => transport.close());
    await transport.verify?.();
    await transport.send(await testMail('ana@example.com'));
    expect(server.connections).toBe(1);
    await server.close();
    await transport.close();
    const again = createSmtpTransport({ host: '127.0.0.1', port: server.port });
    await expect(again.verify?.()).rejects.toMatchObject({ code: 'MAIL_UNAVAILABLE' });
  });

  it('is one of at most so many', async () => {
    const server = await startSmtpServer();
    const transport = createSmtpTransport({ host: '127.0.0.1', port: server.port, connections: () => 3 });
    onTestFinished(() => transport.close());
    const mails = Array.from({ length: 20 }, (_, index) => testMail(`p${index}@example.com`));
    await Promise.all(mails.map(async (mail) => transport.send(await mail)));
    expect(server.accepted).toHaveLength(20);
    expect(server.connections).toBeLessThanOrEqual(3);
  });
});

describe('the rate', () => {
  it('does not keep a mail that is no longer wanted', async () => {
    const server = await startSmtpServer();
    const transport = createSmtpTransport({ host: '127.0.0.1', port: server.port, messagesPerSecond: () => 1 });
    onTestFinished(() => transport.close());
    const [first, second] = [await testMail('ana@example.com'), await testMail('ben@example.com')];
    await transport.send(first);
    const stop = new AbortController();
    const held = transport.send(second, stop.signal);
    stop.abort(new Error('stop'));
    await expect(held).rejects.toThrow('stop');
    expect(server.accepted).toHaveLength(1);
  });
});

describe('addresses beyond ASCII', () => {
  it('are refused for good, with the reason, by a server without SMTPUTF8; nothing is sent', async () => {
    const { mails, send } = await startServer({ disabledCommands: ['STARTTLS'], hideSMTPUTF8: true });
    await expect(send({}, 'jörg@example.com')).rejects.toMatchObject({
      code: 'MAIL_REJECTED',
      message: expect.stringContaining('it offers no SMTPUTF8') as string,
    });
    await send({}, 'joerg@xn--fsqu00a.test');
    expect(mails).toHaveLength(1);
  });
});
