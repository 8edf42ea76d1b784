/** E2: pictures, dates and remarks of a mail, as the tenant's settings and theme have them. */
import { describe, expect, it } from 'vitest';
import PostalMime from 'postal-mime';
import { createMailer } from '../../activities/mail/create-mailer.js';
import { composeMessage } from '../../activities/mail/compose-message.js';
import { maxMailImageBytes, withInlineImages } from '../../activities/mail/mail-images.js';
import { checkRecipients } from '../../activities/mail/recipients.js';
import type { MailTransport } from '../../activities/mail/transport.js';
import { createSettings } from '../../dam/settings/settings.js';
import { createUser } from '../../repository/users.js';
import { createMailWorld } from './mail-world.js';
import { sampleOf } from './template-files.js';
import type { MailWorld } from './mail-world.js';

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const thumbnail = (name: string) => `/content/dam/a/${name}/jcr:content/renditions/cq5dam.thumbnail.140.100.png`;

async function writePicture(world: MailWorld, path: string, bytes: Uint8Array): Promise<void> {
  const { session } = world;
  await session.ensureNode(path, { primaryType: 'nt:file' });
  await session.ensureNode(`${path}/jcr:content`, { primaryType: 'nt:resource' });
  await session.setProperties(`${path}/jcr:content`, { 'jcr:data': await session.createBinary(bytes) });
  await session.save();
}

async function share(world: MailWorld, names: readonly string[]) {
  const tenant = await world.tenant('aurora');
  const assets = names.map((name) => ({ name, type: 'PNG', thumbnail: thumbnail(name) }));
  const mailer = createMailer({
    overlay: world.overlay,
    transport: undefined,
    from: 'satchel@example.com',
    externalUrl: () => 'https://dam.example.com/ctx',
  });
  const variables = { ...sampleOf('sharelink'), assets };
  return mailer.render(world.session, { template: 'sharelink', tenant, locale: 'en', variables });
}

describe('pictures', () => {
  it('go with the mail, each once; what is none, missing or too large is left out', async () => {
    const world = await createMailWorld();
    await writePicture(world, thumbnail('good 1.png'), png);
    await writePicture(world, thumbnail('svg'), Buffer.from('<svg onload="x()"/>'));
    await writePicture(world, thumbnail('large'), Buffer.concat([png, Buffer.alloc(maxMailImageBytes)]));
    await writePicture(world, '/content/dam/a/logo.png', png);
    await world.writeNode(world.at('/conf/aurora', 'theme'), { logo: '/content/dam/a/logo.png', logoText: 'Aurora' });
    const mail = await share(world, ['good 1.png', 'good 1.png', 'svg', 'large', 'missing']);

    expect(mail.images?.map(({ path }) => path).sort()).toEqual(
      ['/content/dam/a/logo.png', thumbnail('good 1.png')].sort(),
    );
    const cids = [...mail.html.matchAll(/src="cid:([^"]*)"/g)].map(([, cid]) => cid);
    expect(cids).toHaveLength(3);
    expect(new Set(cids)).toEqual(new Set(mail.images?.map(({ cid }) => cid)));
    expect(mail.html.match(/>PNG</g)).toHaveLength(3);
    expect(mail.text).toContain('Aurora');
    expect(withInlineImages(mail.html, mail.images ?? [])).not.toContain('cid:');

    const options = {
      from: { address: 'a@b.test', name: '' },
      to: { address: 'c@d.test', name: '' },
      key: 'k',
      date: new Date(0),
    };
    const raw = await composeMessage({ ...options, mail });
    const { attachments } = await PostalMime.parse(raw);
    expect(attachments.map(({ contentId, related, mimeType }) => [contentId, related, mimeType])).toEqual(
      mail.images?.map(({ cid }) => [`<${cid}>`, true, 'image/png']),
    );
    for (const { content } of attachments) expect(Buffer.from(content as ArrayBuffer)).toEqual(png);
    expect(Buffer.from(await composeMessage({ ...options, mail }))).toEqual(Buffer.from(raw));
  });

  it('are links by a setting', async () => {
    const world = await createMailWorld();
    await world.writeNode('/conf/aurora/settings/dam/mail', { images: 'link' });
    const mail = await share(world, ['good 1.png']);
    expect(mail.images).toEqual([]);
    expect(mail.html).toContain(
      'src="https://dam.example.com/ctx/content/dam/a/good%201.png/jcr%3Acontent/renditions/cq5dam.thumbnail.140.100.png"',
    );
  });
});

