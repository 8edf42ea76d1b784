import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { deny, grant } from '../../repository/access/policy.js';
import type { Repository, Session } from '../../repository/api.js';
import { tenantAt } from '../../repository/overlay/layers.js';
import { ResolutionCache } from '../../repository/overlay/resolution-cache.js';
import { createOverlayResolver } from '../../repository/overlay/resolver.js';
import { openRepository } from '../../repository/repository.js';
import { createPostgresNodeStore } from '../../repository/store/postgres/postgres-node-store.js';
import type { NodeStore, StoreSnapshot } from '../../repository/store/contract.js';
import { addMember, createGroup, createUser } from '../../repository/users.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';
import { postgresServer, stopPostgresServer } from '../support/postgres-server.js';
import { openFor, sessionOf } from '../repository/world.js';
import { outline } from './layer-tree.js';

// Does nothing where no test asked for one; world.ts stops its own.
afterAll(stopPostgresServer);

const path = 'dam/limits';
const tenants = ['aurora', 'nordlicht'].map((name) => tenantAt(`/conf/${name}`, undefined));
const [aurora, nordlicht] = tenants;

/** Of the property that says that the layer is there. */
const nameOfLayer = (layer: string) => `of${layer.replaceAll('/', '-')}`;

/** A store that counts what is read of its snapshots. */
function countReads(store: NodeStore): { readonly store: NodeStore; readonly count: () => number } {
  let reads = 0;
  const snapshot = store.snapshot.bind(store);
  store.snapshot = async (): Promise<StoreSnapshot> => {
    const taken = await snapshot();
    const [getMany, range] = [taken.getMany.bind(taken), taken.range.bind(taken)];
    taken.getMany = (keys) => {
      reads++;
      return getMany(keys);
    };
    taken.range = (wanted, options) => {
      reads++;
      return range(wanted, options);
    };
    return taken;
  };
  return { store, count: () => reads };
}

async function openWorld() {
  const { store, count } = countReads(createMemoryNodeStore());
  // No node is cached, so that every read of the repository is one of the store.
  const stores = { nodes: store, blobs: createMemoryBlobStore() };
  const repository = await openFor(() => openRepository(stores, { nodeCacheBytes: 1 }));
  const admin = await sessionOf(repository);
  for (const layer of ['/libs', '/apps', '/conf/global', '/conf/aurora', '/conf/nordlicht']) {
    await admin.ensureNode(`${layer}/settings/${path}`, { properties: { [nameOfLayer(layer)]: 1 } });
  }
  await createUser(admin, { id: 'reader' });
  for (const root of ['/libs', '/apps', '/conf']) await grant(admin, root, 'everyone', ['jcr:read']);
  await admin.save();
  const overlay = createOverlayResolver({ repository });
  /** Reads of the store for each tenant, by a session that was opened after all that was saved. */
  const readsOf = async (user = 'reader'): Promise<[number, number]> => {
    const session = await repository.login(user);
    const counts: number[] = [];
    for (const tenant of tenants) {
      const before = count();
      await overlay.settings(session, tenant, path);
      counts.push(count() - before);
    }
    await session.close();
    return [counts[0] ?? NaN, counts[1] ?? NaN];
  };
  const change = async (work: (session: Session) => Promise<unknown>) => {
    await admin.refresh();
    await work(admin);
    await admin.save();
  };
  return { repository, admin, overlay, readsOf, change };
}

