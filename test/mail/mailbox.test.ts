/** E8: without a mail server, an embedded mailbox keeps every mail readable. */
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createMailbox, listMailbox, readMailboxMail } from '../../activities/mail/mailbox.js';
import { createSmtpTransport } from '../../activities/mail/smtp-transport.js';
import { testMail } from './transport-conformance.js';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'satchel-mailbox-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function openMailbox(folder: string) {
  const mailbox = await createMailbox({ folder });
  const transport = createSmtpTransport(mailbox);
  onTestFinished(async () => {
    await transport.close();
    await mailbox.close();
  });
  return { mailbox, transport };
}

describe('embedded mailbox', () => {
  it('keeps every mail it took as its very bytes, newest first', async () => {
    const folder = await temporaryFolder();
    const { mailbox, transport } = await openMailbox(folder);
    const mails = await Promise.all(['a', 'b', 'c'].map((name) => testMail(`${name}@example.com`, `Für ${name}`)));
    for (const mail of mails) await transport.send(mail);

    const list = await mailbox.list();
    expect(list.map(({ to }) => to)).toEqual([['c@example.com'], ['b@example.com'], ['a@example.com']]);
    expect(list[0]).toMatchObject({ from: 'satchel@example.com', subject: 'Ready', messageId: mails[2]?.messageId });
    expect(await mailbox.list({ limit: 1 })).toEqual(list.slice(0, 1));
    expect(await readFile(list[0]?.file ?? '')).toEqual(Buffer.from(mails[2]?.raw ?? []));

    const mail = await mailbox.read(list[2]?.id ?? '');
    expect(mail?.html?.trim()).toBe('<p>Für a</p>');
    expect(mail?.text?.trim()).toBe('Für a');
    expect(mail?.headers).toContainEqual({ name: 'Auto-Submitted', value: 'auto-generated' });
  });

  it('is read without the server, and survives a restart', async () => {
    const folder = await temporaryFolder();
    const first = await createMailbox({ folder });
    const transport = createSmtpTransport(first);
    await transport.send(await testMail('ana@example.com'));
    await transport.close();
    await first.close();

    const [entry] = await listMailbox(folder);
    expect(entry?.to).toEqual(['ana@example.com']);
    expect((await readMailboxMail(folder, entry?.id ?? ''))?.text?.trim()).toBe('Hello');

    const { transport: again, mailbox } = await openMailbox(folder);
    await again.send(await testMail('ben@example.com'));
    expect((await mailbox.list()).map(({ to }) => to[0])).toEqual(['ben@example.com', 'ana@example.com']);
  });

  it('knows no other files, and no path out of its folder', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'notes.txt'), 'x');
    await writeFile(join(folder, 'secret.eml'), 'Subject: s\r\n\r\nx');
    expect(await listMailbox(folder)).toEqual([]);
    for (const id of ['secret', '../secret', 'notes.txt', ''])
      expect(await readMailboxMail(folder, id)).toBeUndefined();
    expect(await listMailbox(join(folder, 'missing'))).toEqual([]);
  });

  it('refuses a mail that is too large for good, and keeps nothing of it', async () => {
    const folder = await temporaryFolder();
    const { transport } = await openMailbox(folder);
    const small = await testMail('ana@example.com');
    const raw = Buffer.concat([small.raw, Buffer.alloc(17 * 1024 * 1024, 'x'.repeat(70) + '\r\n')]);
    await expect(transport.send({ ...small, raw })).rejects.toMatchObject({ code: 'MAIL_REJECTED' });
    expect(await readdir(folder)).toEqual([]);
  });

  it('keeps nothing of a mail whose sender went away in the middle, nor of one that a crash cut', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, '00000000a-0000-00000000.part'), 'Subject: half');
    const { mailbox, transport } = await openMailbox(folder);
    const lines = ['EHLO x', 'MAIL FROM:<a@x.test>', 'RCPT TO:<b@x.test>', 'DATA', 'Subject: half'];
    await new Promise<void>((resolve, reject) => {
      const socket = connect(mailbox.port, mailbox.host);
      socket.setEncoding('utf8');
      socket.on('error', reject);
      socket.on('close', () => resolve());
      socket.on('data', (reply: string) => {
        if (/^\d{3}-/.test(reply) && !/^\d{3} /m.test(reply)) return;
        if (reply.startsWith('354')) socket.write(`${lines.at(-1) ?? ''}\r\n`, () => socket.destroy());
        else socket.write(`${lines.shift() ?? ''}\r\n`);
      });
    });
    await transport.send(await testMail('ana@example.com'));
    expect((await mailbox.list()).map(({ to }) => to[0])).toEqual(['ana@example.com']);
  });

  it('shows damaged mails as far as they can be read', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, '00000000a-0000-00000000.eml'), Buffer.from([0xff, 0x00, 0x0a, 0x80]));
    await writeFile(join(folder, '00000000b-0000-00000000.eml'), `X: ${'y'.repeat(300_000)}\r\n\r\nbody`);
    const list = await listMailbox(folder);
    expect(list.map(({ bytes }) => bytes)).toEqual([300_011, 4]);
    expect(list.map(({ subject }) => subject)).toEqual(['', '']);
  });
});