it('shows dates in the time zone of the tenant', async () => {
  const world = await createMailWorld();
  await world.session.ensureNode('/conf/aurora');
  await world.session.save();
  expect((await share(world, [])).text).toContain('4:00');
  await world.writeNode('/conf/aurora/settings/tenant', { timeZone: 'Asia/Tokyo' });
  expect((await share(world, [])).text).toContain('1:00');
});

it('shows them in the time zone of the recipient’s profile, where it names one', async () => {
  const world = await createMailWorld();
  const zones = { cara: 'Asia/Tokyo', dora: 'Nowhere/Else', emil: undefined };
  for (const [id, timeZone] of Object.entries(zones)) {
    const user = { id, email: `${id}@example.com`, groups: ['dam-users'] };
    await createUser(world.session, { ...user, ...(timeZone !== undefined && { timeZone }) });
  }
  await world.session.ensureNode('/conf/aurora');
  await world.session.save();
  const tenant = await world.tenant('aurora');
  const settings = createSettings({ overlay: world.overlay });
  const addresses = Object.keys(zones).map((id) => `${id}@example.com`);
  const recipients = await checkRecipients(world.session, settings, tenant, addresses);
  expect(recipients.map(({ timeZone }) => timeZone)).toEqual(['Asia/Tokyo', undefined, undefined]);
  const sent = new Map<string, string>();
  const transport: MailTransport = {
    send: async ({ to, raw }) => {
      sent.set(to, (await PostalMime.parse(raw)).text ?? '');
      return { response: '250 taken' };
    },
    close: async () => undefined,
  };
  const order = { template: 'sharelink', tenant, recipients, outboxParent: '/var/mail/outbox/z', idempotencyKey: 'z' };
  const { recipient: _recipient, ...variables } = sampleOf('sharelink');
  const { signal } = new AbortController();
  await world.mailer(transport).deliver(world.session, { ...order, variables }, signal);
  expect(sent.get('cara@example.com')).toContain('1:00');
  expect(sent.get('dora@example.com')).toContain('4:00');
  expect(sent.get('emil@example.com')).toContain('4:00');
});

it('remarks that a theme is hard to read, and sends it', async () => {
  const world = await createMailWorld();
  await world.session.ensureNode('/conf/aurora');
  await world.session.save();
  expect((await share(world, [])).remarks).toEqual([]);
  await world.writeNode(world.at('/conf/aurora', 'theme'), { color: '#ffee00' });
  const { html, remarks = [] } = await share(world, []);
  expect(html).toContain('#ffee00');
  expect(remarks.map(({ message }) => message)).toEqual([
    expect.stringMatching(/"onColor" \(#ffffff\) on "color" \(#ffee00\)/),
  ]);
});

it('lets a text template of a tenant override the MJML below it, and MJML of a tenant a text template below that', async () => {
  const world = await createMailWorld();
  await world.writeFile(
    world.at('/conf/emea', 'sharelink/en.txt'),
    'subject=From ${sharer.name}\nmessage=${link} ${nothing}',
  );
  const mjml = '<mjml><mj-head><mj-title>T</mj-title></mj-head><mj-body></mj-body></mjml>';
  await world.writeFile(world.at('/conf/emea/aurora', 'sharelink/en.mjml'), mjml);
  const render = async (name: string, locale: string) =>
    world.mailer().render(world.session, {
      template: 'sharelink',
      tenant: await world.tenant(name),
      locale,
      variables: sampleOf('sharelink'),
    });
  const text = await render('emea', 'en-GB');
  expect(text).toMatchObject({
    subject: 'From Ana Moreau',
    text: 'http://localhost:8080/linkshare.html?sh=sample ${nothing}',
    layers: { body: '/conf/emea', subject: '/conf/emea', text: '/conf/emea' },
    remarks: [{ file: expect.stringContaining('/conf/emea/') as string, line: 2 }],
  });
  expect((await render('emea/aurora', 'en')).subject).toBe('T');
  // The locale comes first: Germans still get the German mail of /libs.
  expect((await render('emea', 'de')).layers).toMatchObject({ body: '/libs' });
});
