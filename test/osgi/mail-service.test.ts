/** The mail server of an OSGi configuration: a real one, which changes while Satchel runs. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listMailbox } from '../../activities/mail/mailbox.js';
import { createSmtpTransport } from '../../activities/mail/smtp-transport.js';
import type { MailTransport, OutgoingMail } from '../../activities/mail/transport.js';
import type { Satchel } from '../../compose.js';
import { createMailServiceTransport } from '../../engine/mail-service-transport.js';
import { mailServerOf, type MailServer } from '../../engine/osgi-mail-service.js';
import { osgiValueProblems } from '../../engine/osgi-mappings.js';
import { globalTenant } from '../../repository/overlay/layers.js';
import { parseFelixConfig } from '../../repository/osgi/parse-felix-config.js';
import { createCommandWorld } from '../cli/command-world.js';
import { orderVariables } from '../mail/mail-world.js';
import { startSmtpServer } from '../mail/smtp-server.js';
import { putFile, removeNode } from './osgi-world.js';

const pid = 'com.day.cq.mailer.DefaultMailService';
const file = `/apps/portal/config/${pid}.config`;
const serviceAt = (port: number) => `smtp.host="127.0.0.1"\nsmtp.port=I"${port}"\nfrom.address="dam@portal.example"\n`;

async function open(configuration: object = {}) {
  const world = await createCommandWorld(async (folder) => {
    await mkdir(path.join(folder, 'data'));
    await writeFile(path.join(folder, 'data', 'satchel.json'), JSON.stringify(configuration));
  });
  onTestFinished(() => world.close());
  return world.satchel;
}

async function send({ repository, mailer }: Satchel, key: string): Promise<void> {
  await repository.withSession({ service: 'workflow' }, async (session) => {
    const order = {
      template: 'downloadasset',
      tenant: globalTenant,
      recipients: [{ address: 'mara@example.com' }],
      variables: orderVariables(),
      outboxParent: '/var/mail/outbox/test',
      idempotencyKey: key,
    };
    await mailer.deliver(session, order, new AbortController().signal);
  });
}

describe('the mail service', () => {
  it('sends over the server that the configuration names now, and into the mailbox where none does', async () => {
    const [first, second] = [await startSmtpServer(), await startSmtpServer()];
    const satchel = await open();
    await putFile(satchel.repository, file, serviceAt(first.port));
    await send(satchel, 'one');
    await putFile(satchel.repository, file, serviceAt(second.port));
    await send(satchel, 'two');
    await removeNode(satchel.repository, file);
    await send(satchel, 'three');
    expect(first.accepted.map(({ from }) => from)).toEqual(['dam@portal.example']);
    expect(second.accepted).toHaveLength(1);
    expect(await listMailbox(satchel.mailbox?.folder ?? '', { limit: 10 })).toHaveLength(1);
  });

  it('does not count where satchel.json names a server', async () => {
    const [configured, other] = [await startSmtpServer(), await startSmtpServer()];
    const satchel = await open({ mail: { smtp: `smtp://127.0.0.1:${configured.port}`, from: 'satchel@example.com' } });
    await putFile(satchel.repository, file, serviceAt(other.port));
    await send(satchel, 'one');
    expect(configured.accepted.map(({ from }) => from)).toEqual(['satchel@example.com']);
    expect(other.connections).toBe(0);
    expect(await satchel.osgi.all()).toMatchObject([
      { state: 'active', overruledBy: 'mail.smtp of the configuration' },
    ]);
  });

  it('keeps the server for mails under way when another one is named', async () => {
    const closed: string[] = [];
    const sent: string[] = [];
    let server: MailServer | undefined = { host: 'slow', port: 25 };
    let release: (() => void) | undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const fake = (name: string): MailTransport => ({
      send: async ({ to }) => {
        if (name === 'slow') await held;
        if (closed.includes(name)) throw new Error('closed');
        sent.push(`${to} over ${name}`);
        return { response: '250' };
      },
      close: async () => void closed.push(name),
    });
    const transport = createMailServiceTransport({
      server: async () => server,
      open: async ({ host }) => fake(host),
      otherwise: fake('mailbox'),
    });
    const mail = (to: string): OutgoingMail => ({ from: 'a@x', to, messageId: '<1@x>', raw: new Uint8Array() });
    const slow = transport.send(mail('first'));
    server = { host: 'fast', port: 25 };
    await transport.send(mail('second'));
    expect(closed).toEqual([]);
    release?.();
    await slow;
    server = undefined;
    await transport.send(mail('third'));
    expect(sent).toEqual(['second over fast', 'first over slow', 'third over mailbox']);
    expect(closed.sort()).toEqual(['fast', 'slow']);
    await transport.close();
    expect(closed.sort()).toEqual(['fast', 'mailbox', 'slow']);
  });

  it('sends nothing without TLS where that is required', async () => {
    const server = await startSmtpServer();
    const transport = createSmtpTransport({ host: '127.0.0.1', port: server.port, security: 'required' });
    onTestFinished(() => transport.close());
    const mail = { from: 'a@example.com', to: 'b@example.com', messageId: '<1@example.com>', raw: Buffer.from('x') };
    await expect(transport.send(mail)).rejects.toMatchObject({
      code: 'MAIL_UNAVAILABLE',
      details: { unreachable: true },
    });
    expect(server.received).toHaveLength(0);
  });
});

describe('the properties of the mail service', () => {
  const parse = (text: string) => parseFelixConfig(text, 'a.config');

  it('say which server it is', () => {
    expect(mailServerOf(parse('smtp.host="mail.example.com"'))).toEqual({
      host: 'mail.example.com',
      port: 25,
    });
    const all =
      'smtp.host="m"\nsmtp.port=I"465"\nsmtp.user="u"\nsmtp.password="p w"\nsmtp.ssl=B"true"\nsmtp.requiretls=B"true"';
    const expected = { host: 'm', port: 465, user: 'u', password: 'p w', security: 'implicit' };
    expect(mailServerOf(parse('smtp.host="m"\nsmtp.requiretls=B"true"'))).toMatchObject({ security: 'required' });
    expect(mailServerOf(parse(all))).toEqual(expected);
    expect(mailServerOf(parse('smtp.port=I"25"'))).toBeUndefined();
  });

  it.each([
    ['smtp.port=I"70000"', '"smtp.port" must be a port from 1 to 65535'],
    ['smtp.host="a b"', '"smtp.host" must be the name or address of a host'],
    ['smtp.ssl="yes"', '"smtp.ssl" must be "true" or "false"'],
    ['smtp.password="{6dc9ab4d8a5f1e2b3c4d}"', '"smtp.password" is encrypted by AEM’s Crypto Support'],
    ['from.address="nobody"', '"from.address" must be an address'],
  ])('cannot be %s', (text, message) => {
    const [problem] = osgiValueProblems(pid, parse(`\n${text}`));
    expect(problem).toMatchObject({ line: 2, message: expect.stringContaining(message) as string });
  });
});
