/** E7: leases, retries that end, signatures, and what the wire sees of addresses. */
import { generateKeyPairSync } from 'node:crypto';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import PostalMime from 'postal-mime';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createSigner } from '../../activities/mail/dkim.js';
import type { MailOrder } from '../../activities/mail/mailer.js';
import { listOutbox } from '../../activities/mail/outbox.js';
import { retryAfterSeconds } from '../../activities/mail/retry-times.js';
import { createSmtpTransport } from '../../activities/mail/smtp-transport.js';
import type { MailTransport } from '../../activities/mail/transport.js';
import { createMailWorld, orderVariables, type MailWorld } from './mail-world.js';
import { startSmtpServer } from './smtp-server.js';

const going = new AbortController().signal;

async function orderFor(world: MailWorld, ...addresses: readonly string[]): Promise<MailOrder> {
  await world.session.ensureNode('/conf/aurora');
  await world.session.save();
  return {
    template: 'downloadasset',
    tenant: await world.tenant('aurora'),
    recipients: addresses.map((address) => ({ address })),
    variables: orderVariables(),
    outboxParent: '/var/mail/outbox/w1',
    idempotencyKey: 'w1/notify',
  };
}

function transportTo(port: number): MailTransport {
  const transport = createSmtpTransport({ host: '127.0.0.1', port });
  onTestFinished(() => transport.close());
  return transport;
}

const mailSettings = (world: MailWorld, properties: Record<string, string | number>) =>
  world.writeNode('/conf/aurora/settings/dam/mail', properties);

describe('two attempts at the same time', () => {
  it('send a mail once, however slow the server is: the lease of the first is renewed', async () => {
    const world = await createMailWorld();
    let release: (() => void) | undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const sent: string[] = [];
    const slow: MailTransport = {
      send: async ({ to }) => {
        sent.push(to);
        await held;
        return { response: '250 taken' };
      },
      close: () => Promise.resolve(),
    };
    const options = { leaseTime: 300 };
    const order = await orderFor(world, 'ana@example.com');
    const first = world.mailer(slow, options).deliver(world.session, order, going);
    await expect.poll(() => sent).toHaveLength(1);
    // Waits for two leases, finds the mail held, and leaves it.
    await expect(world.mailer(slow, options).deliver(await world.newSession(), order, going)).rejects.toMatchObject({
      code: 'MAIL_UNAVAILABLE',
      message: expect.stringContaining('Another attempt is sending it') as string,
    });
    release?.();
    expect(await first).toMatchObject([{ state: 'sent' }]);
    expect(sent).toHaveLength(1);
    expect(await world.mailer(slow, options).deliver(await world.newSession(), order, going)).toEqual(await first);
    expect(sent).toHaveLength(1);
  });

  it('take over what an attempt left that gives no sign of life any more', async () => {
    const world = await createMailWorld();
    const server = await startSmtpServer();
    const order = await orderFor(world, 'ana@example.com');
    await world.mailer(transportTo(server.port)).deliver(world.session, order, going);
    const [record] = await listOutbox(world.session, order.outboxParent);
    await world.session.setProperties(record?.path ?? '', {
      state: 'pending',
      leaseOwner: 'gone',
      leaseUntil: new Date(Date.now() + 500),
    });
    await world.session.save();
    expect(await world.mailer(transportTo(server.port)).deliver(await world.newSession(), order, going)).toMatchObject([
      { state: 'sent' },
    ]);
    expect(server.accepted).toHaveLength(2);
    expect(server.accepted[1]?.raw.equals(server.accepted[0]?.raw ?? Buffer.alloc(0))).toBe(true);
  });

  it('wait for no other process where there is none', async () => {
    const world = await createMailWorld();
    const server = await startSmtpServer((_to, nth) => (nth === 0 ? 451 : 250));
    const order = await orderFor(world, 'ana@example.com');
    const mailer = world.mailer(transportTo(server.port), { alone: true });
    await expect(mailer.deliver(world.session, order, going)).rejects.toMatchObject({ code: 'MAIL_UNAVAILABLE' });
    const [record] = await listOutbox(world.session, order.outboxParent);
    const tomorrow = new Date(Date.now() + 86_400_000);
    await world.session.setProperties(record?.path ?? '', { leaseOwner: 'killed/1', leaseUntil: tomorrow });
    await world.session.save();
    expect(await mailer.deliver(world.session, order, going)).toMatchObject([{ state: 'sent' }]);
  });
});