describe('resolved resources', () => {
  it('are read once, and by another user once more', async () => {
    const { readsOf } = await openWorld();
    const [first, second] = await readsOf();
    expect(first).toBeGreaterThan(0);
    // What all tenants have in common was read with the first.
    expect(second).toBeLessThan(first);
    expect(await readsOf()).toEqual([0, 0]);
    expect((await readsOf('admin'))[0]).toBeGreaterThan(0);
  });

  const touched = expect.toSatisfy((reads: number) => reads > 0) as number;
  it.each<[rule: string, work: (session: Session) => Promise<unknown>, reads: [number, number]]>([
    ['a change of one tenant', (s) => s.setProperties(`/conf/aurora/settings/${path}`, { x: 1 }), [touched, 0]],
    ['a child of its resource', (s) => s.addNode(`/conf/aurora/settings/${path}/child`), [touched, 0]],
    [
      'what lies on the way down to it',
      (s) => s.setProperties('/conf/aurora/settings/dam', { 'sling:hideChildren': 'x' }),
      [touched, 0],
    ],
    ['the removal of a tenant', (s) => s.remove('/conf/aurora'), [touched, 0]],
    ['a tenant that moves', (s) => s.move('/conf/aurora', '/conf/other'), [touched, 0]],
    ['rights on one tenant', (s) => deny(s, '/conf/aurora', 'reader', ['jcr:read']), [touched, 0]],
    ['what all tenants have in common', (s) => s.setProperties(`/libs/settings/${path}`, { x: 1 }), [touched, touched]],
    ['rights on that', (s) => deny(s, '/libs', 'reader', ['jcr:read']), [touched, touched]],
    ['rights on everything', (s) => deny(s, '/', 'reader', ['jcr:read']), [touched, touched]],
    ['members of a group', (s) => addMember(s, 'dam-users', 'reader'), [touched, touched]],
    ['a resource beside it', (s) => s.ensureNode('/conf/aurora/settings/dam/other'), [0, 0]],
    ['a resource beside it of a similar name', (s) => s.ensureNode(`/conf/aurora/settings/${path}-2/a`), [0, 0]],
    ['a property above the settings', (s) => s.setProperties('/conf/aurora', { title: 'x' }), [0, 0]],
    ['another tenant', (s) => s.ensureNode(`/conf/third/settings/${path}`), [0, 0]],
    ['content', (s) => s.ensureNode('/content/page'), [0, 0]],
    ['a user', (s) => createUser(s, { id: 'other' }), [0, 0]],
  ])('are read again after %s, where it touched them and nowhere else', async (_rule, work, reads) => {
    const { readsOf, change } = await openWorld();
    await readsOf();
    await change(work);
    expect(await readsOf()).toEqual(reads);
    expect(await readsOf()).toEqual([0, 0]);
  });

  it('that are missing are remembered too, until they come', async () => {
    const { repository, overlay, readsOf, change } = await openWorld();
    await change(async (session) => {
      for (const root of ['/libs', '/apps', '/conf/global', '/conf/aurora']) await session.remove(`${root}/settings`);
    });
    await readsOf();
    expect(await readsOf()).toEqual([0, 0]);
    await change((session) => session.ensureNode(`/apps/settings/${path}`));
    const reader = await sessionOf(repository, 'reader');
    if (!aurora || !nordlicht) throw new Error('there are two tenants');
    expect((await overlay.settings(reader, aurora, path))?.layers).toEqual(['/apps']);
    expect((await overlay.settings(reader, nordlicht, path))?.layers).toEqual(['/apps', '/conf/nordlicht']);
  });

  it('of one user hold nothing that another must not see, in whatever order they ask', async () => {
    const { repository, admin, overlay, change } = await openWorld();
    await change(async (session) => {
      for (const id of ['one', 'two', 'three']) await createUser(session, { id });
      await createGroup(session, 'brand');
      await deny(session, '/conf/global', 'one', ['jcr:read']);
      await deny(session, `/libs/settings/${path}`, 'two', ['jcr:read']);
      await deny(session, `/apps/settings/${path}`, 'brand', ['rep:readProperties']);
    });
    const layersOf = async (user: string) => {
      const session = await repository.login(user);
      const resource = aurora && (await overlay.settings(session, aurora, path));
      await session.close();
      return resource && [...resource.properties.keys()].filter((name) => name.startsWith('of-')).sort();
    };
    const all = ['/apps', '/conf/aurora', '/conf/global', '/libs'].map(nameOfLayer);
    for (const order of [
      ['admin', 'one', 'two', 'three'],
      ['three', 'two', 'one', 'admin'],
    ]) {
      const seen = new Map<string, unknown>();
      for (const user of order) seen.set(user, await layersOf(user));
      expect(Object.fromEntries(seen)).toEqual({
        admin: all,
        one: all.filter((name) => name !== nameOfLayer('/conf/global')),
        two: all.filter((name) => name !== nameOfLayer('/libs')),
        three: all,
      });
    }
    await change((session) => addMember(session, 'brand', 'three'));
    expect(await layersOf('three')).toEqual(all.filter((name) => name !== nameOfLayer('/apps')));
    await admin.refresh();
    expect(await layersOf('admin')).toEqual(all);
  });

  it('show every process what another one saved before its session was opened', async () => {
    const schema = `overlay_${randomUUID().replaceAll('-', '')}`;
    const { url } = await postgresServer();
    const blobs = createMemoryBlobStore();
    const open = async () =>
      openRepository({ nodes: await createPostgresNodeStore({ url, schema, poolSize: 2 }), blobs });
    const repositories: Repository[] = [];
    for (let index = 0; index < 2; index++) repositories.push(await openFor(open));
    const [here, there] = repositories;
    if (!here || !there || !aurora) throw new Error('there are two repositories');
    const [overlayHere, overlayThere] = [here, there].map((repository) => createOverlayResolver({ repository }));
    const read = (repository: Repository, overlay = overlayHere) =>
      repository.withSession('admin', async (session) => (await overlay?.settings(session, aurora, path))?.number('n'));
    for (let n = 1; n <= 3; n++) {
      await here.withSession('admin', async (session) => {
        await session.ensureNode(`/conf/aurora/settings/${path}`);
        await session.setProperties(`/conf/aurora/settings/${path}`, { n });
        await session.save();
      });
      expect(await read(there, overlayThere)).toBe(n);
      expect(await read(here)).toBe(n);
    }
  });
});

