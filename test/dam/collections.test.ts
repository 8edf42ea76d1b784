import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addToCollection, createCollection, removeFromCollection } from '../../dam/collections.js';
import { readMembers } from '../../dam/members.js';
import { prepareDownloadPlan } from '../../dam/prepare-download-plan.js';
import { setMembersOf, subassetsOf } from '../../dam/related-assets.js';
import { resolveSelection, selectAssets } from '../../dam/selection.js';
import { createAsset } from '../../dam/asset.js';
import { deny } from '../../repository/access/policy.js';
import type { Session } from '../../repository/api.js';
import { parseDownloadRequest } from '../../workflows/contract/download-request.js';
import type { DownloadRequestInput } from '../../workflows/contract/download-request.js';
import type { DownloadPlan } from '../../workflows/contract/plan.js';
import { openWorld } from './support/world.js';
import type { World } from './support/world.js';

let world: World;
let collections = 0;
/** A new one, empty, for each test. */
let collection = '';
const shop = '/content/dam/shop';

beforeAll(async () => {
  world = await openWorld();
  await world.addAssets(
    Object.fromEntries(
      ['a.txt', 'b.txt', 'folder/c.txt', 'folder/d.txt', 'secret/e.txt', 'book.pdf', 'other/book.pdf'].map((name) => [
        `${shop}/${name}`,
        Buffer.from(name),
      ]),
    ),
  );
  await world.change(async (session) => {
    await deny(session, `${shop}/secret`, 'ada', ['jcr:read']);
    for (const book of [`${shop}/book.pdf`, `${shop}/other/book.pdf`]) {
      await session.addNode(`${book}/subassets`);
      for (const page of ['p1.txt', 'p2.txt']) {
        await createAsset(session, `${book}/subassets`, page, { binary: await session.createBinary(book + page) });
      }
    }
  });
});
afterAll(() => world.close());
beforeEach(() =>
  world.change(async (session) => {
    collection = await createCollection(session, `m/collection-${(collections += 1)}`, { title: 'Lookbook' });
  }),
);

const add = (...names: string[]) =>
  world.change(async (session) => {
    for (const name of names) await addToCollection(session, collection, `${shop}/${name}`);
  });

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const read = <T>(work: (session: Session) => Promise<T>, user = 'admin') => world.repository.withSession(user, work);

const members = () =>
  read(async (session) => (await collect(readMembers(session, collection))).map(({ path }) => path));

async function selected(paths: string[], user = 'ada', subassets = false) {
  return read(async (session) => {
    const { paths: resolved, skipped } = await resolveSelection(session, paths);
    const assets = await collect(selectAssets(session, resolved, { subassets }));
    return { assets: assets.map(({ path }) => path.replace(`${shop}/`, '')), skipped };
  }, user);
}

function plan(input: DownloadRequestInput, user = 'ada'): Promise<DownloadPlan> {
  return read(
    (session) =>
      world.repository.withSession({ service: 'workflow' }, (serviceSession) =>
        prepareDownloadPlan({
          session,
          serviceSession,
          overlay: world.services.overlay,
          settings: world.services.settings,
          request: parseDownloadRequest(input),
          renderer: 'sharp 0, libvips 0',
        }),
      ),
    user,
  );
}

