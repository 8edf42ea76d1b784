import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Repository, Session } from '../../repository/api.js';
import { RepositoryError } from '../../repository/errors.js';
import { collectBlobs } from '../../repository/maintenance/collect-blobs.js';
import { openRepository } from '../../repository/repository.js';
import type { RepositoryStores } from '../../repository/repository.js';
import type { BinaryValue } from '../../repository/value.js';
import { collect, sessionOf } from '../repository/world.js';
import { content, hooked, memoryStores, openOver, storeBackends, TestClock, timedBlobs } from './world.js';

interface World {
  readonly clock: TestClock;
  readonly stores: RepositoryStores;
  readonly repository: Repository;
  readonly session: Session;
}

async function createWorld(open: () => Promise<RepositoryStores>): Promise<World> {
  const clock = new TestClock();
  const { nodes, blobs } = await open();
  const stores = { nodes, blobs: timedBlobs(blobs, clock) };
  const repository = await openOver(stores);
  return { clock, stores, repository, session: await sessionOf(repository) };
}

/** Bytes that nothing refers to. */
async function orphan({ session }: World, seed: number | string = 'orphan'): Promise<BinaryValue> {
  return session.createBinary(content(seed));
}

/** Has the collector notice what is unreferenced, and lets the grace period pass. */
async function marked(world: World): Promise<void> {
  world.clock.passHours(25);
  await collectBlobs(world.stores, { now: world.clock.now });
  world.clock.passHours(25);
}

async function refusal(work: Promise<unknown>): Promise<RepositoryError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof RepositoryError) return error;
  throw new Error(`a refusal was expected, not ${String(error)}`);
}

async function marksIn({ nodes }: RepositoryStores): Promise<string[]> {
  const snapshot = await nodes.snapshot();
  return (await collect(snapshot.range({ gte: 'b', lt: 'c' }))).flat().map(({ value }) => value);
}

describe.each(Object.entries(storeBackends))('collecting blobs on %s', (_name, open) => {
  it('removes unreferenced bytes a grace period after they were noticed, and only these', async () => {
    const world = await createWorld(open);
    const { clock, stores, session } = world;
    const kept = await session.createBinary(content('kept'));
    await session.addNode('/kept', { properties: { data: kept } });
    await session.save();
    const lost = await orphan(world);
    const run = () => collectBlobs(stores, { now: clock.now });

    expect(await run()).toMatchObject({ blobs: 2, unreferenced: 1, marked: 0, removed: 0 });
    clock.passHours(24);
    expect(await run()).toMatchObject({ marked: 1, removed: 0 });
    clock.passHours(23);
    expect(await run()).toMatchObject({ marked: 0, waiting: 1, removed: 0 });
    expect(await stores.blobs.has(lost.sha256)).toBe(true);
    clock.passHours(1);
    expect(await run()).toMatchObject({ removed: 1, removedBytes: lost.size });
    expect(await stores.blobs.has(lost.sha256)).toBe(false);
    expect(await stores.blobs.has(kept.sha256)).toBe(true);
    expect(await marksIn(stores)).toEqual([]);
  });

  it('says in a dry run what it would do, and does nothing', async () => {
    const world = await createWorld(open);
    const lost = await orphan(world);
    await marked(world);
    const head = await world.stores.nodes.head();
    const report = await collectBlobs(world.stores, { now: world.clock.now, dryRun: true });
    expect(report).toMatchObject({ unreferenced: 1, removed: 1, removedBytes: lost.size });
    expect(await world.stores.nodes.head()).toBe(head);
    expect(await world.stores.blobs.has(lost.sha256)).toBe(true);
  });
});