describe('whatever is saved', () => {
  const layers = [
    '/libs/settings',
    '/apps/settings',
    '/conf/global/settings',
    '/conf/aurora/settings',
    '/conf/emea/de/settings',
  ];
  const places = layers.flatMap((layer) => [layer, `${layer}/a`, `${layer}/a/b`, `${layer}/a/b/c`]);
  const above = ['/conf', '/conf/aurora', '/conf/emea', '/conf/emea/de', '/libs'];
  const anywhere = fc.constantFrom(...places, ...above);
  const operation = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), at: fc.constantFrom(...places), value: fc.nat(9) }),
    fc.record({
      kind: fc.constant('hide' as const),
      at: fc.constantFrom(...places),
      value: fc.constantFrom('a', 'b', 'c', '*'),
    }),
    fc.record({ kind: fc.constant('remove' as const), at: anywhere }),
    fc.record({ kind: fc.constant('move' as const), at: anywhere, to: anywhere }),
    fc.record({ kind: fc.constant('deny' as const), at: anywhere }),
    fc.record({ kind: fc.constant('unpolice' as const), at: anywhere }),
    fc.record({ kind: fc.constant('join' as const) }),
  );
  type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

  async function perform(session: Session, step: Operation): Promise<void> {
    switch (step.kind) {
      case 'set':
        await session.ensureNode(step.at);
        await session.setProperties(step.at, { p: step.value });
        return;
      case 'hide':
        await session.ensureNode(step.at);
        await session.setProperties(step.at, { 'sling:hideChildren': [step.value] });
        return;
      case 'remove':
        if (await session.findNode(step.at)) await session.remove(step.at);
        return;
      case 'move': {
        const isFree = !(await session.findNode(step.to)) && !`${step.to}/`.startsWith(`${step.at}/`);
        const parent = step.to.slice(0, step.to.lastIndexOf('/')) || '/';
        if (isFree && (await session.findNode(step.at)) && (await session.findNode(parent)))
          await session.move(step.at, step.to);
        return;
      }
      case 'deny':
        if (await session.findNode(step.at)) await deny(session, step.at, 'brand', ['jcr:read']);
        return;
      case 'unpolice':
        if (await session.findNode(`${step.at}/rep:policy`)) await session.remove(`${step.at}/rep:policy`);
        return;
      case 'join':
        await addMember(session, 'brand', 'reader');
    }
  }

  it('a resource from the cache is the one that is read anew', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 12 }), async (steps) => {
        const repository = await openRepository({ nodes: createMemoryNodeStore(), blobs: createMemoryBlobStore() });
        try {
          const admin = await repository.login('admin');
          for (const at of places) await admin.ensureNode(at, { properties: { p: at } });
          await createUser(admin, { id: 'reader' });
          await createGroup(admin, 'brand');
          await grant(admin, '/', 'reader', ['jcr:read']);
          await admin.save();
          const cached = createOverlayResolver({ repository });
          for (const step of steps) {
            await perform(admin, step);
            await admin.save();
            const fresh = createOverlayResolver({ repository });
            const reader = await repository.login('reader');
            for (const session of [admin, reader]) {
              for (const root of ['/conf/global', '/conf/aurora', '/conf/emea/de']) {
                for (const wanted of ['a', 'a/b', 'a/b/c']) {
                  const tenant = tenantAt(root, undefined);
                  const [kept, read] = [
                    await cached.settings(session, tenant, wanted),
                    await fresh.settings(session, tenant, wanted),
                  ];
                  expect(outline(kept)).toBe(outline(read));
                }
              }
            }
            await reader.close();
          }
        } finally {
          await repository.close();
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe('the cache', () => {
  async function* nothing(): AsyncGenerator<never> {}
  const session = (sequence: number) => ({ sequence, userId: 'u', hasPendingChanges: false }) as unknown as Session;

  it('stays within its memory, and lets go of what was not used first', async () => {
    const cache = new ResolutionCache<number>({ commitsAfter: nothing }, 50_000);
    const now = session(1);
    await cache.follow(now);
    const keep = (name: string) => {
      cache.reserve(now, 'scope', name, [{ root: '/conf', path: `/conf/${name}` }])?.keep(1, 4000);
    };
    keep('often');
    for (let index = 0; index < 500; index++) {
      keep(`n${index}`);
      expect(cache.find(now, 'scope', 'often')).toBeDefined();
      expect(cache.bytes).toBeLessThanOrEqual(50_000);
    }
    // It is used as well as kept: one more entry would not fit.
    expect(cache.bytes + cache.bytes / cache.size).toBeGreaterThan(50_000);
    expect(cache.find(now, 'scope', 'n499')).toBeDefined();
    expect(cache.find(now, 'scope', 'n0')).toBeUndefined();
  });

  it('keeps nothing that is larger than all of it', async () => {
    const cache = new ResolutionCache<number>({ commitsAfter: nothing }, 1000);
    const now = session(1);
    await cache.follow(now);
    cache.reserve(now, 'scope', 'x', [])?.keep(1, 5000);
    expect(cache.size).toBe(0);
    expect(cache.bytes).toBe(0);
  });

  it('keeps nothing of a session that is older than what was followed', async () => {
    const cache = new ResolutionCache<number>({ commitsAfter: nothing });
    await cache.follow(session(5));
    expect(cache.reserve(session(4), 'scope', 'x', [])).toBeUndefined();
    cache.reserve(session(5), 'scope', 'x', [])?.keep(1, 1);
    expect(cache.find(session(4), 'scope', 'x')).toBeUndefined();
    expect(await cache.find(session(5), 'scope', 'x')?.answer).toBe(1);
  });
});
