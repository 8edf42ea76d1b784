import { describe, expect, it } from 'vitest';
import type { Change, CommitEvent, Repository, Session } from '../../repository/api.js';
import { backends, collect, openEmbedded, openFor, sessionOf, temporaryFolder } from './world.js';

async function changesOf(
  repository: Repository,
  work: (session: Session) => Promise<void>,
): Promise<readonly Change[]> {
  const session = await sessionOf(repository);
  await work(session);
  const before = await repository.head();
  await session.save();
  const commits = await collect(repository.commitsAfter(before));
  expect(commits).toHaveLength(1);
  return commits[0]?.changes ?? [];
}

async function take(count: number, events: AsyncIterable<CommitEvent>): Promise<CommitEvent[]> {
  const taken: CommitEvent[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

describe.each(Object.entries(backends))('observation on %s', (_name, open) => {
  it('tells of every commit who made it, when, and what changed', async () => {
    const repository = await openFor(open);
    const head = await repository.head();
    const session = await sessionOf(repository);
    await session.addNode('/a', { primaryType: 'sling:OrderedFolder' });
    await session.addNode('/a/b');
    const before = Date.now();
    await session.save();
    const [event] = await collect(repository.commitsAfter(head));
    expect(event?.sequence).toBe(head + 1);
    expect(event?.userId).toBe('admin');
    expect(event?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Date.parse(event?.time ?? '')).toBeGreaterThanOrEqual(before);
    expect(event?.changes).toEqual([
      { kind: 'nodeAdded', path: '/a', primaryType: 'sling:OrderedFolder' },
      { kind: 'nodeAdded', path: '/a/b', primaryType: 'nt:unstructured' },
    ]);
  });

  it('passes on what a session says of itself, until it says something else', async () => {
    const repository = await openFor(open);
    const head = await repository.head();
    const session = await sessionOf(repository);
    session.setUserData('by a workflow');
    await session.addNode('/a', { mixins: ['mix:versionable'] });
    await session.save();
    await session.versions.checkpoint('/a');
    session.setUserData(undefined);
    await session.setProperties('/a', { x: 1 });
    await session.save();
    const told = (await collect(repository.commitsAfter(head))).map(({ userData }) => userData);
    expect(told.at(0)).toBe('by a workflow');
    expect(new Set(told.slice(0, -1))).toEqual(new Set(['by a workflow']));
    expect(told.at(-1)).toBeUndefined();
    expect(() => session.setUserData('x'.repeat(4097))).toThrow(/at most 4096 characters/);
  });

  it('names changes of each kind', async () => {
    const repository = await openFor(open);
    const type = { primaryType: 'nt:unstructured' };
    await changesOf(repository, async (s) => {
      for (const path of ['/a', '/a/b', '/a/b/c', '/a/d', '/to']) await s.addNode(path, { properties: { x: 1, y: 1 } });
    });
    expect(
      await changesOf(repository, async (s) => {
        await s.setProperties('/a', { x: null, y: 2, z: 3 });
      }),
    ).toEqual([{ kind: 'propertiesChanged', path: '/a', ...type, properties: ['x', 'y', 'z'] }]);
    expect(
      await changesOf(repository, async (s) => {
        await s.orderBefore('/a/d', 'b');
      }),
    ).toEqual([{ kind: 'childrenReordered', path: '/a', ...type }]);
    expect(
      await changesOf(repository, async (s) => {
        await s.move('/a/b', '/to/b');
        await s.setProperties('/to/b/c', { x: 2 });
      }),
    ).toEqual([
      { kind: 'nodeMoved', path: '/to/b', from: '/a/b', ...type },
      { kind: 'propertiesChanged', path: '/to/b/c', ...type, properties: ['x'] },
    ]);
    expect(
      await changesOf(repository, async (s) => {
        await s.remove('/to');
        await s.addNode('/to', { primaryType: 'sling:Folder' });
      }),
    ).toEqual([
      { kind: 'nodeRemoved', path: '/to', ...type },
      { kind: 'nodeRemoved', path: '/to/b', ...type },
      { kind: 'nodeRemoved', path: '/to/b/c', ...type },
      { kind: 'nodeAdded', path: '/to', primaryType: 'sling:Folder' },
    ]);
  });

  it('gives a follower past commits, then new ones as they come, each once and in order', async () => {
    const repository = await openFor(open);
    const start = await repository.head();
    const session = await sessionOf(repository);
    const save = async (path: string) => {
      await session.addNode(path);
      return session.save();
    };
    const expected = [await save('/one'), await save('/two')];
    const events = repository.follow({ cursor: 'test', from: start, signal: new AbortController().signal });
    const seen = take(22, events);
    for (let index = 0; index < 20; index++) expected.push(await save(`/more${index}`));
    expect((await seen).map(({ sequence }) => sequence)).toEqual(expected);
  });

  it('starts a new cursor at the head of the moment follow was called', async () => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    const events = repository.follow({ cursor: 'new', signal: new AbortController().signal });
    const head = await repository.head();
    await session.addNode('/later');
    await session.save();
    expect((await take(1, events))[0]?.sequence).toBe(head + 1);
  });

  it('gives a commit again whose handling was cut short, and none that was finished', async () => {
    const repository = await openFor(open);
    const start = await repository.head();
    const session = await sessionOf(repository);
    for (const path of ['/one', '/two', '/three']) {
      await session.addNode(path);
      await session.save();
    }
    const follow = () => repository.follow({ cursor: 'worker', from: start, signal: new AbortController().signal });
    // Leaving the loop in the middle of the second commit.
    expect((await take(2, follow())).map(({ sequence }) => sequence)).toEqual([start + 1, start + 2]);
    expect((await take(2, follow())).map(({ sequence }) => sequence)).toEqual([start + 2, start + 3]);
  });

  it('ends when the signal aborts, and when the repository closes', async () => {
    const repository = await open();
    const abort = new AbortController();
    const stopped = collect(repository.follow({ cursor: 'a', signal: abort.signal }));
    const closed = collect(repository.follow({ cursor: 'b', signal: new AbortController().signal }));
    abort.abort();
    expect(await stopped).toEqual([]);
    await repository.close();
    expect(await closed).toEqual([]);
  });

  it('calls back after commits', async () => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    const called = new Promise<void>((resolve) => repository.onCommit(resolve));
    await session.addNode('/a');
    await session.save();
    await expect(called).resolves.toBeUndefined();
  });
});

describe('a cursor', () => {
  it('is kept over restarts', async () => {
    const folder = await temporaryFolder();
    const first = await openEmbedded(folder);
    const start = await first.head();
    const session = await first.login('admin');
    for (const path of ['/one', '/two']) {
      await session.addNode(path);
      await session.save();
    }
    await session.close();
    const signal = new AbortController().signal;
    await take(2, first.follow({ cursor: 'index', from: start, signal }));
    await first.close();
    const second = await openFor(() => openEmbedded(folder));
    const [event] = await take(1, second.follow({ cursor: 'index', from: 0, signal }));
    expect(event?.sequence).toBe(start + 2);
  });
});
