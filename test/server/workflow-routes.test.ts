import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../engine/api.js';
import { adminUser } from '../../repository/api.js';
import { hashPassword } from '../../server/passwords.js';
import { setPasswordHash } from '../../repository/users.js';
import { createServer, type SatchelServer } from '../../server/create-server.js';
import { createWorld, type World } from '../engine/engine-world.js';
import { launchPinned, modelOf, participant } from '../engine/pinned-jobs.js';
import { useTemporalServer } from '../support/temporal.js';
import { Browser, type Answer } from './server-world.js';

const temporal = useTemporalServer();
let world: World;
let engine: Engine;
let server: SatchelServer;
let ada: Browser;
let bob: Browser;

const json = (answer: Answer): unknown => JSON.parse(answer.text);
const postJson = (browser: Browser, target: string, body: unknown = {}) =>
  browser.send('POST', target, { 'content-type': 'application/json', origin: browser.url }, JSON.stringify(body));

beforeAll(async () => {
  world = await createWorld();
  await world.addAsset('/content/dam/plain/one.txt', 'one');
  await world.repository.withSession(adminUser, async (session) => {
    for (const id of ['ada', 'bob']) await setPasswordHash(session, id, await hashPassword(`password of ${id}`));
    await session.save();
  });
  engine = await world.createEngine({ address: temporal().address });
  await engine.start();
  const { services, folder: dataFolder, log } = world;
  server = await createServer({ ...services, engine, mailboxFolder: undefined, dataFolder, log }, { port: 0 });
  [ada, bob] = [new Browser(server.url), new Browser(server.url)];
  await ada.logIn('ada');
  await bob.logIn('bob');
}, 240_000);

afterAll(async () => {
  await server.close();
  await engine.close();
  await world.close();
});

describe('workflows over HTTP', () => {
  it('are started, listed, commented and shown to who may see them', async () => {
    const order = { model: 'test/none', payload: '/content/dam/plain' };
    expect((await postJson(ada, '/api/workflows', order)).status).toBe(404);
    expect((await postJson(ada, '/api/workflows', { ...order, surprise: 1 })).status).toBe(400);
    const job = await launchPinned(world, engine, modelOf('test/ask', [participant('approval', 'bob')]));
    expect(json(await ada.get('/api/workflows?model=test/ask'))).toMatchObject({ jobs: [{ id: job }] });
    expect(json(await bob.get('/api/workflows'))).toEqual({ jobs: [] });
    expect((await ada.get('/api/workflows?state=asleep')).status).toBe(400);
    expect((await postJson(ada, `/api/workflows/${job}/comments`, { text: 'soon, please' })).status).toBe(201);
    expect(json(await ada.get(`/api/workflows/${job}`))).toMatchObject({ comments: [{ text: 'soon, please' }] });
    expect((await bob.get(`/api/workflows/${job}`)).status).toBe(404);
    expect((await postJson(bob, `/api/workflows/${job}/terminate`)).status).toBe(404);
    expect((await postJson(ada, `/api/workflows/${job}/external`, { step: 'approval' })).status).toBe(404);
    expect((await postJson(ada, `/api/workflows/${job}/retry`)).status).toBe(409);
    expect((await postJson(ada, `/api/workflows/${job}/terminate`)).status).toBe(202);
    expect(json(await ada.get(`/api/workflows/${job}`))).toMatchObject({ state: 'cancelled', terminated: true });
  });
});

describe('work items over HTTP', () => {
  it('are listed, shown on the page that mails link to, and completed once', async () => {
    const job = await launchPinned(world, engine, modelOf('test/ask', [participant('approval', 'bob')]));
    const items = async () => (json(await bob.get('/api/inbox')) as { items: { id: string; job: string }[] }).items;
    await expect.poll(async () => (await items()).map((item) => item.job), { timeout: 20_000 }).toEqual([job]);
    const [item] = await items();
    const page = await bob.get(`/inbox/${item?.id}`);
    expect(page.text).toContain('Ask about approval');
    expect((await bob.get('/inbox')).text).toContain(`/inbox/${item?.id}`);
    // The initiator sees the item, and may not complete it.
    expect((await postJson(ada, `/api/inbox/${item?.id}/complete`)).status).toBe(403);
    expect((await ada.get('/api/inbox/0123456789abcdef')).status).toBe(404);
    const done = await bob.post(`/inbox/${item?.id}/complete`, { comment: 'fine' });
    expect(done.status).toBe(303);
    expect((await postJson(bob, `/api/inbox/${item?.id}/complete`)).status).toBe(409);
    expect(json(await bob.get('/api/inbox?state=ended&limit=1'))).toMatchObject({
      items: [{ id: item?.id, endedBy: 'bob' }],
    });
    expect(await items()).toEqual([]);
  });
});