describe.each(Object.entries(storeBackends))('what keeps a blob on %s', (_name, open) => {
  const lists: readonly [string, (session: Session, hash: string) => Promise<BinaryValue | string | string[]>][] = [
    ['an inline list', async (session, hash) => session.createBinary(`${hash}\n`)],
    [
      'a list that is a blob itself',
      async (session, hash) => {
        const others = await Promise.all([...Array(4).keys()].map((seed) => session.createBinary(content(seed))));
        const hashes = [...Array(500).keys()].map((index) => others[index % 4]?.sha256 ?? '');
        return session.createBinary([...hashes, hash].join('\n'));
      },
    ],
    ['a string', async (_session, hash) => hash],
    ['strings', async (_session, hash) => [hash]],
  ];
  it.each(lists)('%s under satchel:blobs', async (_name, listOf) => {
    const world = await createWorld(open);
    const { session, stores, clock } = world;
    const needed = await orphan(world);
    await session.addNode('/plan', { properties: { 'satchel:blobs': await listOf(session, needed.sha256) } });
    await session.save();
    await marked(world);
    expect(await collectBlobs(stores, { now: clock.now })).toMatchObject({ unreferenced: 0, removed: 0 });
    expect(await stores.blobs.has(needed.sha256)).toBe(true);
  });

  it('a version history', async () => {
    const world = await createWorld(open);
    const { sha256, size, crc32 } = await orphan(world);
    const value = JSON.stringify({ i: 'frozen', p: { data: ['Binary', { sha256, size, crc32 }] } });
    await world.stores.nodes.commit({
      preconditions: [],
      writes: [{ key: 'vnode\u00001.0', value }],
      entry: '{"c":[]}',
    });
    await marked(world);
    expect(await collectBlobs(world.stores, { now: world.clock.now })).toMatchObject({ unreferenced: 0, removed: 0 });
  });

  it('bytes that were written again', async () => {
    const world = await createWorld(open);
    const lost = await orphan(world);
    await marked(world);
    await orphan(world);
    expect(await collectBlobs(world.stores, { now: world.clock.now })).toMatchObject({ spared: 1, removed: 0 });
    expect(await world.stores.blobs.has(lost.sha256)).toBe(true);
    expect(await marksIn(world.stores)).toEqual([]);
  });

  it('a list that is missing keeps everything, as nobody knows what it needs', async () => {
    const world = await createWorld(open);
    const list = await orphan(world, 'list');
    await world.session.addNode('/plan', { properties: { 'satchel:blobs': list } });
    await world.session.save();
    const lost = await orphan(world);
    await marked(world);
    await world.stores.blobs.remove(list.sha256);
    const error = await refusal(collectBlobs(world.stores, { now: world.clock.now }));
    expect(error.code).toBe('BLOB_MISSING');
    expect(error.message).toContain('plan');
    expect(await world.stores.blobs.has(lost.sha256)).toBe(true);
  });
});

describe.each(Object.entries(storeBackends))('a save that refers to a blob again on %s', (_name, open) => {
  it('after it was noticed takes the mark with it', async () => {
    const world = await createWorld(open);
    const again = await orphan(world);
    await marked(world);
    await world.session.addNode('/again', { properties: { data: again } });
    await world.session.save();
    expect(await marksIn(world.stores)).toEqual([]);
    expect(await collectBlobs(world.stores, { now: world.clock.now })).toMatchObject({ unreferenced: 0, removed: 0 });
  });

  it('after the collector looked, and before it marks, wins', async () => {
    const world = await createWorld(open);
    const { stores, session, clock } = world;
    const again = await orphan(world);
    await marked(world);
    await session.addNode('/again', { properties: { data: again } });
    // The listing comes after the snapshot was read.
    const blobs = hooked(stores.blobs, { list: { before: () => session.save() } });
    expect(await collectBlobs({ nodes: stores.nodes, blobs }, { now: clock.now })).toMatchObject({ removed: 0 });
    expect(await stores.blobs.has(again.sha256)).toBe(true);
  });

  it('while its bytes are going is told to write them again', async () => {
    const world = await createWorld(open);
    const { stores, session, clock } = world;
    const again = await orphan(world);
    await marked(world);
    await session.refresh();
    await session.addNode('/again', { properties: { data: again } });
    let refused: RepositoryError | undefined;
    const remove = { before: async () => (refused = await refusal(session.save())) };
    await collectBlobs({ nodes: stores.nodes, blobs: hooked(stores.blobs, { remove }) }, { now: clock.now });
    expect(refused?.code).toBe('CONFLICT');
    expect(refused?.message).toMatch(/\/again\/data .*being collected.*write them again/);
    await orphan(world);
    await session.save();
    expect(await stores.blobs.has(again.sha256)).toBe(true);
    expect(await marksIn(stores)).toEqual([]);
  });

  it('and found the bytes just before a whole collection went by does not save a reference to nothing', async () => {
    const world = await createWorld(open);
    const { stores, clock } = world;
    let collecting = false;
    const has = {
      after: async () => {
        if (collecting) return;
        collecting = true;
        // The session's snapshot is older than the mark, and after three runs there is no mark again.
        for (let run = 0; run < 2; run++) await marked(world);
      },
    };
    const repository = await openRepository({ nodes: stores.nodes, blobs: hooked(stores.blobs, { has }) });
    const session = await sessionOf(repository);
    const again = await orphan(world);
    await session.addNode('/again', { properties: { data: again } });
    expect((await refusal(session.save())).code).toBe('BLOB_MISSING');
    expect(await stores.blobs.has(again.sha256)).toBe(false);
    expect(clock.now().getTime()).toBeGreaterThan(0);
  });

  it('names a blob of a list in the same way', async () => {
    const world = await createWorld(open);
    const listed = await orphan(world);
    await world.stores.blobs.remove(listed.sha256);
    await world.session.addNode('/plan', { properties: { 'satchel:blobs': [listed.sha256] } });
    expect((await refusal(world.session.save())).code).toBe('BLOB_MISSING');
  });
});

