import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashPassword } from '../../server/passwords.js';
import type { SatchelServer } from '../../server/create-server.js';
import { engineAside } from './engine-aside.js';
import { Browser, createServerWorld, type ServerWorld } from './server-world.js';

let world: ServerWorld;
let server: SatchelServer;
let browser: Browser;

beforeEach(async () => {
  world = await createServerWorld();
  await world.addUser('ada', { email: 'ada@example.com' });
  server = await world.serve(engineAside);
  browser = new Browser(server.url);
});
afterEach(async () => world.close());

describe('login', () => {
  it('is asked for, and leads back to where one wanted to go', async () => {
    const asked = await browser.get('/mail?x=1');
    expect([asked.status, asked.headers.location]).toEqual([303, '/login?next=%2Fmail%3Fx%3D1']);
    const form = await browser.get('/login?next=%2Fmail%3Fx%3D1');
    expect(form.text).toContain('name="next" value="/mail?x=1"');
    const answer = await browser.post('/login', { user: 'ada', password: 'password of ada', next: '/mail?x=1' });
    expect([answer.status, answer.headers.location]).toEqual([303, '/mail?x=1']);
    expect((await browser.get('/mail')).status).toBe(200);
  });

  it.each(['https://evil.example/', '//evil.example/', '/\\evil.example'])(
    'never leads to another site (%s)',
    async (next) => {
      const answer = await browser.post('/login', { user: 'ada', password: 'password of ada', next });
      expect([answer.status, answer.headers.location]).toEqual([303, '/downloads']);
    },
  );

  it('sets a cookie that scripts and foreign pages do not get', async () => {
    const [cookie] = (await browser.logIn('ada')).headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/^satchel=.*; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  it('marks the cookie Secure behind an https address, and accepts that address as its own', async () => {
    const proxied = await world.serve(engineAside, { externalUrl: 'https://dam.example.com' });
    const headers = { host: 'dam.example.com', origin: 'https://dam.example.com' };
    const answer = await new Browser(proxied.url).post('/login', { user: 'ada', password: 'password of ada' }, headers);
    expect(answer.status).toBe(303);
    expect(answer.headers['set-cookie']?.[0]).toContain('; Secure');
  });

  it('accepts further addresses as its own while they are named', async () => {
    const urls = ['https://dam.example.com/portal'];
    const server = await world.serve(engineAside, { otherUrls: async () => urls });
    const login = async () => {
      const headers = { host: 'dam.example.com', origin: 'https://dam.example.com' };
      return (await new Browser(server.url).post('/login', { user: 'ada', password: 'password of ada' }, headers))
        .status;
    };
    expect(await login()).toBe(303);
    urls.length = 0;
    expect(await login()).toBe(403);
  });

  it('answers a wrong password, an unknown user and a user without password alike', async () => {
    await world.change(async (session) => session.setProperties('/home/users/ada', { 'satchel:passwordHash': null }));
    const answers = await Promise.all([
      browser.logIn('ada', 'wrong password'),
      browser.logIn('nobody'),
      browser.logIn('admin', ''),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 400]);
    expect(answers[0].text).toBe(answers[1].text);
    expect(answers[0].text).toContain('User or password is wrong.');
  });

  it('refuses the eleventh attempt on an account within a minute, and that account alone', async () => {
    const statuses: number[] = [];
    for (let attempt = 1; attempt <= 11; attempt += 1) statuses.push((await browser.logIn('ADA', 'wrong')).status);
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
    expect((await browser.logIn('ada')).status).toBe(429);
    await world.addUser('bob');
    expect((await browser.logIn('bob')).status).toBe(303);
  });

  it('allows as many attempts as the setting says, from the next one on', async () => {
    const allow = (attemptsPerMinute: number) =>
      world.change(async (session) => {
        const path = '/conf/global/settings/server/login';
        await session.ensureNode(path);
        await session.setProperties(path, { attemptsPerMinute });
      });
    await allow(1);
    const statuses = [await browser.logIn('ada', 'wrong'), await browser.logIn('ada')].map(({ status }) => status);
    expect(statuses).toEqual([401, 429]);
    await allow(20);
    expect((await browser.logIn('ada')).status).toBe(303);
  });

  it('ends with the log-out, a changed password, and a disabled account', async () => {
    const open = async () => (await browser.get('/mail')).status;
    await browser.logIn('ada');
    expect(await open()).toBe(200);
    await browser.post('/logout');
    expect(await open()).toBe(303);

    await browser.logIn('ada');
    const passwordHash = await hashPassword('another one');
    await world.change(async (session) =>
      session.setProperties('/home/users/ada', { 'satchel:passwordHash': passwordHash }),
    );
    expect(await open()).toBe(303);

    await browser.logIn('ada', 'another one');
    expect(await open()).toBe(200);
    await world.change(async (session) => session.setProperties('/home/users/ada', { 'rep:disabled': 'left' }));
    expect(await open()).toBe(303);
    expect((await browser.logIn('ada', 'another one')).status).toBe(401);
  });

  it('does not take a cookie that was tampered with', async () => {
    await browser.logIn('ada');
    expect((await new Browser(server.url).get('/mail', { cookie: 'satchel=AAAA%3BBBBB' })).status).toBe(303);
  });

  it('survives a restart of the server', async () => {
    const [cookie = ''] = (await browser.logIn('ada')).headers['set-cookie'] ?? [];
    await server.close();
    const again = await world.serve(engineAside);
    expect((await new Browser(again.url).get('/mail', { cookie: cookie.split(';')[0] ?? '' })).status).toBe(200);
  });
});

describe('foreign pages', () => {
  it('may not post, log in or log out', async () => {
    await browser.logIn('ada');
    for (const origin of ['https://evil.example', 'null']) {
      const answer = await browser.post('/logout', {}, { origin });
      expect(answer.status).toBe(403);
    }
    expect((await browser.get('/mail')).status).toBe(200);
  });
  it('may not reach the server by another name', async () => {
    expect((await browser.get('/login', { host: 'evil.example' })).status).toBe(403);
  });
  it('are told apart from our own: browsers send the origin of our forms only with this referrer policy', async () => {
    expect((await browser.get('/login')).headers['referrer-policy']).toBe('same-origin');
  });
  it('may not frame pages, and pages load nothing from elsewhere', async () => {
    const { headers } = await browser.get('/login');
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('script-src');
    expect(headers['x-content-type-options']).toBe('nosniff');
  });
});

describe('open routes', () => {
  it('tell whether the server is well, without a login', async () => {
    const answer = await browser.get('/healthz');
    expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { status: 'ok', temporal: 'stopped' }]);
  });
  it('are all there are: what does not exist asks for a login too', async () => {
    expect((await browser.get('/no-such-page')).status).toBe(303);
    await browser.logIn('ada');
    const answer = await browser.get('/no-such-page');
    expect(answer.status).toBe(404);
    expect(answer.text).toContain('There is no such page.');
  });
});
