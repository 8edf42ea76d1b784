/** What may not be read cannot be told from what is not there: not by the answer, and not by what it costs to give it. */
import { describe, expect, it } from 'vitest';
import type { AccessEntry } from '../../repository/access/access-state.js';
import { withoutHiddenPaths } from '../../repository/access/conceal.js';
import { AccessEvaluator } from '../../repository/access/evaluate.js';
import { grant } from '../../repository/access/policy.js';
import { expandPrivileges } from '../../repository/access/privileges.js';
import type { Repository, Session } from '../../repository/api.js';
import { RepositoryError } from '../../repository/errors.js';
import { openRepository } from '../../repository/repository.js';
import type { NodeStore, StoreSnapshot } from '../../repository/store/contract.js';
import { createLevelNodeStore } from '../../repository/store/level/level-node-store.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';
import { collect, openFor, sessionOf, temporaryFolder } from '../repository/world.js';
import { buildWorld } from './access-world.js';

/** The same store, but for some methods. */
function decorate(store: NodeStore, changed: Partial<NodeStore>): NodeStore {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in changed ? changed : target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** A store that counts what is asked of it: keys that are looked up, ranges and commits. */
function counting(store: NodeStore): { readonly store: NodeStore; readonly log: string[] } {
  const log: string[] = [];
  const counted: NodeStore = decorate(store, {
    snapshot: async (): Promise<StoreSnapshot> => {
      const snapshot = await store.snapshot();
      return {
        sequence: snapshot.sequence,
        getMany: async (keys) => {
          log.push(`getMany of ${keys.length}`);
          return snapshot.getMany(keys);
        },
        range: (range, options) => {
          log.push('range');
          return snapshot.range(range, options);
        },
        close: () => snapshot.close(),
      };
    },
    commit: async (commit) => {
      log.push('commit');
      return store.commit(commit);
    },
  });
  return { store: counted, log };
}

const stores: Readonly<Record<string, () => Promise<NodeStore>>> = {
  LevelDB: async () => createLevelNodeStore({ folder: await temporaryFolder() }),
  memory: async () => createMemoryNodeStore(),
};

/** Each is done twice: with the path and identifier of a node that is hidden, and of one that is not there. */
const methods: readonly [string, (session: Session, path: string, identifier: string) => Promise<unknown>][] = [
  ['getNode', (session, path) => session.getNode(path)],
  ['getNode below', (session, path) => session.getNode(`${path}/c`)],
  ['findNode', (session, path) => session.findNode(path)],
  ['findNodes', (session, path) => session.findNodes([path, `${path}/c`])],
  ['findNodeByIdentifier', (session, _path, identifier) => session.findNodeByIdentifier(identifier)],
  ['children', (session, path) => collect(session.children(path))],
  ['descendants', (session, path) => collect(session.descendants(path))],
  ['setProperties', (session, path) => session.setProperties(path, { title: 1 })],
  ['remove', (session, path) => session.remove(path)],
  ['move', (session, path) => session.move(path, '/to/x')],
  ['move into', (session, path) => session.move('/a/jcr:content', `${path}/x`)],
  ['addNode below', (session, path) => session.addNode(`${path}/x`)],
  ['orderBefore', (session, path) => session.orderBefore(path, undefined)],
  ['orderBefore it', (session, path) => session.orderBefore('/a/jcr:content', path.slice('/a/'.length))],
  ['hasPrivileges', (session, path) => session.hasPrivileges(path, 'jcr:read')],
  [
    'a reference',
    async (session, _path, identifier) => {
      await session.setProperties('/a', { ref: { type: 'Reference', multiple: false, values: [identifier] } });
      await session.save();
    },
  ],
];

function entryFor(kind: 'allow' | 'deny'): AccessEntry {
  return {
    name: kind,
    allow: kind === 'allow',
    principal: 'ada',
    privileges: expandPrivileges(['jcr:read']),
    restrictions: {},
    unknownRestrictions: [],
  };
}

describe.each(Object.entries(stores))('on %s', (_name, create) => {
  it.each(methods)('denied and absent are the same for %s', async (_method, act) => {
    const { store, log } = counting(await create());
    const repository = await openFor(() => openRepository({ nodes: store, blobs: createMemoryBlobStore() }));
    const admin = await sessionOf(repository);
    await buildWorld(admin, '/ + ada jcr:read,rep:write; /a/b - ada jcr:read');
    const hidden = await admin.getNode('/a/b');
    const answer = async (path: string, identifier: string) => {
      const session = await sessionOf(repository, 'ada');
      log.length = 0;
      const said = await act(session, path, identifier).then(
        (value) => JSON.stringify({ value }),
        ({ code, message, paths }: { code: string; message: string; paths: string[] }) =>
          JSON.stringify({ code, message, paths }),
      );
      return { said: said.replaceAll(path, 'PATH').replaceAll(identifier, 'ID'), reads: [...log] };
    };
    const absent = await answer('/a/n', '11111111-2222-4333-8444-555555555555');
    expect(absent.reads.length).toBeGreaterThan(0);
    expect(await answer(hidden.path, hidden.identifier)).toEqual(absent);
  });
});

describe('errors of a save', () => {
  const world = async (statements: string): Promise<{ repository: Repository; admin: Session; ada: Session }> => {
    const repository = await openFor(() =>
      openRepository({ nodes: createMemoryNodeStore(), blobs: createMemoryBlobStore() }),
    );
    const admin = await sessionOf(repository);
    await buildWorld(admin, statements);
    return { repository, admin, ada: await sessionOf(repository, 'ada') };
  };
  const failureOf = async (session: Session) =>
    session.save().then(
      () => undefined,
      (error: unknown) => error as { code: string; message: string; paths: string[] },
    );

  it('a conflict names no node below a moved one that may not be read', async () => {
    const { admin, ada } = await world('/ + ada jcr:read,rep:write; /a/b/c - ada jcr:read');
    await ada.move('/a/b', '/to/b');
    await admin.setProperties('/a/b/c', { title: 'changed meanwhile' });
    await admin.save();
    const failure = await failureOf(ada);
    expect(failure?.code).toBe('CONFLICT');
    expect(failure?.paths).toEqual(['/a/b']);
    expect(failure?.message).not.toContain('/a/b/c');
  });

  it('a violation names no node that may not be read', async () => {
    const state = {
      policyEpoch: 0,
      groupEpoch: 0,
      members: new Map(),
      policies: new Map([
        ['/a', [entryFor('allow')] as const],
        ['/a/b', [entryFor('deny')] as const],
      ]),
    };
    const evaluator = new AccessEvaluator(state, 'ada');
    const plan = { nodes: new Map(), removed: [] };
    const violation = (path: string) =>
      new RepositoryError('CONSTRAINT_VIOLATION', `The node ${path} is wrong.`, { paths: [path] });
    expect(withoutHiddenPaths(violation('/a/b/c'), plan, evaluator)).toMatchObject({
      code: 'CONSTRAINT_VIOLATION',
      message: 'A node at or below /a that may not be read forbids this change.',
      paths: ['/a'],
    });
    expect(withoutHiddenPaths(violation('/x'), plan, evaluator)).toMatchObject({ paths: [] });
    const readable = violation('/a');
    expect(withoutHiddenPaths(readable, plan, evaluator)).toBe(readable);
  });

  it('moving onto a hidden node is refused as adding there is', async () => {
    const { ada } = await world('/ + ada jcr:read,rep:write; /a/b - ada jcr:read');
    await ada.move('/ab', '/a/b');
    const moved = await failureOf(ada);
    await ada.refresh();
    await ada.addNode('/a/b');
    expect(await failureOf(ada)).toEqual(moved);
    expect(moved?.code).toBe('ACCESS_DENIED');
  });

  it('a right that is taken away while a save is under way is honoured', async () => {
    const nodes = createMemoryNodeStore();
    let meanwhile: (() => Promise<unknown>) | undefined;
    // The store, as a process sees it that is overtaken between checking its rights and committing.
    const overtaken: NodeStore = decorate(nodes, {
      commit: async (commit) => {
        const first = meanwhile;
        meanwhile = undefined;
        await first?.();
        return nodes.commit(commit);
      },
    });
    const repository = await openFor(() => openRepository({ nodes: overtaken, blobs: createMemoryBlobStore() }));
    const other = await openRepository({ nodes, blobs: createMemoryBlobStore() });
    const admin = await other.login('admin');
    await buildWorld(admin, 'team = ada; /a + team jcr:read,rep:write');
    const ada = await sessionOf(repository, 'ada');

    await ada.setProperties('/a', { title: 'first' });
    meanwhile = async () => {
      await admin.setProperties('/home/groups/team', { 'rep:members': [] });
      await admin.save();
    };
    await expect(ada.save()).rejects.toMatchObject({ code: 'PATH_NOT_FOUND', paths: ['/a'] });

    await grant(admin, '/a', 'ada', ['jcr:read', 'rep:write']);
    await admin.save();
    await ada.refresh();
    await ada.setProperties('/a', { title: 'second' });
    meanwhile = async () => {
      await admin.remove('/a/rep:policy');
      await admin.save();
    };
    await expect(ada.save()).rejects.toMatchObject({ code: 'PATH_NOT_FOUND', paths: ['/a'] });
    await admin.refresh();
    expect((await admin.getNode('/a')).text('title')).toBe('/a');
    await admin.close();
  });
});
