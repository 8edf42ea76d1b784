/** Worlds of policies and groups written as one line, for tables of cases. */
import { nameOf } from '../../repository/path.js';
import { setPolicy } from '../../repository/access/policy.js';
import type { NewPolicyEntry } from '../../repository/access/policy.js';
import type { Privilege, Repository, Session } from '../../repository/api.js';
import { createGroup, createUser } from '../../repository/users.js';

/** What every world holds; each node has the properties title, secret and dc:title. */
export const worldPaths = ['/a', '/a/b', '/a/b/c', '/a/jcr:content', '/a/jcr:content/d', '/ab', '/ab/c', '/to'];

/**
 * Users ada and ben, the tree above, and statements separated by `; `:
 *
 *     team = ada,inner                        a group and its members
 *     /a + team jcr:read,rep:write glob=/b    an entry that allows, with restrictions glob=, names=, prefixes=, types=,
 *                                             globs=, subtrees=, current=, unknown=
 *     /a - ada jcr:read                       an entry that denies
 *     disabled ben
 */
export async function buildWorld(admin: Session, statements: string): Promise<void> {
  for (const path of worldPaths) {
    await admin.addNode(path, { properties: { title: path, secret: 's', 'dc:title': 'd' } });
  }
  for (const id of ['ada', 'ben']) await createUser(admin, { id, email: `${id}@example.com`, passwordHash: '$hash' });
  const policies = new Map<string, (NewPolicyEntry & { readonly unknown?: string })[]>();
  for (const statement of statements.split('; ').filter((text) => text !== '')) {
    const [first = '', sign = '', third = '', names = '', ...options] = statement.split(' ');
    if (first === 'disabled') await admin.setProperties(`/home/users/${sign}`, { 'rep:disabled': 'left' });
    else if (sign === '=') await putGroup(admin, first, third.split(','));
    else policies.set(first, [...(policies.get(first) ?? []), entryOf(sign, third, names, options)]);
  }
  for (const [path, entries] of policies) {
    await setPolicy(admin, path, entries);
    let index = 0;
    for await (const node of admin.children(path === '/' ? '/rep:policy' : `${path}/rep:policy`)) {
      const unknown = entries[index++]?.unknown;
      if (unknown !== undefined) await admin.setProperties(node.path, { [unknown]: 'nt:file' });
    }
  }
  await admin.save();
}

async function putGroup(admin: Session, id: string, members: readonly string[]): Promise<void> {
  if (!(await admin.findNode(`/home/groups/${id}`))) await createGroup(admin, id);
  await admin.setProperties(`/home/groups/${id}`, { 'rep:members': [...members] });
}

function entryOf(sign: string, principal: string, names: string, options: readonly string[]) {
  const option = (name: string) => options.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1);
  const [glob, unknown] = ['glob', 'unknown'].map(option);
  const list = (name: string) => option(name)?.split(',');
  const lists = {
    itemNames: list('names'),
    prefixes: list('prefixes'),
    ntNames: list('types'),
    globs: list('globs'),
    subtrees: list('subtrees'),
    // No value at all is another thing than an empty one.
    current: option('current') === '' ? [] : list('current'),
  };
  return {
    kind: sign === '+' ? ('allow' as const) : ('deny' as const),
    principal,
    privileges: names.split(',') as Privilege[],
    restrictions: {
      ...(glob !== undefined && { glob }),
      ...Object.fromEntries(Object.entries(lists).filter(([, values]) => values !== undefined)),
    },
    ...(unknown !== undefined && { unknown }),
  };
}

export type Outcome = 'allowed' | 'denied' | 'not-found' | 'refused';

const actions: Readonly<Record<string, (session: Session, ...words: string[]) => Promise<unknown>>> = {
  read: (session, path = '') => session.getNode(path),
  property: async (session, path = '', name = '') => found((await session.getNode(path)).property(name)),
  lists: async (session, parent = '', name = '') => {
    for await (const node of session.children(parent)) if (node.name === name) return;
    found(undefined);
  },
  walks: async (session, root = '', path = '') => {
    for await (const node of session.descendants(root)) if (node.path === path) return;
    found(undefined);
  },
  add: (session, path = '') => session.addNode(path),
  addFolder: (session, path = '') => session.addNode(path, { primaryType: 'sling:Folder' }),
  retypeAndSet: async (session, path = '', type = '', name = '') => {
    await session.setProperties(path, { 'jcr:primaryType': type });
    await session.setProperties(path, { [name]: 'changed' });
  },
  retypeAndSee: async (session, path = '', type = '', name = '') =>
    found((await session.setProperties(path, { 'jcr:primaryType': type })).property(name)),
  finds: async (session, path = '') => {
    const result = await session.query({ path: '/', where: { property: 'title', op: '=', value: path } });
    for await (const node of result.nodes()) if (node.path === path) return;
    found(undefined);
  },
  copies: async (session, from = '', to = '', below = '') => {
    await session.copy(from, to);
    await session.getNode(`${to}/${below}`);
  },
  addWith: (session, path = '', name = '') => session.addNode(path, { properties: { [name]: 1 } }),
  addMixed: (session, path = '') => session.addNode(path, { mixins: ['mix:title'] }),
  addUser: (session, path = '') =>
    session.addNode(path, { primaryType: 'rep:User', properties: { 'rep:principalName': nameOf(path) } }),
  addGroup: (session, path = '') =>
    session.addNode(path, { primaryType: 'rep:Group', properties: { 'rep:principalName': nameOf(path) } }),
  addPolicy: (session, path = '') => session.addNode(`${path}/rep:policy`, { primaryType: 'rep:ACL' }),
  set: (session, path = '', name = '') => session.setProperties(path, { [name]: 'changed' }),
  unset: (session, path = '', name = '') => session.setProperties(path, { [name]: null }),
  type: (session, path = '', type = '') => session.setProperties(path, { 'jcr:primaryType': type }),
  mix: (session, path = '') => session.setProperties(path, { 'jcr:mixinTypes': ['mix:title'] }),
  members: (session, path = '') => session.setProperties(path, { 'rep:members': [session.userId] }),
  remove: (session, path = '') => session.remove(path),
  move: (session, from = '', to = '') => session.move(from, to),
  order: (session, path = '') => session.orderBefore(path, undefined),
  has: async (session, path = '', ...names) =>
    found((await session.hasPrivileges(path, ...(names as Privilege[]))) || undefined),
};

function found<T>(value: T | undefined): T {
  if (value === undefined) throw Object.assign(new Error('nothing found'), { code: 'PATH_NOT_FOUND' });
  return value;
}

const outcomes: Readonly<Record<string, Outcome>> = {
  ACCESS_DENIED: 'denied',
  PATH_NOT_FOUND: 'not-found',
  UNKNOWN_USER: 'denied',
  CONSTRAINT_VIOLATION: 'refused',
};

/** What becomes of `ACTION WORD…` when that user does it and saves. */
export async function outcomeOf(repository: Repository, user: string, action: string): Promise<Outcome> {
  const [name = '', ...words] = action.split(' ');
  const act = actions[name];
  if (!act) throw new Error(`there is no action ${name}`);
  try {
    await repository.withSession(user, async (session) => {
      await act(session, ...words);
      await session.save();
    });
    return 'allowed';
  } catch (error) {
    const outcome = outcomes[(error as { code?: string }).code ?? ''];
    if (outcome === undefined) throw error;
    return outcome;
  }
}
