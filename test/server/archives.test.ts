import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { once } from 'node:events';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { layoutZip } from '../../dam/zip/layout.js';
import { openFrom, zipRange } from '../../dam/zip/write.js';
import { grant } from '../../repository/access/policy.js';
import { addMember, createGroup } from '../../repository/users.js';
import type { SatchelServer } from '../../server/create-server.js';
import type { PackedArchives, PackedEntry } from '../../workflows/contract/plan.js';
import { engineAside } from './engine-aside.js';
import { Browser, createServerWorld, type ServerWorld } from './server-world.js';

const stored = 'Grüße aus Aurora.zip';
const storedUrl = `/downloads/job-1/${encodeURIComponent(stored)}`;
const deflated = 'deflated.zip';

let world: ServerWorld;
let server: SatchelServer;
/** What the archive is, read without the server. */
let whole: Buffer;
let archives: PackedArchives;
let ada: Browser;

async function loggedIn(user: string): Promise<Browser> {
  const browser = new Browser(server.url);
  expect((await browser.logIn(user)).status).toBe(303);
  return browser;
}

beforeAll(async () => {
  world = await createServerWorld();
  const { blobs } = world.repository;
  async function* bytes(seed: number, size: number): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(size, createHash('sha256').update(String(seed)).digest());
  }
  const entries: PackedEntry[] = [];
  for (const [index, size] of [0, 1, 70_000, 300_000].entries()) {
    entries.push({
      name: `file-${index}.bin`,
      blob: await blobs.write(bytes(index, size)),
      modified: '2025-01-02T03:04:06.000Z',
    });
  }
  entries.push({
    name: 'manifest.json',
    blob: {
      ...(await blobs.write(bytes(9, 5))),
      inline: createHash('sha256').update('9').digest().subarray(0, 5).toString('base64'),
    },
    modified: '2025-01-02T03:04:06.000Z',
  });
  const layout = layoutZip(entries);
  const chunks: Uint8Array[] = [];
  for await (const chunk of zipRange(layout, openFrom(blobs))) chunks.push(chunk);
  whole = Buffer.concat(chunks);
  const packed = await blobs.write(bytes(7, 50_000));
  archives = {
    format: 1,
    skipped: [],
    parts: [
      { file: stored, method: 'store', size: layout.size, entries },
      { file: deflated, method: 'deflate', size: packed.size, entries, blob: packed },
    ],
  };
  for (const user of ['ada', 'bob']) await world.addUser(user);
  await world.addDownload({ id: 'job-1', initiator: 'ada', archives });
  server = await world.serve(engineAside);
  ada = await loggedIn('ada');
});
afterAll(async () => world.close());

