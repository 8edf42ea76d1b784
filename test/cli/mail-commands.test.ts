/** E7, E8: the mail log over a real mail server: who sees what, what became of each mail, and having one sent again. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { removeOldMails } from '../../activities/mail/remove-old-mails.js';
import { addMember, createGroup, createUser } from '../../repository/users.js';
import { orderVariables } from '../mail/mail-world.js';
import { startSmtpServer, type Answer } from '../mail/smtp-server.js';
import { createCommandWorld, type CommandWorld } from './command-world.js';

interface ListedMail {
  readonly id: string;
  readonly to: string;
  readonly state: string;
}

async function open(answer?: (to: string, nth: number) => Answer, configuration: object = {}) {
  const server = await startSmtpServer(answer);
  const world = await createCommandWorld(async (folder) => {
    await mkdir(path.join(folder, 'data'));
    const mail = { smtp: `smtp://127.0.0.1:${server.port}` };
    await writeFile(path.join(folder, 'data', 'satchel.json'), JSON.stringify({ mail, ...configuration }));
  });
  onTestFinished(() => world.close());
  await world.satchel.repository.withSession('admin', async (session) => {
    await createGroup(session, 'aurora-admins');
    await createUser(session, { id: 'ana', email: 'Ana@example.com' });
    await createUser(session, { id: 'mia', email: 'mia@example.com' });
    await addMember(session, 'aurora-admins', 'mia');
    await session.ensureNode('/conf/aurora-2/settings/tenant', { properties: { adminGroup: 'aurora-admins' } });
    await session.save();
  });
  return { world, server };
}

async function send({ satchel }: CommandWorld, key: string, tenant: string, ...addresses: string[]): Promise<void> {
  await satchel.repository.withSession({ service: 'workflow' }, async (session) => {
    const order = {
      template: 'downloadasset',
      tenant: await satchel.overlay.tenant(session, tenant),
      recipients: addresses.map((address) => ({ address })),
      variables: orderVariables(),
      outboxParent: `/var/mail/outbox/${key}`,
      idempotencyKey: key,
    };
    await satchel.mailer.deliver(session, order, new AbortController().signal);
  });
}

async function list(world: CommandWorld, ...args: string[]): Promise<ListedMail[]> {
  const { document } = await world.json('mail', 'list', ...args);
  return (document as { mails: ListedMail[] }).mails;
}

async function idOf(world: CommandWorld, ...args: string[]): Promise<string> {
  return (await list(world, ...args))[0]?.id ?? '';
}

const recipients = async (world: CommandWorld, ...args: string[]) =>
  (await list(world, ...args)).map(({ to }) => to).sort();

describe('the mail log', () => {
  it('shows administrators all, administrators of a tenant its mails, and others their own', async () => {
    const { world } = await open();
    await send(world, 'w1', 'global', 'ANA@example.com', 'ben@example.com');
    await send(world, 'w2', 'aurora-2', 'cleo@example.com', 'ana@example.com');
    expect(await recipients(world)).toHaveLength(4);
    expect(await recipients(world, '--as', 'ana')).toEqual(['ANA@example.com', 'ana@example.com']);
    expect(await recipients(world, '--as', 'mia')).toEqual(['ana@example.com', 'cleo@example.com']);
    const [bens] = await list(world, '--recipient', 'BEN@example.com');
    for (const user of ['ana', 'mia']) {
      expect((await world.run('mail', 'show', bens?.id ?? '', '--as', user)).stderr).toContain('There is no mail');
    }
  });

  it('is narrowed by tenant, template, state, recipient and moment', async () => {
    const { world } = await open((to) => (to.startsWith('bad') ? 550 : 250));
    await send(world, 'w1', 'global', 'ana@example.com', 'bad@example.com');
    await send(world, 'w2', 'aurora-2', 'cleo@example.com');
    expect(await recipients(world, '--tenant', 'aurora-2')).toEqual(['cleo@example.com']);
    expect(await recipients(world, '--state', 'failed')).toEqual(['bad@example.com']);
    expect(await recipients(world, '--template', 'downloadasset', '--state', 'sent')).toHaveLength(2);
    expect(await recipients(world, '--template', 'nothing')).toEqual([]);
    expect(await recipients(world, '--since', '2020-01-01')).toHaveLength(3);
    expect(await recipients(world, '--since', '2999-01-01')).toEqual([]);
    expect((await world.run('mail', 'list', '--state', 'lost')).stderr).toContain(
      'must be one of pending, sent, failed',
    );
    expect((await world.run('mail', 'list', '--since', 'soon')).stderr).toContain('must be a date');
  });

  it('is read page by page, each mail once, by its index', async () => {
    const { world } = await open();
    const addresses = Array.from({ length: 12 }, (_, index) => `p${index}@example.com`);
    await send(world, 'w1', 'global', ...addresses);
    const seen: string[] = [];
    let after: string[] = [];
    for (;;) {
      const { document } = await world.json('mail', 'list', '--limit', '5', ...after);
      const { mails, next } = document as { mails: ListedMail[]; next?: string };
      expect(mails.length).toBeLessThanOrEqual(5);
      seen.push(...mails.map(({ to }) => to));
      if (next === undefined) break;
      after = ['--after', next];
    }
    expect(seen.toSorted()).toEqual(addresses.toSorted());
    expect(new Set(seen).size).toBe(12);
  });

  it('tells what was sent, of which templates, and what the server said', async () => {
    const { world, server } = await open();
    await send(world, 'w1', 'global', 'ana@example.com');
    const id = await idOf(world);
    const { stdout } = await world.run('mail', 'show', id);
    for (const part of [
      'ana@example.com',
      'Your download is ready',
      'downloadasset, en, version',
      '250 ',
      '@localhost.localdomain>',
      'Summer Lookbook',
    ])
      expect(stdout).toContain(part);
    const { document } = await world.json('mail', 'show', id);
    expect(document).toMatchObject({
      id,
      state: 'sent',
      attempts: 1,
      tenant: 'global',
      layers: { subject: '/libs' },
      templateVersion: expect.stringMatching(/^[\da-f]{64}$/) as string,
    });
    expect(document).not.toHaveProperty('raw');
    const source = await world.run('mail', 'show', id, '--source');
    expect(source.stdout.replaceAll('\n', '\r\n').trim()).toBe(server.accepted[0]?.raw.toString().trim());
  });
});

describe('mail retry', () => {
  it('sends the very message again that failed, for administrators and those of its tenant', async () => {
    const { world, server } = await open((_to, nth) => (nth === 0 ? 550 : 250));
    await send(world, 'w1', 'aurora-2', 'ana@example.com');
    const id = await idOf(world, '--state', 'failed');
    expect((await world.run('mail', 'retry', id, '--as', 'ana')).stderr).toContain('NOT_ALLOWED');
    const { stdout, code } = await world.run('mail', 'retry', id, '--as', 'mia');
    expect([code, stdout]).toEqual([0, 'sent to ana@example.com\n']);
    expect(server.accepted[0]?.raw.equals(server.received[0]?.raw ?? Buffer.alloc(0))).toBe(true);
    expect(await list(world)).toMatchObject([{ id, state: 'sent', attempts: 2 }]);
    expect((await world.run('mail', 'retry', id)).stderr).toContain('was sent already');
  });

  it('says why it failed again', async () => {
    const { world } = await open((_to, nth) => (nth === 0 ? 550 : 451));
    await send(world, 'w1', 'global', 'ana@example.com');
    const id = await idOf(world);
    const { stdout, code } = await world.run('mail', 'retry', id);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^not sent to ana@example.com: Given up after 2 attempts: .*451/);
    expect(await list(world)).toMatchObject([{ state: 'failed' }]);
  });
});

describe('retention', () => {
  it('takes out what was sent or failed before a moment, not what waits, and the outboxes that are empty then', async () => {
    const { world } = await open((to) => (to.startsWith('later') ? 451 : 250));
    const { repository } = world.satchel;
    await send(world, 'w1', 'global', 'ana@example.com', 'ben@example.com');
    await expect(send(world, 'w2', 'global', 'later@example.com', 'cleo@example.com')).rejects.toThrow(
      '1 of 2 mails wait',
    );
    await repository.withSession({ service: 'workflow' }, async (session) => {
      expect(await removeOldMails(session, new Date(0), new AbortController().signal)).toBe(0);
      expect(await removeOldMails(session, new Date(Date.now() + 1000), new AbortController().signal)).toBe(3);
    });
    expect(await recipients(world)).toEqual(['later@example.com']);
    await repository.withSession('admin', async (session) => {
      expect(await session.findNode('/var/mail/outbox/w1')).toBeUndefined();
      expect(await session.findNode('/var/mail/outbox/w2')).toBeDefined();
    });
  });
});

describe('production mode', () => {
  it('refuses a download by mail at once where no mail server is named, and says so at the step otherwise', async () => {
    const { world } = await open(undefined, { mode: 'production', mail: {} });
    expect(world.satchel.mailbox).toBeUndefined();
    expect(await world.satchel.mailer.available()).toBe(false);
    await world.satchel.repository.withSession('admin', async (session) => {
      await session.ensureNode('/content/dam/x.txt', { primaryType: 'dam:Asset' });
      const data = await session.createBinary('x');
      await session.ensureNode('/content/dam/x.txt/jcr:content/renditions/original', { primaryType: 'nt:file' });
      await session.ensureNode('/content/dam/x.txt/jcr:content/renditions/original/jcr:content', {
        primaryType: 'nt:resource',
        properties: { 'jcr:data': data, 'jcr:mimeType': 'text/plain' },
      });
      await session.save();
    });
    const request = { paths: ['/content/dam/x.txt'], email: ['ana@example.com'] };
    await expect(world.satchel.engine.requestDownload('admin', request)).rejects.toMatchObject({
      code: 'MAIL_NOT_CONFIGURED',
      details: { field: 'email' },
    });
    await expect(send(world, 'w1', 'global', 'ana@example.com')).rejects.toMatchObject({ code: 'MAIL_NOT_CONFIGURED' });
    expect((await world.run('mail', 'list', '--mailbox')).stderr).toContain('There is no embedded mailbox');
    expect(await list(world)).toEqual([]);
  });

  it('sends over the server that is named', async () => {
    const { world, server } = await open(undefined, { mode: 'production' });
    await send(world, 'w1', 'global', 'ana@example.com');
    expect(server.accepted).toHaveLength(1);
  });
});
