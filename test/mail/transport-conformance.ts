/** What every mail transport must do, against a server whose answers are known. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { composeMessage, messageIdOf } from '../../activities/mail/compose-message.js';
import { startSmtpServer } from './smtp-server.js';
import type { MailTransport, OutgoingMail } from '../../activities/mail/transport.js';

export async function testMail(to: string, text = 'Hello'): Promise<OutgoingMail> {
  const from = { name: 'Satchel', address: 'satchel@example.com' };
  const key = Buffer.from(to).toString('hex');
  const raw = await composeMessage({
    from,
    to: { name: '', address: to },
    mail: { subject: 'Ready', html: `<p>${text}</p>`, text, locale: 'en', layers: {}, templateVersion: '' },
    key,
    date: new Date(0),
  });
  return { from: from.address, to, messageId: messageIdOf(key, from), raw };
}

/** @param create for a server at a port of this machine */
export function describeMailTransport(name: string, create: (port: number) => MailTransport): void {
  const open = (port: number) => {
    const transport = create(port);
    onTestFinished(() => transport.close());
    return transport;
  };

  describe(`mail transport: ${name}`, () => {
    it('hands over the very bytes, to one recipient, and gives the reply', async () => {
      const server = await startSmtpServer();
      const mail = await testMail('ana@example.com', 'A line\r\n.with a dot\r\n..and two');
      const { response } = await open(server.port).send(mail);
      expect(response).toMatch(/^250 .*taken/);
      expect(server.accepted).toEqual([
        { from: 'satchel@example.com', to: ['ana@example.com'], raw: Buffer.from(mail.raw) },
      ]);
    });

    it('takes addresses beyond ASCII', async () => {
      const server = await startSmtpServer();
      const mail = await testMail('jörg@例え.test');
      await open(server.port).send(mail);
      expect(server.accepted.map(({ to }) => to)).toEqual([['jörg@例え.test']]);
    });

    it('keeps its connection for the next mail, also after a refusal', async () => {
      const server = await startSmtpServer((to) => (to.startsWith('bad') ? 550 : 250));
      const transport = open(server.port);
      await transport.send(await testMail('ana@example.com'));
      await expect(transport.send(await testMail('bad@example.com'))).rejects.toMatchObject({ code: 'MAIL_REJECTED' });
      await transport.send(await testMail('ben@example.com'));
      expect(server.accepted).toHaveLength(2);
      expect(server.connections).toBe(1);
    });

    it.each([
      [550, 'recipient', 'MAIL_REJECTED'],
      [554, 'data', 'MAIL_REJECTED'],
      [552, 'data', 'MAIL_REJECTED'],
      [451, 'recipient', 'MAIL_UNAVAILABLE'],
      [452, 'data', 'MAIL_UNAVAILABLE'],
      [421, 'data', 'MAIL_UNAVAILABLE'],
    ] as const)('%i for the %s is %s, with the number in the details', async (reply, at, code) => {
      const server = await startSmtpServer(() => reply, { at });
      await expect(open(server.port).send(await testMail('ana@example.com'))).rejects.toMatchObject({
        code,
        details: { responseCode: reply, to: 'ana@example.com' },
      });
    });

    it.each(['cut before data', 'cut after data'] as const)(
      'a connection that is %s is MAIL_UNAVAILABLE, and tried once',
      async (answer) => {
        const server = await startSmtpServer(() => answer);
        await expect(open(server.port).send(await testMail('ana@example.com'))).rejects.toMatchObject({
          code: 'MAIL_UNAVAILABLE',
          details: { connection: true },
        });
        expect(server.received).toHaveLength(answer === 'cut after data' ? 1 : 0);
        expect(server.connections).toBe(1);
      },
    );

    it('a server that is not there is MAIL_UNAVAILABLE', async () => {
      const server = await startSmtpServer();
      await server.close();
      await expect(open(server.port).send(await testMail('ana@example.com'))).rejects.toMatchObject({
        code: 'MAIL_UNAVAILABLE',
        details: { connection: true },
      });
    });

    it('works again when the server is back, without being made anew', async () => {
      const first = await startSmtpServer();
      const transport = open(first.port);
      await transport.send(await testMail('ana@example.com'));
      await first.close();
      await expect(transport.send(await testMail('ben@example.com'))).rejects.toMatchObject({
        code: 'MAIL_UNAVAILABLE',
      });
      const second = await startSmtpServer(undefined, { port: first.port });
      await transport.send(await testMail('ben@example.com'));
      expect(second.accepted).toHaveLength(1);
    });

    it('sends nothing once its signal is aborted', async () => {
      const server = await startSmtpServer();
      const reason = new Error('cancelled');
      await expect(open(server.port).send(await testMail('ana@example.com'), AbortSignal.abort(reason))).rejects.toBe(
        reason,
      );
      expect(server.connections).toBe(0);
    });

    it('sends many at the same time', async () => {
      const server = await startSmtpServer();
      const transport = open(server.port);
      const addresses = Array.from({ length: 40 }, (_, i) => `user${i}@example.com`);
      await Promise.all(addresses.map(async (address) => transport.send(await testMail(address))));
      expect(server.accepted.map(({ to }) => to[0]).sort()).toEqual(addresses.toSorted());
    });
  });
}