describe.each(Object.entries(storeBackends))('a collector that was stopped on %s', (_name, open) => {
  const fault = () => {
    throw new Error('power failure');
  };

  it.each(['before', 'after'] as const)('%s the bytes went: the next run finishes', async (moment) => {
    const world = await createWorld(open);
    const lost = await orphan(world);
    await marked(world);
    const blobs = hooked(world.stores.blobs, { remove: { [moment]: fault } });
    await expect(collectBlobs({ nodes: world.stores.nodes, blobs }, { now: world.clock.now })).rejects.toThrow('power');
    expect(await marksIn(world.stores)).toHaveLength(1);
    await collectBlobs(world.stores, { now: world.clock.now });
    expect(await world.stores.blobs.has(lost.sha256)).toBe(false);
    expect(await marksIn(world.stores)).toEqual([]);
  });

  it('drops its mark when the bytes were written again', async () => {
    const world = await createWorld(open);
    const lost = await orphan(world);
    await marked(world);
    const blobs = hooked(world.stores.blobs, { remove: { before: fault } });
    await expect(collectBlobs({ nodes: world.stores.nodes, blobs }, { now: world.clock.now })).rejects.toThrow('power');
    await orphan(world);
    expect(await collectBlobs(world.stores, { now: world.clock.now })).toMatchObject({ spared: 1, removed: 0 });
    expect(await world.stores.blobs.has(lost.sha256)).toBe(true);
    await world.session.addNode('/again', { properties: { data: lost } });
    await world.session.save();
  });

  it('keeps the next one away for minutes at most', async () => {
    const world = await createWorld(open);
    const { stores, clock } = world;
    let stopped = false;
    const stop = () => {
      stopped = true;
      throw new Error('power failure');
    };
    const commit = { before: () => (stopped ? fault() : undefined) };
    const killed = { nodes: hooked(stores.nodes, { commit }), blobs: hooked(stores.blobs, { list: { before: stop } }) };
    await expect(collectBlobs(killed, { now: clock.now })).rejects.toThrow('power');
    const error = await refusal(collectBlobs(stores, { now: clock.now }));
    expect(error.code).toBe('CONFLICT');
    expect(error.message).toMatch(/try again after 2024-03-01T12:05:00/);
    clock.passHours(0.1);
    expect(await collectBlobs(stores, { now: clock.now })).toMatchObject({ removed: 0 });
  });
});

it.each(Object.entries(storeBackends))('two collectors never run at once on %s', async (_name, open) => {
  const world = await createWorld(open);
  let second: RepositoryError | undefined;
  const list = { before: async () => (second = await refusal(collectBlobs(world.stores, { now: world.clock.now }))) };
  const blobs = hooked(world.stores.blobs, { list });
  await collectBlobs({ nodes: world.stores.nodes, blobs }, { now: world.clock.now });
  expect(second?.code).toBe('CONFLICT');
});

/** In memory only: the scheduler decides the order of every step, and a server would bring an order of its own. */
describe('in any order of steps', () => {
  /** What one session does: three contents on three nodes, so that they meet often. */
  const deed = fc.record({
    content: fc.nat(2),
    node: fc.nat(2),
    kind: fc.constantFrom('write', 'write', 'reuse', 'remove', 'list'),
  });

  it('no reachable blob is lost', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.array(deed, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
        async (scheduler, sessions) => {
          const real = memoryStores();
          const setUp = await openRepository(real);
          const step = { before: () => scheduler.schedule(Promise.resolve()) };
          const nodes = hooked(real.nodes, { snapshot: step, commit: step });
          const blobs = hooked(real.blobs, { has: step, write: step, remove: step, list: step });
          const repository = await openRepository({ nodes: hooked(real.nodes, { commit: step }), blobs });
          const known = new Map<number, BinaryValue>();
          const work = sessions.map(async (deeds) => {
            for (const { content: seed, node, kind } of deeds) {
              const session = await repository.login('admin');
              const path = `/n${node}`;
              try {
                if (kind === 'remove') {
                  if (await session.findNode(path)) await session.remove(path);
                } else {
                  const binary = (kind === 'reuse' && known.get(seed)) || (await session.createBinary(content(seed)));
                  known.set(seed, binary);
                  await session.ensureNode(path);
                  await session.setProperties(
                    path,
                    kind === 'list' ? { 'satchel:blobs': [binary.sha256] } : { data: binary },
                  );
                }
                await session.save();
              } catch (error) {
                // Refused is fine, lost is not.
                if (!(error instanceof RepositoryError && ['CONFLICT', 'BLOB_MISSING'].includes(error.code)))
                  throw error;
              } finally {
                await session.close();
              }
            }
          });
          const collections = (async () => {
            for (let run = 0; run < 4; run++) await collectBlobs({ nodes, blobs }, { graceMilliseconds: 0 });
          })();
          await scheduler.waitFor(Promise.all([...work, collections]));
          const session = await setUp.login('admin');
          for await (const { path, properties } of session.descendants('/')) {
            const hashes = [...properties].flatMap(([name, { values }]) =>
              values.flatMap((value) =>
                typeof value === 'object' ? [value.sha256] : name === 'satchel:blobs' ? [String(value)] : [],
              ),
            );
            for (const hash of hashes) expect(await real.blobs.has(hash), `${path} keeps its bytes`).toBe(true);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