describe('a collection', () => {
  it('keeps its members as AEM does, in order, each once', async () => {
    await add('b.txt', 'folder', 'a.txt', 'b.txt');
    expect(await members()).toEqual([`${shop}/b.txt`, `${shop}/folder`, `${shop}/a.txt`]);
    await read(async (session) => {
      const node = await session.getNode(collection);
      expect([node.text('sling:resourceType'), node.text('jcr:title')]).toEqual(['dam/collection', 'Lookbook']);
      const list = await session.getNode(`${collection}/sling:members`);
      expect(list.texts('sling:resources')).toEqual([`${shop}/b.txt`, `${shop}/folder`, `${shop}/a.txt`]);
      const member = await session.getNode(`${collection}/sling:members/b.txt`);
      expect(member.text('sling:resource')).toBe(`${shop}/b.txt`);
      expect(member.property('satchel:resource')).toBeUndefined();
    });
  });

  it('holds members of one name, and loses the one that is removed', async () => {
    await add('book.pdf', 'a.txt', 'other/book.pdf');
    await world.change((session) => removeFromCollection(session, collection, `${shop}/book.pdf`));
    await world.change((session) => removeFromCollection(session, collection, `${shop}/never-a-member`));
    expect(await members()).toEqual([`${shop}/a.txt`, `${shop}/other/book.pdf`]);
  });

  it('keeps a referenceable member that is moved, also when another asset takes its place', async () => {
    await world.addAssets({ [`${shop}/moving/x.txt`]: Buffer.from('x') });
    await world.change(async (session) => {
      await session.setProperties(`${shop}/moving/x.txt`, { 'jcr:mixinTypes': ['mix:referenceable'] });
    });
    await add('moving/x.txt', 'a.txt');
    await world.change((session) => session.move(`${shop}/moving/x.txt`, `${shop}/moving/y.txt`));
    expect(await members()).toEqual([`${shop}/moving/y.txt`, `${shop}/a.txt`]);
    await world.addAssets({ [`${shop}/moving/x.txt`]: Buffer.from('another') });
    await add('moving/x.txt', 'moving/y.txt');
    expect(await members()).toEqual([`${shop}/moving/y.txt`, `${shop}/a.txt`, `${shop}/moving/x.txt`]);
    await world.change((session) => removeFromCollection(session, collection, `${shop}/moving/y.txt`));
    expect(await members()).toEqual([`${shop}/a.txt`, `${shop}/moving/x.txt`]);
  });

  it('is one from a package too, whose members are the order, then nodes that it lacks', async () => {
    await world.change(async (session) => {
      const list = `${collection}/sling:members`;
      await session.setProperties(list, { 'sling:resources': [`${shop}/b.txt`, 'no path', `${shop}/a.txt`] });
      await session.addNode(`${list}/late`, { properties: { 'sling:resource': `${shop}/folder` } });
      await session.addNode(`${list}/listed`, { properties: { 'sling:resource': `${shop}/a.txt` } });
    });
    expect(await members()).toEqual([`${shop}/b.txt`, undefined, `${shop}/a.txt`, `${shop}/folder`]);
    expect((await selected([collection])).assets).toEqual(['b.txt', 'a.txt', 'folder/c.txt', 'folder/d.txt']);
  });

  it('takes members only where there is a collection and a member', async () => {
    await world.change(async (session) => {
      await expect(addToCollection(session, shop, `${shop}/a.txt`)).rejects.toMatchObject({
        code: 'CONSTRAINT_VIOLATION',
      });
      await expect(addToCollection(session, collection, `${shop}/none`)).rejects.toMatchObject({
        code: 'PATH_NOT_FOUND',
      });
    });
  });
});

describe('a download of a collection', () => {
  it('holds its assets and folders in order, no asset twice', async () => {
    await add('folder/d.txt', 'b.txt', 'folder', 'a.txt');
    expect((await selected([`${shop}/a.txt`, collection])).assets).toEqual([
      'a.txt',
      'b.txt',
      'folder/c.txt',
      'folder/d.txt',
    ]);
  });

  it('holds those of collections in it, also when these hold each other', async () => {
    const outer = collection;
    await world.change(async (session) => {
      const inner = await createCollection(session, `m/inner-${collections}`);
      await addToCollection(session, inner, outer);
      await addToCollection(session, inner, `${shop}/b.txt`);
      await addToCollection(session, outer, inner);
      await addToCollection(session, outer, `${shop}/a.txt`);
    });
    expect((await selected([outer])).assets).toEqual(['b.txt', 'a.txt']);
  });

  it('says which members are gone, and nothing of those below what may not be read', async () => {
    await world.addAssets({ [`${shop}/gone.txt`]: Buffer.from('gone') });
    await add('gone.txt', 'secret/e.txt', 'a.txt');
    await world.change((session) => session.remove(`${shop}/gone.txt`));
    const before = await plan({ paths: [collection] });
    expect(before.entries.map(({ asset }) => asset)).toEqual([`${shop}/a.txt`]);
    expect(before.skipped).toEqual([
      {
        path: `${shop}/gone.txt`,
        code: 'PATH_NOT_FOUND',
        reason: `A member of ${collection} that does not exist, or may not be read.`,
      },
    ]);
    expect((await plan({ paths: [collection] }, 'admin')).entries.map(({ name }) => name)).toEqual(['a.txt', 'e.txt']);
  });

  it.each([
    ['below what may not be read', 'secret/e.txt', 'secret/none.txt'],
    ['in a folder that may be read', 'hidden.txt', 'none.txt'],
  ])('answers the same for what does not exist and what may not be read, %s', async (_, unreadable, missing) => {
    await world.change(async (session) => {
      if (!(await session.findNode(`${shop}/hidden.txt`))) {
        await createAsset(session, shop, 'hidden.txt', { binary: await session.createBinary('hidden') });
        await deny(session, `${shop}/hidden.txt`, 'ada', ['jcr:read']);
      }
    });
    const answers = [];
    for (const name of [unreadable, missing]) {
      await world.change(async (session) => {
        await session.setProperties(`${collection}/sling:members`, { 'sling:resources': [`${shop}/${name}`] });
      });
      answers.push(JSON.stringify(await selected([collection])).replaceAll(name, 'NAME'));
    }
    expect(answers[0]).toBe(answers[1]);
  });

  it('starts folders in the archive at its members, and is called after the collection', async () => {
    await add('folder', 'a.txt');
    const { entries, tenant } = await plan({ paths: [collection], layout: 'hierarchy' });
    expect(entries.map(({ name }) => name)).toEqual(['a.txt', 'folder/c.txt', 'folder/d.txt']);
    expect(tenant).toBe('global');
  });

  it('leaves out a smart collection and says why; refuses when nothing else is there', async () => {
    const smart = `${collection}-smart`;
    await world.change(async (session) => {
      await session.addNode(smart, { properties: { 'sling:resourceType': 'dam/smartcollection' } });
    });
    const { skipped } = await plan({ paths: [smart, `${shop}/a.txt`] });
    expect(skipped).toMatchObject([{ path: smart, code: 'NOT_DOWNLOADABLE' }]);
    await expect(plan({ paths: [smart] })).rejects.toMatchObject({
      code: 'NOTHING_SELECTED',
      message: expect.stringContaining('smart collection') as string,
    });
    await expect(plan({ paths: [collection] })).rejects.toMatchObject({ code: 'NOTHING_SELECTED' });
  });
});