describe('trying again', () => {
  it('comes after 5, 15, 45 … seconds, at most half an hour', () => {
    expect([1, 2, 3, 4, 20].map(retryAfterSeconds)).toEqual([5, 15, 45, 135, 1800]);
  });

  it('waits for its moment, and says when that is; the others are not sent again', async () => {
    const world = await createMailWorld();
    const server = await startSmtpServer((to) => (to.startsWith('ben') ? 451 : 250), { at: 'recipient' });
    const mailer = world.mailer(transportTo(server.port), { retryAfter: retryAfterSeconds });
    const order = await orderFor(world, 'ana@example.com', 'ben@example.com');
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(mailer.deliver(world.session, order, going)).rejects.toMatchObject({
        message: expect.stringMatching(/^1 of 2 mails wait for another attempt: .*451/) as string,
        details: { retryAfterSeconds: 5 },
      });
    }
    expect(server.accepted.map(({ to }) => to[0])).toEqual(['ana@example.com']);
    const records = await listOutbox(world.session, order.outboxParent);
    expect(records.find(({ to }) => to === 'ben@example.com')).toMatchObject({ state: 'pending', attempts: 1 });
  });

  it('ends when the tenant says so: the mail failed, with its reason, and the work goes on', async () => {
    const world = await createMailWorld();
    await mailSettings(world, { giveUpMinutes: 0 });
    const server = await startSmtpServer((to) => (to.startsWith('ben') ? 451 : 250), { at: 'recipient' });
    const mailer = world.mailer(transportTo(server.port), { retryAfter: retryAfterSeconds });
    const order = await orderFor(world, 'ana@example.com', 'ben@example.com');
    const mails = await mailer.deliver(world.session, order, going);
    expect(mails).toMatchObject([
      { state: 'sent' },
      { state: 'failed', error: { message: expect.stringMatching(/^Given up after 1 attempts: .*451/) as string } },
    ]);
  });

  it('writes all mails while there is no server, and sends them when it is back', async () => {
    const world = await createMailWorld();
    const server = await startSmtpServer();
    await server.close();
    const mailer = world.mailer(transportTo(server.port));
    const addresses = Array.from({ length: 60 }, (_, index) => `p${index}@example.com`);
    const order = await orderFor(world, ...addresses);
    await expect(mailer.deliver(world.session, order, going)).rejects.toThrow(/^60 of 60 mails wait/);
    const written = await listOutbox(world.session, order.outboxParent);
    expect(new Set(written.map(({ state }) => state))).toEqual(new Set(['pending']));
    expect(written).toHaveLength(60);
    const back = await startSmtpServer(undefined, { port: server.port });
    expect(await mailer.deliver(await world.newSession(), order, going)).toHaveLength(60);
    expect(back.accepted.map(({ to }) => to[0]).sort()).toEqual(addresses.toSorted());
  });
});

describe('a mail on the wire', () => {
  it('bounces to, is answered to, and unsubscribed from as its tenant says', async () => {
    const world = await createMailWorld();
    await mailSettings(world, {
      from: 'Aurora <post@aurora.example>',
      replyTo: 'Hélène <help@aurora.example>',
      bounce: 'bounces@aurora.example',
      unsubscribe: 'https://aurora.example/mail',
    });
    const server = await startSmtpServer();
    await world
      .mailer(transportTo(server.port))
      .deliver(world.session, await orderFor(world, 'ana@example.com'), going);
    const [mail] = server.accepted;
    expect(mail?.from).toBe('bounces@aurora.example');
    const { from, replyTo, headers } = await PostalMime.parse(mail?.raw ?? '');
    expect(from?.address).toBe('post@aurora.example');
    expect(replyTo).toEqual([{ name: 'Hélène', address: 'help@aurora.example' }]);
    expect(headers).toContainEqual(
      expect.objectContaining({ key: 'list-unsubscribe', value: '<https://aurora.example/mail>' }),
    );
  });

  it('is signed by the key of its sender’s domain, the closest one, and by none where none fits', async () => {
    const world = await createMailWorld();
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const key = (domain: string) => ({ domain, selector: 's1', privateKey: pem });
    const sign = createSigner([key('example'), key('aurora.example'), key('other.test')]);
    const server = await startSmtpServer();
    const mailer = world.mailer(transportTo(server.port), { sign });
    const order = await orderFor(world, 'ana@example.com');
    await mailer.deliver(world.session, order, going);
    await mailSettings(world, { from: 'post@mail.aurora.example' });
    await mailer.deliver(world.session, { ...order, idempotencyKey: 'w2' }, going);
    const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    const resolver = async () => Promise.resolve([[`v=DKIM1; k=rsa; p=${spki}`]]);
    const verified = await Promise.all(server.accepted.map(({ raw }) => dkimVerify(raw, { resolver })));
    expect(
      verified.map(({ results }) => results.map(({ status, signingDomain }) => [status.result, signingDomain])),
    ).toEqual([[['none', undefined]], [['pass', 'aurora.example']]]);
  });

  it('cannot be signed by what is no RSA key', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const signer = (text: string) => () => createSigner([{ domain: 'a.test', selector: 's', privateKey: text }]);
    expect(signer('no key')).toThrow(/DKIM key of a.test is no private key/);
    expect(signer(pem)).toThrow(/RSA keys are supported/);
  });
});
