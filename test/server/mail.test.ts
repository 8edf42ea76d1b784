import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMailbox, type EmbeddedMailbox } from '../../activities/mail/mailbox.js';
import type { SatchelServer } from '../../server/create-server.js';
import { engineAside } from './engine-aside.js';
import { Browser, createServerWorld, type ServerWorld } from './server-world.js';

let world: ServerWorld;
let server: SatchelServer;
let mailbox: EmbeddedMailbox;
const ids = new Map<string, string>();

async function loggedIn(user: string): Promise<Browser> {
  const browser = new Browser(server.url);
  await browser.logIn(user);
  return browser;
}

beforeAll(async () => {
  world = await createServerWorld();
  await world.addUser('ada', { email: 'Ada@example.com' });
  await world.addUser('bob', { email: 'bob@example.com' });
  await world.addUser('chef', { groups: ['administrators'] });
  mailbox = await createMailbox({ folder: world.mailboxFolder });
  const transport = createTransport({ host: mailbox.host, port: mailbox.port });
  for (const name of ['ada', 'bob']) {
    await transport.sendMail({
      from: 'satchel@example.com',
      to: `${name}@example.com`,
      subject: `For <b>${name}</b>`,
      text: `Hello ${name} & all`,
      html: `<p>Hello ${name}</p><script>alert(1)</script><a href="http://127.0.0.1/downloads">get it</a>`,
    });
  }
  for (const { id, to } of await mailbox.list()) ids.set(to[0] ?? '', id);
  server = await world.serve(engineAside);
});
afterAll(async () => {
  await mailbox.close();
  await world.close();
});

describe('the mailbox', () => {
  it('shows everyone their own mail, and administrators all', async () => {
    const [ada, chef] = [await loggedIn('ada'), await loggedIn('chef')];
    const [own, all] = [await ada.get('/mail'), await chef.get('/mail')];
    expect(own.text).toContain('For &lt;b&gt;ada&lt;/b&gt;');
    expect(own.text).not.toContain('bob@example.com');
    expect(all.text).toContain('ada@example.com');
    expect(all.text).toContain('bob@example.com');
  });

  it('shows text and source, and the HTML in a frame without scripts', async () => {
    const ada = await loggedIn('ada');
    const id = ids.get('ada@example.com') ?? '';
    const mail = await ada.get(`/mail/${id}`);
    expect(mail.text).toContain('Hello ada &amp; all');
    expect(mail.text).toContain(`src="/mail/${id}/html"`);
    expect(mail.text).not.toContain('<script');
    const body = await ada.get(`/mail/${id}/html`);
    expect(body.text).toContain('<base target="_blank">');
    expect(String(body.headers['content-security-policy'])).toMatch(
      /^sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'/,
    );
    const raw = await ada.get(`/mail/${id}/raw`);
    expect(raw.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(raw.text).toContain('To: ada@example.com\r\n');
  });

  it('does not tell mail for others from mail that is not there', async () => {
    const ada = await loggedIn('ada');
    for (const part of ['', '/html', '/raw']) {
      const [others, absent] = [
        await ada.get(`/mail/${ids.get('bob@example.com') ?? ''}${part}`),
        await ada.get(
          `/mail/${(ids.get('bob@example.com') ?? '').replace(/.$/, (last) => (last === '0' ? '1' : '0'))}${part}`,
        ),
      ];
      expect([others.status, absent.status]).toEqual([404, 404]);
    }
    expect((await ada.get('/mail/..%2F..%2Fsession.key')).status).toBe(404);
  });
});