describe('subassets', () => {
  const book = `${shop}/book.pdf`;

  it('are listed in child order', async () => {
    const pages = await read((session) => collect(subassetsOf(session, book)));
    expect(pages.map(({ path }) => path)).toEqual([`${book}/subassets/p1.txt`, `${book}/subassets/p2.txt`]);
    expect(await read((session) => collect(subassetsOf(session, `${shop}/a.txt`)))).toEqual([]);
  });

  it('are part of a download when asked for', async () => {
    const page = 'book.pdf/subassets/p1.txt';
    expect((await selected([book])).assets).toEqual(['book.pdf']);
    expect((await selected([book, `${shop}/${page}`])).assets).toEqual(['book.pdf', page]);
    const all = ['book.pdf', page, 'book.pdf/subassets/p2.txt'];
    expect((await selected([book], 'ada', true)).assets).toEqual(all);
    expect((await selected([`${shop}/${page}`, book], 'ada', true)).assets).toEqual(all);
  });

  it.each([
    ['flat', ['book.pdf', 'p1.txt', 'p2.txt', 'book (2).pdf', 'p1 (2).txt', 'p2 (2).txt']],
    [
      'hierarchy',
      ['book.pdf', 'book.pdf.subassets/p1.txt', 'book.pdf.subassets/p2.txt'].flatMap((name, index, all) =>
        index === 0 ? [...all, ...all.map((deeper) => `other/${deeper}`)] : [],
      ),
    ],
    [
      'asset-hierarchy',
      ['', 'other/'].flatMap((folder) => [
        `${folder}book.pdf/book.pdf`,
        `${folder}book.pdf/subassets/p1.txt/p1.txt`,
        `${folder}book.pdf/subassets/p2.txt/p2.txt`,
      ]),
    ],
  ] as const)('have names of their own in a %s archive', async (layout, names) => {
    const paths = [book, `${shop}/other`];
    const { entries } = await plan({ paths, layout, subassets: true });
    expect(entries.map(({ name }) => name)).toEqual(names);
  });
});

describe('setMembersOf', () => {
  it('reads the members of a set in order', async () => {
    const set = `${shop}/set`;
    await world.change(async (session) => {
      await session.addNode(set, { primaryType: 'dam:Asset' });
      await session.ensureNode(`${set}/jcr:content/related/s7Set/sling:members`, {
        properties: { 'sling:resources': [`${shop}/b.txt`, `${shop}/a.txt`] },
      });
    });
    const found = await read((session) => collect(setMembersOf(session, set)));
    expect(found.map(({ path }) => path)).toEqual([`${shop}/b.txt`, `${shop}/a.txt`]);
    expect(await read((session) => collect(setMembersOf(session, `${shop}/a.txt`)))).toEqual([]);
  });
});
