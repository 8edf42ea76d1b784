import { describe, expect, it } from 'vitest';
import { openRepository } from '../../repository/repository.js';
import type { NodeStore } from '../../repository/store/contract.js';
import {
  addMember,
  createGroup,
  createServiceUser,
  createUser,
  findUser,
  findUserByEmail,
  groupsOf,
  isMember,
  listUsers,
  passwordHashOf,
} from '../../repository/users.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';
import { backends, collect, openEmbedded, openFor, sessionOf, temporaryFolder } from './world.js';

describe.each(Object.entries(backends))('users on %s', (_name, open) => {
  it('of an empty repository are the administrator, and three groups', async () => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    expect((await collect(listUsers(session))).map(({ id }) => id)).toEqual(['admin']);
    const groups = await collect(session.children('/home/groups'));
    expect(groups.map(({ name }) => name)).toEqual(['administrators', 'dam-users', 'everyone']);
    expect(await groupsOf(session, 'admin')).toEqual(expect.arrayContaining(['administrators', 'everyone']));
  });

  it('have a profile, and are found by id and by address', async () => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    const created = await createUser(session, {
      id: 'ada',
      email: 'Ada@Example.com',
      language: 'de-CH',
      displayName: 'Ada Lovelace',
      groups: ['dam-users'],
      passwordHash: '$argon2id$hash',
    });
    await session.save();
    expect(created).toEqual({
      id: 'ada',
      path: '/home/users/ada',
      email: 'Ada@Example.com',
      language: 'de-CH',
      displayName: 'Ada Lovelace',
      disabled: false,
    });
    expect(await findUser(session, 'ada')).toEqual(created);
    expect(await findUserByEmail(session, 'ada@example.COM')).toEqual(created);
    expect(await findUserByEmail(session, 'ben@example.com')).toBeUndefined();
    expect(await passwordHashOf(session, 'ada')).toBe('$argon2id$hash');
    expect(await passwordHashOf(session, 'admin')).toBeUndefined();
    expect(await isMember(session, 'ada', 'dam-users')).toBe(true);
    expect(await isMember(session, 'ada', 'administrators')).toBe(false);
    expect(await isMember(session, 'ada', 'everyone')).toBe(true);
  });

  it('are listed by id, however many, service users not among them', async () => {
    const session = await sessionOf(await openFor(open));
    const ids = Array.from({ length: 250 }, (_, index) => `user${String(index).padStart(3, '0')}`);
    for (const id of ids.toReversed()) await createUser(session, { id, email: `${id}@example.com` });
    await createServiceUser(session, 'indexer');
    await session.save();
    const users = await collect(listUsers(session));
    expect(users.map(({ id }) => id)).toEqual(['admin', ...ids]);
    expect(users.at(-1)?.email).toBe('user249@example.com');
  });

  it.each(['', 'a/b', '../x', 'system', 'a|b', 'new\nline'])('cannot have the id %j', async (id) => {
    const session = await sessionOf(await openFor(open));
    await expect(createUser(session, { id })).rejects.toMatchObject({ code: 'INVALID_PATH' });
    expect(await findUser(session, id)).toBeUndefined();
    expect(await passwordHashOf(session, id)).toBeUndefined();
  });

  it('share their names with groups and service users', async () => {
    const session = await sessionOf(await openFor(open));
    await createServiceUser(session, 'indexer');
    for (const id of ['admin', 'everyone', 'indexer']) {
      await expect(createUser(session, { id })).rejects.toMatchObject({ code: 'ITEM_EXISTS' });
      await expect(createGroup(session, id)).rejects.toMatchObject({ code: 'ITEM_EXISTS' });
      await expect(createServiceUser(session, id)).rejects.toMatchObject({ code: 'ITEM_EXISTS' });
    }
    expect(await findUser(session, 'indexer')).toBeUndefined();
  });

  it('are in groups through groups, also where these go in a circle', async () => {
    const session = await sessionOf(await openFor(open));
    await createUser(session, { id: 'ada' });
    for (const id of ['inner', 'outer', 'other']) await createGroup(session, id);
    await addMember(session, 'inner', 'ada');
    await addMember(session, 'inner', 'ada');
    await addMember(session, 'outer', 'inner');
    await addMember(session, 'inner', 'outer');
    expect((await groupsOf(session, 'ada')).toSorted()).toEqual(['everyone', 'inner', 'outer']);
    expect((await session.getNode('/home/groups/inner')).texts('rep:members')).toEqual(['ada', 'outer']);
    await expect(addMember(session, 'missing', 'ada')).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' });
  });

  it('log in when they exist and are not disabled', async () => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    await createUser(session, { id: 'ada' });
    await createServiceUser(session, 'indexer');
    await session.save();
    expect((await sessionOf(repository, 'ada')).userId).toBe('ada');
    const service = await repository.loginService('indexer');
    expect(service.userId).toBe('indexer');
    await service.close();
    const code = 'UNKNOWN_USER';
    for (const id of ['nobody', 'indexer', 'system', 'system/indexer', 'ada/profile', '', '..']) {
      await expect(repository.login(id), id).rejects.toMatchObject({ code });
    }
    for (const name of ['ada', 'admin', '../admin', '']) {
      await expect(repository.loginService(name), name).rejects.toMatchObject({ code });
    }
    await session.setProperties('/home/users/ada', { 'rep:disabled': 'left the company' });
    await session.save();
    await expect(repository.login('ada')).rejects.toMatchObject({ code });
    expect((await findUser(session, 'ada'))?.disabled).toBe(true);
    await session.setProperties('/home/users/ada', { 'rep:disabled': false });
    await session.save();
    expect((await sessionOf(repository, 'ada')).userId).toBe('ada');
  });
});

describe('opening a repository', () => {
  it('leaves what an earlier process stored', async () => {
    const folder = await temporaryFolder();
    const first = await openEmbedded(folder);
    await first.withSession('admin', async (session) => {
      await session.addNode('/kept');
      await session.save();
    });
    const head = await first.head();
    await first.close();
    const second = await openFor(() => openEmbedded(folder));
    expect(await second.head()).toBe(head);
    expect((await (await sessionOf(second)).getNode('/kept')).name).toBe('kept');
  });

  it('completes what a process that died half way left', async () => {
    const nodes = createMemoryNodeStore();
    const blobs = createMemoryBlobStore();
    const interrupted = { ...nodes, commit: failAfter(1, nodes) };
    await expect(openRepository({ nodes: interrupted, blobs })).rejects.toThrow('the process died');
    const repository = await openFor(() => openRepository({ nodes, blobs }));
    expect((await sessionOf(repository)).userId).toBe('admin');
  });

  it('by two processes at once gives both the same content', async () => {
    const nodes = createMemoryNodeStore();
    const blobs = createMemoryBlobStore();
    const [one, two] = await Promise.all([openRepository({ nodes, blobs }), openRepository({ nodes, blobs })]);
    const ids = await Promise.all(
      [one, two].map((repository) => repository.withSession('admin', async (s) => (await s.getNode('/')).identifier)),
    );
    expect(ids[0]).toBe(ids[1]);
  });
});

/** The store of a process that dies after its first commits. */
function failAfter(commits: number, store: NodeStore): NodeStore['commit'] {
  let left = commits;
  return async (change) => {
    if (left-- > 0) return store.commit(change);
    throw new Error('the process died');
  };
}
