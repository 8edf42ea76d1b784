/** A mail is never lost to a typo in its template. */
import PostalMime from 'postal-mime';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMailer } from '../../activities/mail/create-mailer.js';
import { lastGoodRoot } from '../../activities/mail/last-good.js';
import { listOutbox } from '../../activities/mail/outbox.js';
import type { FallbackAlert } from '../../activities/mail/safe-render.js';
import type { Mailer, SentMail } from '../../activities/mail/mailer.js';
import type { MailTransport } from '../../activities/mail/transport.js';
import { createMailWorld, orderVariables, type MailWorld } from './mail-world.js';

const transport: MailTransport = {
  send: async () => ({ response: '250 taken' }),
  close: async () => undefined,
};

let world: MailWorld;
let alerts: FallbackAlert[];
let orders = 0;

beforeEach(async () => {
  world = await createMailWorld();
  alerts = [];
  await world.session.ensureNode('/conf/brand/settings');
  await world.session.save();
});

/** As a process that starts now has it: it remembers nothing. */
function newMailer(): Mailer {
  const { overlay } = world;
  return createMailer({
    overlay,
    transport,
    from: 'Satchel <s@example.com>',
    onFallback: (alert) => alerts.push(alert),
  });
}

async function send(mailer: Mailer, language = 'de', template = 'downloadasset'): Promise<SentMail> {
  const [sent] = await mailer.deliver(
    world.session,
    {
      template,
      tenant: await world.tenant('brand'),
      recipients: [{ address: 'ana@example.com', language }],
      variables: orderVariables(),
      outboxParent: '/var/mail/outbox/x',
      idempotencyKey: `order ${++orders}`,
    },
    new AbortController().signal,
  );
  if (!sent) throw new Error('nothing was sent');
  return sent;
}

const subject = () => world.at('/conf/brand', 'downloadasset/subject');

describe('a mail whose template does not render', () => {
  it('goes out with the last version that did, and says so in the alert and in its record', async () => {
    await world.writeNode(subject(), { de: 'Unsere: {{title}}' });
    expect(await send(newMailer())).toMatchObject({ subject: 'Unsere: Summer Lookbook', state: 'sent' });
    await world.writeNode(subject(), { de: 'Neue: {{titel}}' });
    const sent = await send(newMailer());
    expect(sent).toMatchObject({ subject: 'Unsere: Summer Lookbook', state: 'sent', locale: 'de' });
    expect(sent.fallback).toContain(`${subject()}/de:1`);
    expect(alerts).toMatchObject([
      { template: 'downloadasset', tenant: 'brand', used: 'the last version for de that rendered' },
    ]);
    const records = await listOutbox(world.session, '/var/mail/outbox/x');
    expect(records.filter(({ fallback }) => fallback === sent.fallback)).toHaveLength(1);
  });

  it('has its pictures all the same', async () => {
    const logo = '/content/dam/brand/logo.png';
    await world.session.ensureNode(logo, { primaryType: 'nt:file' });
    await world.session.ensureNode(`${logo}/jcr:content`, { primaryType: 'nt:resource' });
    const png = Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
      'base64',
    );
    await world.session.setProperties(`${logo}/jcr:content`, { 'jcr:data': await world.session.createBinary(png) });
    await world.writeNode(world.at('/conf/brand', 'theme'), { logo });
    const first = await send(newMailer());
    await world.writeNode(subject(), { de: 'Neue: {{titel}}' });
    const second = await send(newMailer());
    expect(second.fallback).toContain('Sent with the last version');
    const records = await listOutbox(world.session, '/var/mail/outbox/x');
    for (const { messageId } of [first, second]) {
      const record = records.find((candidate) => candidate.messageId === messageId);
      const { attachments } = await PostalMime.parse(record?.raw ? await world.session.readBinary(record.raw) : '');
      expect(attachments.map(({ content }) => Buffer.from(content as ArrayBuffer))).toEqual([png]);
    }
  });

  it('goes out as the product brings it when no version was ever good', async () => {
    await world.writeNode(subject(), { de: 'Neue: {{titel}}' });
    const sent = await send(newMailer());
    expect(sent).toMatchObject({ subject: 'Ihr Download ist bereit: Summer Lookbook', state: 'sent' });
    expect(Object.values(sent.layers).every((layer) => layer === '/libs')).toBe(true);
    expect(alerts).toMatchObject([{ used: '/libs' }]);
  });

  it('goes out too when its template, or the language, is gone', async () => {
    await world.writeFile(
      world.at('/conf/brand', 'note/en.mjml'),
      '<mjml><mj-head><mj-title>Note {{title}}</mj-title></mj-head><mj-body></mj-body></mjml>',
    );
    expect(await send(newMailer(), 'de', 'note')).toMatchObject({ subject: 'Note Summer Lookbook', locale: 'en' });
    await world.session.remove(world.at('/conf/brand', 'note'));
    await world.session.save();
    expect(await send(newMailer(), 'de', 'note')).toMatchObject({ subject: 'Note Summer Lookbook', state: 'sent' });
  });

  it('fails with its problem when nothing at all renders', async () => {
    await world.writeFile(
      world.at('/conf/brand', 'note/en.mjml'),
      '<mjml><mj-head><mj-title>{{#if}}</mj-title></mj-head></mjml>',
    );
    await expect(send(newMailer(), 'en', 'note')).rejects.toMatchObject({ code: 'INVALID_TEMPLATE' });
    await expect(send(newMailer(), 'en', 'nothing')).rejects.toMatchObject({ code: 'UNKNOWN_TEMPLATE' });
    expect(alerts).toEqual([]);
  });

  it('is what a preview never gets', async () => {
    await send(newMailer());
    await world.writeNode(subject(), { de: 'Neue: {{titel}}' });
    const tenant = await world.tenant('brand');
    const options = { template: 'downloadasset', tenant, locale: 'de', variables: orderVariables() };
    await expect(newMailer().render(world.session, options)).rejects.toMatchObject({ code: 'INVALID_TEMPLATE' });
  });
});

describe('the last good version', () => {
  it('is recorded once for each version, not for each mail', async () => {
    const mailer = newMailer();
    await send(mailer);
    const path = `${lastGoodRoot}/downloadasset/de/brand`;
    const first = await world.session.getNode(path);
    await send(mailer);
    await send(newMailer());
    await world.session.refresh();
    expect((await world.session.getNode(path)).version).toBe(first.version);
    await world.writeNode(subject(), { de: 'Neue: {{title}}' });
    await send(mailer);
    expect((await world.session.getNode(path)).version).toBeGreaterThan(first.version);
  });
});
