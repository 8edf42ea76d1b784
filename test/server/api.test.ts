import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSatchel, type Satchel } from '../../compose.js';
import { createAsset } from '../../dam/asset.js';
import { adminUser } from '../../repository/api.js';
import { createUser } from '../../repository/users.js';
import { createServer, type SatchelServer } from '../../server/create-server.js';
import { hashPassword } from '../../server/passwords.js';
import { Browser, type Answer } from './server-world.js';

let folder: string;
let satchel: Satchel;
let server: SatchelServer;
let ada: Browser;
let bob: Browser;

const json = (answer: Answer): unknown => JSON.parse(answer.text);

async function postJson(browser: Browser, target: string, body: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json', origin: browser.url };
  return browser.send('POST', target, headers, typeof body === 'string' ? body : JSON.stringify(body));
}

async function requestNote(browser: Browser): Promise<string> {
  const answer = await postJson(browser, '/api/downloads', { paths: ['/content/dam/notes/note.txt'], notify: false });
  expect(answer.status).toBe(202);
  return (json(answer) as { id: string }).id;
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'satchel-api-'));
  const log = pino({ level: 'silent' });
  satchel = await openSatchel({ dataFolder: folder, mode: 'command', work: false, log });
  const { repository, overlay, settings, engine } = satchel;
  await repository.withSession(adminUser, async (session) => {
    await session.ensureNode('/content/dam/notes');
    const binary = await session.createBinary('a note');
    await createAsset(session, '/content/dam/notes', 'note.txt', { binary });
    for (const id of ['ada', 'bob']) {
      const passwordHash = await hashPassword(`password of ${id}`);
      await createUser(session, { id, groups: ['dam-users'], passwordHash });
    }
    await session.save();
  });
  server = await createServer(
    { repository, overlay, settings, engine, mailboxFolder: undefined, dataFolder: folder, log },
    { port: 0 },
  );
  [ada, bob] = [new Browser(server.url), new Browser(server.url)];
  await ada.logIn('ada');
  await bob.logIn('bob');
});
afterAll(async () => {
  await server.close();
  await satchel.close();
  await rm(folder, { recursive: true, force: true });
});

describe('POST /api/downloads', () => {
  it('takes a request and says where its state is', async () => {
    const answer = await postJson(ada, '/api/downloads', { paths: ['/content/dam/notes'], notify: false });
    expect(answer.status).toBe(202);
    const job = json(answer) as { id: string };
    expect(job).toMatchObject({ model: 'dam/download-asset', state: 'queued', initiator: 'ada' });
    expect(answer.headers.location).toBe(`/api/downloads/${job.id}`);
  });

  it.each([
    ['no path', {}, 400, 'INVALID_REQUEST'],
    ['no object', '[]', 400, 'INVALID_REQUEST'],
    ['no JSON', '{"paths":', 400, 'INVALID_REQUEST'],
    ['an unknown field', { paths: ['/content/dam/notes'], colour: 'red' }, 400, 'INVALID_REQUEST'],
    ['a folder of the server', { paths: ['/content/dam/notes'], outFolder: '/tmp' }, 400, 'INVALID_REQUEST'],
    ['a path that does not exist', { paths: ['/content/dam/absent'] }, 404, 'PATH_NOT_FOUND'],
    ['a path that may not be read', { paths: ['/home/users/bob'] }, 404, 'PATH_NOT_FOUND'],
    [
      'nothing that was asked for',
      { paths: ['/content/dam/notes'], originals: false, renditions: ['x'] },
      400,
      'NOTHING_SELECTED',
    ],
    [
      'a stranger as recipient',
      { paths: ['/content/dam/notes'], email: ['eve@example.org'] },
      403,
      'RECIPIENT_NOT_ALLOWED',
    ],
    ['a body that is too large', { paths: ['/content/dam/notes'], name: 'x'.repeat(300_000) }, 400, 'INVALID_REQUEST'],
  ])('refuses %s', async (_title, body, status, code) => {
    const answer = await postJson(ada, '/api/downloads', body);
    expect([answer.status, json(answer)]).toMatchObject([status, { error: { code } }]);
  });

  it('names the field that is only for the command line', async () => {
    const answer = await postJson(ada, '/api/downloads', { paths: ['/content/dam/notes'], outFolder: '/tmp' });
    expect(json(answer)).toMatchObject({
      error: {
        details: { problems: [{ field: 'outFolder', problem: 'only the command line of this machine may set it' }] },
      },
    });
  });

  it('needs a login, and answers in JSON that it does', async () => {
    const answer = await postJson(new Browser(server.url), '/api/downloads', { paths: ['/content/dam'] });
    expect([answer.status, json(answer)]).toMatchObject([401, { error: { code: 'NOT_LOGGED_IN' } }]);
  });

  it('is not for pages of other sites', async () => {
    const headers = { 'content-type': 'application/json', origin: 'https://evil.example' };
    const answer = await ada.send('POST', '/api/downloads', headers, '{"paths":["/content/dam/notes"]}');
    expect([answer.status, json(answer)]).toMatchObject([403, { error: { code: 'NOT_ALLOWED' } }]);
  });
});

describe('a download over the API and on its page', () => {
  it('is shown to its user, and does not exist for others', async () => {
    const id = await requestNote(ada);
    expect(json(await ada.get(`/api/downloads/${id}`))).toMatchObject({
      id,
      state: 'queued',
      waiting: true,
      archives: [],
    });
    expect((await ada.get(`/downloads/${id}`)).text).toContain('Waits for the workflow server');
    expect((await ada.get('/downloads')).text).toContain(`href="/downloads/${id}"`);
    expect((await bob.get('/downloads')).text).not.toContain(id);
    for (const target of [`/api/downloads/${id}`, `/downloads/${id}`]) {
      const [others, absent] = [await bob.get(target), await bob.get(target.replace(id, 'no-such-job'))];
      expect(others.status).toBe(404);
      expect(others.text.replaceAll(id, 'X')).toBe(absent.text.replaceAll('no-such-job', 'X'));
    }
  });

  it('is cancelled by its user, through the API or the page, and by nobody else', async () => {
    const [one, two] = [await requestNote(ada), await requestNote(ada)];
    expect((await postJson(bob, `/api/downloads/${one}/cancel`, {})).status).toBe(404);
    expect((await postJson(ada, `/api/downloads/${one}/cancel`, {})).status).toBe(202);
    const answer = await ada.post(`/downloads/${two}/cancel`);
    expect([answer.status, answer.headers.location]).toEqual([303, `/downloads/${two}`]);
    for (const id of [one, two])
      expect(json(await ada.get(`/api/downloads/${id}`))).toMatchObject({ state: 'cancelled' });
  });

  it('is listed, the newest first, as many as asked', async () => {
    const ids = [await requestNote(bob), await requestNote(bob)];
    const listed = json(await bob.get('/api/downloads?limit=2')) as { downloads: { id: string }[] };
    expect(listed.downloads.map(({ id }) => id)).toEqual(ids.toReversed());
    const wrong = await bob.get('/api/downloads?limit=many');
    expect([wrong.status, json(wrong)]).toMatchObject([
      400,
      { error: { code: 'INVALID_REQUEST', details: { problems: [{ field: 'limit' }] } } },
    ]);
  });
});
