/** Whatever the tree, policies and groups: a reader sees exactly what a second, naive reading of the rules lets through. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { NewPolicyEntry } from '../../repository/access/policy.js';
import { setPolicy } from '../../repository/access/policy.js';
import { openRepository } from '../../repository/repository.js';
import { createGroup, createUser } from '../../repository/users.js';
import { collect } from '../repository/world.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';

const names = ['a', 'b', 'a-b', 'x:a'];
const groupIds = ['g1', 'g2', 'g3'];
const propertyNames = ['p', 'q', 'x:p'];

const path = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join('/')}`);
const entry: fc.Arbitrary<NewPolicyEntry> = fc.record({
  kind: fc.constantFrom('allow' as const, 'allow' as const, 'deny' as const),
  principal: fc.constantFrom('ada', 'ada', 'everyone', 'ghost', 'ben', ...groupIds),
  privileges: fc.constantFrom(
    ['jcr:read'] as const,
    ['jcr:read'] as const,
    ['rep:readNodes'] as const,
    ['rep:readProperties'] as const,
    ['jcr:all'] as const,
    ['rep:write'] as const,
  ),
  restrictions: fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    fc.constantFrom('', '/a', '/*', '*', '*/a', '/*/b', '*b', '/a*', 'b', '/p', '*/q').map((glob) => ({ glob })),
    fc.constantFrom(['a'], ['p', 'b']).map((itemNames) => ({ itemNames })),
    fc.constantFrom(['x'], ['']).map((prefixes) => ({ prefixes })),
  ),
});
const world = fc.record({
  paths: fc.uniqueArray(path, { minLength: 1, maxLength: 10 }),
  policies: fc.uniqueArray(
    fc.tuple(fc.oneof(fc.constant('/'), path), fc.array(entry, { minLength: 1, maxLength: 4 })),
    { maxLength: 5, selector: ([controlled]) => controlled },
  ),
  members: fc.tuple(
    ...groupIds.map(() => fc.uniqueArray(fc.constantFrom('ada', 'ghost', 'everyone', ...groupIds), { maxLength: 3 })),
  ),
});
type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

it('is a filtered copy', async () => {
  await fc.assert(fc.asyncProperty(world, compare), { numRuns: 250 });
});

async function compare(made: World): Promise<void> {
  const repository = await openRepository({ nodes: createMemoryNodeStore(), blobs: createMemoryBlobStore() });
  const admin = await repository.login('admin');
  for (const node of [...made.paths, ...made.policies.map(([controlled]) => controlled)]) {
    await admin.ensureNode(node, {});
  }
  const created = (await collect(admin.descendants('/'))).filter(({ path: at }) => !at.startsWith('/home'));
  for (const node of created) {
    await admin.setProperties(node.path, Object.fromEntries(propertyNames.map((name) => [name, node.path])));
  }
  for (const id of ['ada', 'ben']) await createUser(admin, { id });
  for (const [index, id] of groupIds.entries()) {
    await createGroup(admin, id);
    await admin.setProperties(`/home/groups/${id}`, { 'rep:members': [...(made.members[index] ?? [])] });
  }
  for (const [controlled, entries] of made.policies) await setPolicy(admin, controlled, entries);
  await admin.save();
  const paths = ['/', ...created.map((node) => node.path)];

  const ada = await repository.login('ada');
  const seen = paths.filter((at) => naivelyAllowed(made, at, at, 'rep:readNodes'));
  const shown = (at: string) =>
    propertyNames.filter((name) => naivelyAllowed(made, at, join(at, name), 'rep:readProperties'));
  const openTo = (root: string) => (at: string) =>
    at !== root &&
    seen.includes(at) &&
    isBelow(at, root) &&
    ancestors(at).every((above) => !isBelow(above, root) || seen.includes(above));

  const found = await ada.findNodes(paths);
  expect(found.flatMap((node) => node?.path ?? [])).toEqual(seen);
  for (const at of paths) {
    const identifier = (await admin.getNode(at)).identifier;
    const node = await ada.findNode(at);
    expect((await ada.findNodeByIdentifier(identifier))?.path).toBe(node?.path);
    expect(node?.path).toBe(seen.includes(at) ? at : undefined);
    if (node && at !== '/') {
      expect([...node.properties.keys()].filter((name) => propertyNames.includes(name))).toEqual(shown(at));
    }
    const below = seen.includes(at) ? paths.filter(openTo(at)) : [];
    const walked = (await collect(ada.descendants(at))).map((child) => child.path);
    expect(walked.filter((child) => paths.includes(child)).toSorted()).toEqual(below.toSorted());
    const children = (await collect(ada.children(at))).map((child) => child.path);
    expect(children.filter((child) => paths.includes(child)).toSorted()).toEqual(
      below.filter((child) => parent(child) === at).toSorted(),
    );
  }
  await repository.close();
}

/** Every entry of every policy on the way up, in one list, the strongest first; nothing is prepared or remembered. */
function naivelyAllowed({ policies, members }: World, node: string, item: string, privilege: string): boolean {
  const mine = new Set(['ada']);
  for (let before = -1; before !== mine.size;) {
    before = mine.size;
    groupIds.forEach((group, index) => {
      if (members[index]?.some((member) => mine.has(member))) mine.add(group);
    });
  }
  mine.add('everyone');
  const upward = [node, ...ancestors(node)].flatMap((at) =>
    policies
      .filter(([controlled]) => controlled === at)
      .flatMap(([controlled, entries]) => entries.toReversed().map((held) => ({ controlled, held }))),
  );
  const ordered = [
    ...upward.filter(({ held }) => held.principal === 'ada'),
    ...upward.filter(({ held }) => held.principal !== 'ada' && mine.has(held.principal)),
  ];
  const deciding = ordered.find(
    ({ controlled, held }) =>
      held.privileges.some((name) => name === privilege || name === 'jcr:all' || name === 'jcr:read') &&
      naivelyMatches(held, controlled, item),
  );
  return deciding?.held.kind === 'allow';
}

function naivelyMatches({ restrictions = {} }: NewPolicyEntry, controlled: string, item: string): boolean {
  const { glob, itemNames, prefixes } = restrictions;
  const name = item.split('/').at(-1) ?? '';
  if (itemNames && !itemNames.includes(name)) return false;
  if (prefixes && !prefixes.includes(name.includes(':') ? (name.split(':')[0] ?? '') : '')) return false;
  if (glob === undefined) return true;
  if (glob === '') return item === controlled;
  const pattern = (controlled === '/' ? '' : controlled) + glob;
  const text = pattern.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('*', '.*');
  return new RegExp(glob.includes('*') ? `^${text}$` : `^${text}(/.*)?$`, 'u').test(item);
}

function parent(at: string): string {
  return at.lastIndexOf('/') === 0 ? '/' : at.slice(0, at.lastIndexOf('/'));
}

function ancestors(at: string): string[] {
  return at === '/' ? [] : [parent(at), ...ancestors(parent(at))];
}

function isBelow(at: string, root: string): boolean {
  return at === root || root === '/' || at.startsWith(`${root}/`);
}

function join(at: string, name: string): string {
  return at === '/' ? `/${name}` : `${at}/${name}`;
}