describe('an archive', () => {
  it('comes whole, with exact length, a strong ETag and its name', async () => {
    const { status, headers, body } = await ada.get(storedUrl);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'application/zip',
      'content-length': String(whole.length),
      'accept-ranges': 'bytes',
      'content-disposition': `attachment; filename="Gr__e aus Aurora.zip"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20aus%20Aurora.zip`,
    });
    expect(headers.etag).toMatch(/^"[^"]+"$/);
    expect(body.equals(whole)).toBe(true);
  });

  it('answers HEAD with the same headers and no bytes', async () => {
    const [get, head] = [await ada.get(storedUrl), await ada.send('HEAD', storedUrl)];
    expect(head.status).toBe(200);
    expect(head.body.length).toBe(0);
    for (const name of ['content-length', 'etag', 'content-type', 'accept-ranges', 'content-disposition']) {
      expect(head.headers[name]).toBe(get.headers[name]);
    }
  });

  it('comes in any range, byte for byte', async () => {
    const { length } = whole;
    await fc.assert(
      fc.asyncProperty(fc.nat(length - 1), fc.nat(length - 1), async (a, b) => {
        const [first, last] = a < b ? [a, b] : [b, a];
        const { status, headers, body } = await ada.get(storedUrl, { range: `bytes=${first}-${last}` });
        expect(status).toBe(206);
        expect(headers['content-range']).toBe(`bytes ${first}-${last}/${length}`);
        expect(headers['content-length']).toBe(String(last - first + 1));
        expect(body.equals(whole.subarray(first, last + 1))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('resumes where a broken download stopped, and starts over when the archive is another', async () => {
    const { etag = '' } = (await ada.send('HEAD', storedUrl)).headers;
    const rest = await ada.get(storedUrl, { range: 'bytes=1000-', 'if-range': etag });
    expect(rest.status).toBe(206);
    expect(Buffer.concat([whole.subarray(0, 1000), rest.body]).equals(whole)).toBe(true);
    expect((await ada.get(storedUrl, { range: 'bytes=1000-', 'if-range': '"other"' })).status).toBe(200);
    expect((await ada.get(storedUrl, { 'if-none-match': etag })).status).toBe(304);
    expect((await ada.get(storedUrl, { 'if-match': '"other"' })).status).toBe(412);
  });

  it('has nothing beyond its end', async () => {
    const answer = await ada.get(storedUrl, { range: `bytes=${whole.length}-` });
    expect([answer.status, answer.headers['content-range']]).toEqual([416, `bytes */${whole.length}`]);
  });

  it('comes from its blob when it was compressed', async () => {
    const [part] = archives.parts.slice(1);
    const answer = await ada.get(`/downloads/job-1/${deflated}`, { range: 'bytes=-10' });
    expect(answer.status).toBe(206);
    expect(answer.headers.etag).toBe(`"${part?.blob?.sha256 ?? ''}"`);
    expect(answer.headers['content-range']).toBe('bytes 49990-49999/50000');
    expect(answer.body.length).toBe(10);
  });

  it('goes on for others when a reader goes away in the middle', async () => {
    const [cookie = ''] = (await new Browser(server.url).logIn('ada')).headers['set-cookie'] ?? [];
    const { host, port } = new URL(server.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`GET ${storedUrl} HTTP/1.1\r\nHost: ${host}\r\nCookie: ${cookie.split(';')[0] ?? ''}\r\n\r\n`);
    await once(socket, 'data');
    socket.destroy();
    expect((await ada.get(storedUrl)).body.equals(whole)).toBe(true);
  });
});

describe('who may have it', () => {
  it('is gone once it expired, and only for whom it was there', async () => {
    await world.addDownload({ id: 'job-old', initiator: 'ada', archives });
    const url = `/downloads/job-old/${encodeURIComponent(stored)}`;
    const expire = async (expires: Date) =>
      world.change(async (session) => session.setProperties('/var/dam/downloads/job-old', { expires }));
    await expire(new Date(Date.now() + 3_600_000));
    expect((await ada.get(url)).status).toBe(200);
    await expire(new Date(Date.now() - 1));
    expect((await ada.get(url)).status).toBe(410);
    expect((await ada.send('HEAD', url)).status).toBe(410);
    expect((await (await loggedIn('bob')).get(url)).status).toBe(404);
  });

  it('needs a login', async () => {
    const answer = await new Browser(server.url).get(storedUrl);
    expect([answer.status, answer.headers.location]).toEqual([303, `/login?next=${encodeURIComponent(storedUrl)}`]);
    expect(answer.body.length).toBe(0);
  });

  it('what may not be read answers exactly as what does not exist', async () => {
    const bob = await loggedIn('bob');
    await world.addDownload({ id: 'early', initiator: 'bob', archives, delivered: false });
    const answers = [
      await bob.get(`/downloads/job-1/${deflated}`),
      await bob.get(`/downloads/job-2/${deflated}`),
      await bob.get('/downloads/job-1/other.zip'),
      await bob.get(`/downloads/early/${deflated}`),
      await bob.get(`/downloads/..%2F..%2Fhome/${deflated}`),
      await bob.get(`/downloads/a%00b/${deflated}`),
    ];
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(404);
  });

  it('is for who requested it, the recipients, administrators, and whom a policy lets read it', async () => {
    await world.addUser('carl', { email: 'Carl@example.com' });
    await world.addUser('dora');
    await world.addUser('chef', { groups: ['administrators'] });
    await world.addDownload({ id: 'job-3', initiator: 'ada', email: ['carl@example.com'], archives });
    const status = async (user: string) => (await (await loggedIn(user)).get(`/downloads/job-3/${deflated}`)).status;
    expect(await Promise.all(['ada', 'carl', 'chef', 'dora'].map(status))).toEqual([200, 200, 200, 404]);
    await world.change(async (session) => grant(session, '/var/dam/downloads/job-3', 'dora', ['jcr:read']));
    expect(await status('dora')).toBe(200);
  });

  it('is asked again at every delivery: what was taken back ends it', async () => {
    await world.addUser('eve');
    await world.addDownload({ id: 'job-eve', initiator: 'ada', archives });
    await world.change(async (session) => grant(session, '/var/dam/downloads/job-eve', 'eve', ['jcr:read']));
    const eve = await loggedIn('eve');
    const url = `/downloads/job-eve/${deflated}`;
    expect((await eve.get(url)).status).toBe(200);
    await world.change(async (session) => session.remove('/var/dam/downloads/job-eve/rep:policy'));
    expect((await eve.get(url)).status).toBe(404);
  });

  it('is for members of dam-users, or of the group of the tenant', async () => {
    await world.change(async (session) => {
      await createGroup(session, 'aurora-team');
      await session.ensureNode('/conf/aurora/settings/tenant', { properties: { group: 'aurora-team' } });
    });
    await world.addUser('tom', { groups: [] });
    await world.addDownload({ id: 'job-tom', initiator: 'tom', archives, tenant: 'aurora' });
    const tom = await loggedIn('tom');
    const url = `/downloads/job-tom/${deflated}`;
    const refused = await tom.get(url);
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('members of dam-users or of the tenant’s group');
    await world.change(async (session) => addMember(session, 'aurora-team', 'tom'));
    expect((await tom.get(url)).status).toBe(200);
  });
});
