/** E1, E2, E5, E7: templates through the overlay, and mail that is sent once. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkTemplates } from '../../activities/mail/check-templates.js';
import { listOutbox } from '../../activities/mail/outbox.js';
import { createSmtpTransport } from '../../activities/mail/smtp-transport.js';
import { listTemplates, loadSampleVariables } from '../../activities/mail/template-source.js';
import { createMailWorld, orderVariables } from './mail-world.js';
import { startSmtpServer } from './smtp-server.js';
import { builtInTheme } from './template-files.js';
import type { MailOrder, Recipient } from '../../activities/mail/mailer.js';
import type { MailTransport } from '../../activities/mail/transport.js';
import type { MailWorld } from './mail-world.js';

async function render(world: MailWorld, tenant: string, locale?: string) {
  const target = await world.tenant(tenant);
  const variables = await loadSampleVariables(world.session, world.overlay, target, 'downloadasset');
  return world.mailer().render(world.session, { template: 'downloadasset', tenant: target, locale, variables });
}

describe('rendering for a tenant', () => {
  it('takes everything from /libs where nothing is overridden, and says so', async () => {
    const world = await createMailWorld();
    const mail = await render(world, 'global');
    expect(mail.subject).toBe('Your download is ready: Summer Lookbook');
    expect(new Set(Object.values(mail.layers))).toEqual(new Set(['/libs']));
    expect(Object.keys(mail.layers)).toEqual(
      expect.arrayContaining(['subject', 'body', 'text', 'partials/header', 'partials/footer', 'theme.color']),
    );
    expect(await listTemplates(world.session, world.overlay, await world.tenant('global'))).toEqual([
      'downloadasset',
      'sharelink',
      'transientworkflowcompleted',
      'workitem',
    ]);
  });

  it('lets a third brand change one theme property and one subject: only those parts differ', async () => {
    const world = await createMailWorld();
    await world.writeNode(world.at('/conf/third', 'theme'), { color: '#7a1fa2' });
    await world.writeNode(world.at('/conf/third', 'downloadasset/subject'), { en: 'Third: {{title}}' });
    const [libs, third] = [await render(world, 'global'), await render(world, 'third')];

    expect(third.subject).toBe('Third: Summer Lookbook');
    const color = builtInTheme()['color'] ?? '';
    expect(third.html).toBe(
      libs.html
        .replaceAll(color, '#7a1fa2')
        .replace(`<title>${libs.subject}`, `<title>${third.subject}`)
        .replace(`aria-label="${libs.subject}"`, `aria-label="${third.subject}"`),
    );
    const changed = Object.keys(third.layers).filter((part) => third.layers[part] !== libs.layers[part]);
    expect(changed.sort()).toEqual(['subject', 'theme.color']);
    expect(third.layers).toMatchObject({ subject: '/conf/third', 'theme.color': '/conf/third' });
    expect(third.templateVersion).not.toBe(libs.templateVersion);
  });

  it('lets a deployment override a partial in /apps, and a tenant override that', async () => {
    const world = await createMailWorld();
    const footer = (text: string) =>
      `<mj-section><mj-column><mj-text>${text} {{why}}</mj-text></mj-column></mj-section>`;
    await world.writeFile(world.at('/apps', 'partials/footer.mjml'), footer('from apps'));
    await world.writeFile(world.at('/conf/aurora', 'downloadasset/partials/footer.mjml'), footer('from aurora'));
    const [apps, aurora] = [await render(world, 'global'), await render(world, 'aurora')];
    expect(apps.text).toContain('from apps You get this mail');
    expect(apps.layers['partials/footer']).toBe('/apps');
    expect(aurora.text).toContain('from aurora You get this mail');
    expect(aurora.layers['partials/footer']).toBe('/conf/aurora');
  });

  it('reads theme.json at its own layer, below the node of that layer', async () => {
    const world = await createMailWorld();
    await world.writeFile(
      world.at('/apps', 'theme.json'),
      JSON.stringify({ color: '#111111', legalText: 'apps file', companyName: 'apps file' }),
    );
    await world.writeNode(world.at('/apps', 'theme'), { companyName: 'apps node' });
    await world.writeFile(world.at('/conf/aurora', 'theme.json'), JSON.stringify({ companyName: 'aurora file' }));
    const layers = async (tenant: string) => (await render(world, tenant)).layers;
    const global = await render(world, 'global');
    expect(global.text).toContain('apps node · apps file');
    const aurora = await render(world, 'aurora');
    expect(aurora.text).toContain('aurora file · apps file');
    expect(await layers('aurora')).toMatchObject({
      'theme.companyName': '/conf/aurora',
      'theme.color': '/apps',
      'theme.radius': '/libs',
    });
  });

  it('falls back from language-REGION to language to the tenant’s locale to en', async () => {
    const world = await createMailWorld();
    await world.writeNode('/conf/aurora/settings/tenant', { locale: 'fr' });
    const locale = async (tenant: string, wanted?: string) => (await render(world, tenant, wanted)).locale;
    expect(await locale('aurora', 'de-CH')).toBe('de');
    expect(await locale('aurora', 'ja')).toBe('ja');
    expect(await locale('aurora', 'es')).toBe('fr');
    expect(await locale('aurora')).toBe('fr');
    expect(await locale('global', 'es')).toBe('en');
    await world.writeFile(
      world.at('/conf/aurora', 'downloadasset/de-CH.mjml'),
      '<mjml lang="de-CH"><mj-head><mj-title>Grüezi</mj-title></mj-head><mj-body></mj-body></mjml>',
    );
    expect((await render(world, 'aurora', 'de-CH')).subject).toBe('Grüezi');
  });

  it('chooses the subject by locale, then the default, and never in another language than the body', async () => {
    const world = await createMailWorld();
    await world.writeNode(world.at('/conf/aurora', 'downloadasset/subject'), {
      'de-CH': 'CH',
      de: 'DE',
      es: 'ES',
      default: 'ANY',
    });
    const subject = async (wanted: string) => (await render(world, 'aurora', wanted)).subject;
    expect(await subject('de-CH')).toBe('CH');
    expect(await subject('de-AT')).toBe('DE');
    expect(await subject('fr')).toBe('ANY');
    expect(await subject('es')).toBe('ANY');
  });

  it('takes a text file only where the body is not newer than it', async () => {
    const world = await createMailWorld();
    await world.writeFile(world.at('/libs', 'downloadasset/en.txt'), 'libs text {{title}}');
    expect((await render(world, 'global')).text).toBe('libs text Summer Lookbook');
    const body =
      '<mjml><mj-head><mj-title>T</mj-title></mj-head><mj-body><mj-section><mj-column><mj-text>aurora body</mj-text></mj-column></mj-section></mj-body></mjml>';
    await world.writeFile(world.at('/conf/aurora', 'downloadasset/en.mjml'), body);
    expect((await render(world, 'aurora')).text).toBe('aurora body\n');
    await world.writeFile(world.at('/conf/aurora', 'downloadasset/en.txt'), 'aurora text');
    const mail = await render(world, 'aurora');
    expect(mail.text).toBe('aurora text');
    expect(mail.layers).toMatchObject({ body: '/conf/aurora', text: '/conf/aurora' });
  });

  it('uses a change at once', async () => {
    const world = await createMailWorld();
    const mailer = world.mailer();
    const tenant = await world.tenant('global');
    const variables = await loadSampleVariables(world.session, world.overlay, tenant, 'downloadasset');
    const subject = async () =>
      (await mailer.render(world.session, { template: 'downloadasset', tenant, locale: 'en', variables })).subject;
    expect(await subject()).toBe('Your download is ready: Summer Lookbook');
    await world.writeNode(world.at('/apps', 'downloadasset/subject'), { default: 'Now' });
    expect(await subject()).toBe('Now');
  });

  it('says which templates there are when one is unknown', async () => {
    const world = await createMailWorld();
    const tenant = await world.tenant('global');
    const rendering = world.mailer().render(world.session, { template: 'nope', tenant, locale: 'en', variables: {} });
    await expect(rendering).rejects.toMatchObject({ code: 'UNKNOWN_TEMPLATE' });
    await expect(rendering).rejects.toThrow(/known: downloadasset, sharelink, transientworkflowcompleted, workitem/);
  });
});

describe('check before a change comes into force (E6)', () => {
  it('finds nothing wrong with the built-in templates', async () => {
    const world = await createMailWorld();
    expect(await checkTemplates(world.session, world.overlay, [await world.tenant('global')])).toEqual([]);
  });

  it('names file and line of a typo that is not saved yet, once for all who use it', async () => {
    const world = await createMailWorld();
    await world.writeNode('/conf/aurora/settings', {});
    const path = world.at('/libs', 'partials/footer.mjml');
    const data = await world.session.createBinary(
      '<mj-section>\n<mj-column>\n<mj-text>{{wy}}</mj-text></mj-column></mj-section>',
    );
    await world.session.setProperties(`${path}/jcr:content`, { 'jcr:data': data });
    const tenants = [await world.tenant('global'), await world.tenant('aurora')];
    const problems = await checkTemplates(world.session, world.overlay, tenants);
    expect(problems.map(({ file, line }) => [file, line])).toEqual(problems.map(() => [path, 3]));
    expect(problems[0]?.message).toMatch(/no variable "wy"/);
    expect(new Set(problems.map(({ message }) => message)).size).toBe(problems.length);
  });

  it('finds a tenant’s theme that breaks a template of /libs, and a sample that does not parse', async () => {
    const world = await createMailWorld();
    await world.writeNode(world.at('/conf/aurora', 'theme'), { color: 'crimsom' });
    const problems = await checkTemplates(world.session, world.overlay, [await world.tenant('aurora')]);
    expect(problems.map(({ message }) => message).join()).toContain('crimsom');
    await world.writeFile(world.at('/conf/b', 'downloadasset/sample.json'), '{');
    const [problem] = await checkTemplates(world.session, world.overlay, [await world.tenant('b')]);
    expect(problem?.file).toBe(world.at('/conf/b', 'downloadasset/sample.json'));
  });
});

const ana: Recipient = { address: 'ana@example.com', displayName: 'Ana Moreau', language: 'de' };
const ben: Recipient = { address: 'ben@example.com' };
const cleo: Recipient = { address: 'cleo@example.com' };

async function orderFor(world: MailWorld, ...recipients: readonly Recipient[]): Promise<MailOrder> {
  return {
    template: 'downloadasset',
    tenant: await world.tenant('global'),
    recipients,
    variables: orderVariables(),
    outboxParent: '/var/dam/downloads/d1/outbox',
    idempotencyKey: 'w1/notify',
  };
}

function transportTo(port: number): MailTransport {
  const transport = createSmtpTransport({ host: '127.0.0.1', port });
  onTestFinished(() => transport.close());
  return transport;
}

const going = new AbortController().signal;

describe('delivering', () => {
  it('sends each recipient a mail of their own, in their language, and records it', async () => {
    const world = await createMailWorld();
    const server = await startSmtpServer();
    const progress: number[] = [];
    const order = await orderFor(world, ana, ben, { ...ana, address: 'ANA@example.com' });
    const sent = await world
      .mailer(transportTo(server.port))
      .deliver(world.session, order, going, (done) => progress.push(done));

    expect(sent.map(({ to, locale, state, subject }) => ({ to, locale, state, subject }))).toEqual([
      { to: 'ANA@example.com', locale: 'de', state: 'sent', subject: 'Ihr Download ist bereit: Summer Lookbook' },
      { to: 'ben@example.com', locale: 'en', state: 'sent', subject: 'Your download is ready: Summer Lookbook' },
    ]);
    expect(progress).toEqual([1, 2]);
    expect(server.accepted.map(({ to }) => to)).toEqual([['ANA@example.com'], ['ben@example.com']]);

    const records = await listOutbox(world.session, order.outboxParent);
    expect(records).toHaveLength(2);
    for (const record of records) {
      expect(record).toMatchObject({
        state: 'sent',
        attempts: 1,
        template: 'downloadasset',
        response: expect.stringMatching(/^250/) as string,
      });
      expect(record.layers).toMatchObject({ subject: '/libs' });
      const message = server.accepted.find(({ to }) => to[0] === record.to);
      expect(message?.raw.toString()).toContain(`Message-ID: ${record.messageId}`);
    }
  });

  it('comes from the tenant’s own sender where it has one, in header and envelope', async () => {
    const world = await createMailWorld();
    const server = await startSmtpServer();
    const mailer = world.mailer(transportTo(server.port));
    await world.writeNode('/conf/aurora/settings/dam/mail', { from: 'Aurora <post@aurora.example>' });
    const order = await orderFor(world, ben);
    await mailer.deliver(world.session, order, going);
    await mailer.deliver(
      world.session,
      { ...order, tenant: await world.tenant('aurora'), idempotencyKey: 'w2' },
      going,
    );
    expect(server.accepted.map(({ from }) => from)).toEqual(['satchel@example.com', 'post@aurora.example']);
    expect(server.accepted[1]?.raw.toString()).toMatch(/^From: Aurora <post@aurora\.example>\r$/m);
  });

  it('sends nothing again, and what was refused for good stays so', async () => {
    const world = await createMailWorld();
    const server = await startSmtpServer((to) => (to.startsWith('ben') ? 550 : 250));
    const mailer = world.mailer(transportTo(server.port));
    const order = await orderFor(world, ana, ben, cleo);
    const first = await mailer.deliver(world.session, order, going);
    expect(first.map(({ state }) => state)).toEqual(['sent', 'failed', 'sent']);
    expect(first[1]?.error).toMatchObject({ code: 'MAIL_REJECTED' });
    const again = await mailer.deliver(await world.newSession(), order, going);
    expect(again).toEqual(first);
    expect(server.received).toHaveLength(3);
  });

  it('goes on with the others when the server says later to one, and then asks for a retry', async () => {
    const world = await createMailWorld();
    const server = await startSmtpServer((to, nth) => (to.startsWith('ben') && nth < 3 ? 451 : 250), {
      at: 'recipient',
    });
    const mailer = world.mailer(transportTo(server.port));
    const order = await orderFor(world, ana, ben, cleo);
    await expect(mailer.deliver(world.session, order, going)).rejects.toMatchObject({ code: 'MAIL_UNAVAILABLE' });
    expect(server.accepted.map(({ to }) => to[0])).toEqual(['ana@example.com', 'cleo@example.com']);
    const retried = await mailer.deliver(await world.newSession(), order, going);
    expect(retried.map(({ state }) => state)).toEqual(['sent', 'sent', 'sent']);
    expect(server.accepted.map(({ to }) => to[0])).toEqual(['ana@example.com', 'cleo@example.com', 'ben@example.com']);
    const record = (await listOutbox(world.session, order.outboxParent)).find(({ to }) => to === ben.address);
    await world.session.refresh();
    expect((await listOutbox(world.session, order.outboxParent)).find(({ to }) => to === ben.address)).toMatchObject({
      attempts: 2,
      state: 'sent',
    });
    expect(record?.messageId).toBe(retried[1]?.messageId);
  });

  it('sends the same bytes with the same Message-ID when the reply was lost, whatever changed meanwhile', async () => {
    const world = await createMailWorld();
    const server = await startSmtpServer((_to, nth) => (nth === 0 ? 'cut after data' : 250));
    const mailer = world.mailer(transportTo(server.port));
    const order = await orderFor(world, ana);
    await expect(mailer.deliver(world.session, order, going)).rejects.toMatchObject({ code: 'MAIL_UNAVAILABLE' });
    await world.writeNode(world.at('/apps', 'downloadasset/subject'), { default: 'Changed meanwhile' });
    const [sent] = await mailer.deliver(await world.newSession(), order, going);
    expect(sent).toMatchObject({ state: 'sent', subject: 'Ihr Download ist bereit: Summer Lookbook' });
    const [lost, taken] = server.received;
    expect(taken?.raw.equals(lost?.raw ?? Buffer.alloc(0))).toBe(true);
    expect(taken?.raw.toString()).toContain(`Message-ID: ${sent?.messageId ?? '!'}`);
  });

  it('sends the same bytes when the worker died between the reply and its record', async () => {
    const world = await createMailWorld();
    const server = await startSmtpServer();
    const inner = transportTo(server.port);
    /** The server has the mail; the process is gone before it can write that down. */
    const dying: MailTransport = {
      send: async (mail, signal) => {
        await inner.send(mail, signal);
        throw new Error('killed');
      },
      close: () => inner.close(),
    };
    const order = await orderFor(world, ana);
    await expect(world.mailer(dying).deliver(world.session, order, going)).rejects.toThrow('killed');
    const [sent] = await world.mailer(inner).deliver(await world.newSession(), order, going);
    expect(sent?.state).toBe('sent');
    const [first, second, ...more] = server.accepted;
    expect(more).toEqual([]);
    expect(second?.raw.equals(first?.raw ?? Buffer.alloc(0))).toBe(true);
  });

  it('lets only one of two attempts at the same time send', async () => {
    const world = await createMailWorld();
    const server = await startSmtpServer();
    const mailer = world.mailer(transportTo(server.port));
    const order = await orderFor(world, ana);
    const outcomes = await Promise.allSettled([
      mailer.deliver(await world.newSession(), order, going),
      mailer.deliver(await world.newSession(), order, going),
    ]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(1);
    expect(server.accepted).toHaveLength(1);
  });

  it('keeps orders apart that share an outbox', async () => {
    const world = await createMailWorld();
    const server = await startSmtpServer();
    const mailer = world.mailer(transportTo(server.port));
    const order = await orderFor(world, ana);
    await mailer.deliver(world.session, order, going);
    await mailer.deliver(world.session, { ...order, idempotencyKey: 'w1/second' }, going);
    expect(server.accepted).toHaveLength(2);
    expect(await listOutbox(world.session, order.outboxParent)).toHaveLength(2);
  });

  it('stops between recipients when it is aborted', async () => {
    const world = await createMailWorld();
    const server = await startSmtpServer();
    const stop = new AbortController();
    const order = await orderFor(world, ana, ben);
    const delivery = world
      .mailer(transportTo(server.port), { parallel: () => 1 })
      .deliver(world.session, order, stop.signal, () => stop.abort(new Error('stop')));
    await expect(delivery).rejects.toThrow('stop');
    expect(server.accepted).toHaveLength(1);
  });

  it('refuses what is no address before anything is sent', async () => {
    const world = await createMailWorld();
    const server = await startSmtpServer();
    const order = await orderFor(world, ana, { address: 'x@y.test\r\nBcc: z@y.test' });
    await expect(world.mailer(transportTo(server.port)).deliver(world.session, order, going)).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
    });
    expect(server.received).toEqual([]);
  });

  it('says clearly that no mail is configured', async () => {
    const world = await createMailWorld();
    const order = await orderFor(world, ana);
    await expect(world.mailer().deliver(world.session, order, going)).rejects.toMatchObject({
      code: 'MAIL_NOT_CONFIGURED',
    });
  });
});
