import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAsset } from '../../dam/asset.js';
import { deny } from '../../repository/access/policy.js';
import type { SatchelServer } from '../../server/create-server.js';
import { engineAside } from './engine-aside.js';
import { Browser, createServerWorld, type Answer, type ServerWorld } from './server-world.js';

let world: ServerWorld;
let server: SatchelServer;
let ada: Browser;

const folder = '/content/dam/shop';
const modified = new Date('2024-05-01T10:00:00.000Z');

beforeAll(async () => {
  world = await createServerWorld();
  await world.addUser('ada');
  await world.change(async (session) => {
    await session.ensureNode(folder, { primaryType: 'sling:Folder' }, 'sling:Folder');
    for (const name of ['a.png', 'b.png', 'c.png', 'secret.png']) {
      const binary = await session.createBinary(name);
      const metadata = { 'dc:title': `Title of ${name}`, __proto__x: 2n ** 60n, tags: ['x', 'y'] };
      await createAsset(session, folder, name, { binary, metadata, modified });
    }
    await deny(session, `${folder}/secret.png`, 'ada', ['jcr:read']);
  });
  server = await world.serve(engineAside);
  ada = new Browser(server.url);
  await ada.logIn('ada');
});
afterAll(() => world.close());

const assets = `path=${folder}&type=dam:Asset&orderby=path`;
const ask = async (parameters: string, browser = ada): Promise<Answer> =>
  browser.get(`/bin/querybuilder.json?${parameters}`);
const json = async (parameters: string): Promise<unknown> => {
  const answer = await ask(parameters);
  expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
  return JSON.parse(answer.text);
};
const names = (document: unknown) => (document as { hits: { name: string }[] }).hits.map(({ name }) => name);

describe('GET /bin/querybuilder.json', () => {
  it('answers in the shape of AEM, with what the user may read and nothing else', async () => {
    expect(await json(`${assets}&p.limit=2`)).toEqual({
      success: true,
      results: 2,
      total: 3,
      more: true,
      offset: 0,
      hits: ['a.png', 'b.png'].map((name) => ({
        path: `${folder}/${name}`,
        name,
        title: `Title of ${name}`,
        lastModified: modified.toISOString(),
        created: modified.toISOString(),
      })),
    });
  });

  it.each([
    ['pages', 'p.offset=1&p.limit=1', ['b.png'], { results: 1, total: 3, more: true, offset: 1 }],
    ['everything', 'p.limit=-1', ['a.png', 'b.png', 'c.png'], { results: 3, total: 3, more: false }],
    ['a total of what is needed', 'p.limit=1&p.guessTotal=true', ['a.png'], { results: 1, total: 1, more: true }],
    ['a total up to a number', 'p.limit=1&p.guessTotal=2', ['a.png'], { results: 1, total: 2, more: true }],
    ['a total below a number', 'p.limit=1&p.guessTotal=100', ['a.png'], { results: 1, total: 3, more: true }],
    ['nothing', 'nodename=none', [], { success: true, results: 0, total: 0, more: false, offset: 0 }],
  ])('gives %s', async (_what, parameters, hits, facts) => {
    const document = await json(`${assets}&${parameters}`);
    expect(names(document)).toEqual(hits);
    expect(document).toMatchObject(facts);
  });

  it('shows whole nodes, as deep as asked', async () => {
    const full = async (depth: string) =>
      ((await json(`${assets}&p.limit=1&p.hits=full${depth}`)) as { hits: Record<string, unknown>[] }).hits[0];
    expect(await full('')).toMatchObject({ 'jcr:path': `${folder}/a.png`, 'jcr:primaryType': 'dam:Asset' });
    expect(await full('')).not.toHaveProperty('jcr:content');
    expect((await full('&p.nodedepth=1'))?.['jcr:content']).toEqual({
      'jcr:primaryType': 'dam:AssetContent',
      'jcr:lastModified': modified.toISOString(),
    });
    const deep = await full('&p.nodedepth=5');
    expect(deep).toMatchObject({
      'jcr:content': {
        metadata: { 'dc:title': 'Title of a.png', __proto__x: (2n ** 60n).toString(), tags: ['x', 'y'] },
        renditions: { original: { 'jcr:content': { ':jcr:data': 5, 'jcr:mimeType': 'image/png' } } },
      },
    });
  });

  it('shows the properties that are named', async () => {
    const properties = 'jcr:path+jcr:content/metadata/dc:title+jcr:content/jcr:lastModified+none+no/where';
    expect(await json(`${assets}&p.limit=1&p.hits=selective&p.properties=${properties}`)).toMatchObject({
      hits: [
        {
          'jcr:path': `${folder}/a.png`,
          'jcr:content': { metadata: { 'dc:title': 'Title of a.png' }, 'jcr:lastModified': modified.toISOString() },
        },
      ],
    });
  });

  it.each([
    ['pth=/content', 'pth'],
    ['p.limit=many', 'p.limit'],
    ['p.offset=-1', 'p.offset'],
    ['p.hits=some', 'p.hits'],
    ['p.hits=full&p.nodedepth=0', 'p.nodedepth'],
    ['p.hits=full&p.nodedepth=11', 'p.nodedepth'],
    ['p.hits=selective', 'p.properties'],
    ['p.hits=selective&p.properties=a//b', 'p.properties'],
    [`p.hits=selective&p.properties=${'a+'.repeat(101)}`, 'p.properties'],
    ['path=/a&path=/b', 'path'],
    ['1_property=a&1_property.value=x&1_property.operation=near', '1_property.operation'],
  ])('refuses %s as a problem that names the parameter', async (parameters, parameter) => {
    const answer = await ask(parameters);
    expect([answer.status, answer.headers['content-type']]).toEqual([
      400,
      expect.stringMatching(/^application\/problem\+json/),
    ]);
    expect(JSON.parse(answer.text)).toEqual({
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      code: 'INVALID_QUERY',
      parameter,
      detail: expect.stringContaining(parameter) as string,
    });
  });

  it('needs a login', async () => {
    const answer = await ask(assets, new Browser(server.url));
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([401, { status: 401, code: 'NOT_LOGGED_IN' }]);
  });
});
