import { describe, expect, it } from 'vitest';
import { deny, grant } from '../../repository/access/policy.js';
import type { Session } from '../../repository/api.js';
import { resolveOverride } from '../../repository/overlay/override.js';
import { createUser } from '../../repository/users.js';
import type { PropertyInput } from '../../repository/value.js';
import { backends, openFor, sessionOf } from '../repository/world.js';
import { outline, toText, type TreeInput } from './layer-tree.js';

const superType = (path: string) => ({ 'sling:resourceSuperType': path });

/** Nodes written as a tree from the root on. */
async function write(session: Session, tree: TreeInput, path = ''): Promise<void> {
  for (const [name, value] of Object.entries(tree)) {
    if (typeof value !== 'object' || Array.isArray(value)) continue;
    const node = value as TreeInput;
    const properties = Object.fromEntries(
      Object.entries(node).filter(([, property]) => typeof property !== 'object' || Array.isArray(property)),
    ) as Record<string, PropertyInput>;
    const below = `${path}/${name}`;
    await session.ensureNode(below);
    await session.setProperties(below, properties);
    await write(session, node, below);
  }
}

async function openWorld(tree: TreeInput) {
  const open = backends['memory'];
  if (!open) throw new Error('there is no memory backend');
  const repository = await openFor(open);
  const session = await sessionOf(repository);
  await write(session, tree);
  await session.save();
  return { repository, session };
}

const withoutTypes = (text: string) =>
  text.replaceAll('"jcr:primaryType":"nt:unstructured",', '').replaceAll('"jcr:primaryType":"nt:unstructured"', '');

const component = { libs: { base: { dialog: { title: 'base', help: 'base', items: { a: { n: 1 }, b: { n: 1 } } } } } };

const rules: readonly (readonly [string, TreeInput, string, TreeInput | undefined])[] = [
  ['a resource without a super type shows as it is', { apps: { c: { p: 1 } } }, '/apps/c', { p: 1 }],
  ['what is nowhere does not show', { apps: {} }, '/apps/c/dialog', undefined],
  [
    'the resource lies over its super type',
    { ...component, apps: { c: { ...superType('/libs/base'), dialog: { title: 'mine' } } } },
    '/apps/c/dialog',
    { title: 'mine', help: 'base', items: { a: { n: 1 }, b: { n: 1 } } },
  ],
  [
    'a resource that is only below the super type shows',
    { ...component, apps: { c: superType('/libs/base') } },
    '/apps/c/dialog/items/a',
    { n: 1 },
  ],
  [
    'super types lie over their own super types',
    {
      libs: { root: { d: { p: 1, q: 1, r: 1 } }, base: { ...superType('/libs/root'), d: { q: 2, r: 2 } } },
      apps: { c: { ...superType('/libs/base'), d: { r: 3 } } },
    },
    '/apps/c/d',
    { p: 1, q: 2, r: 3 },
  ],
  [
    'a relative super type is found below /apps first',
    { libs: { base: { p: 1 } }, apps: { base: { p: 2 }, c: superType('base') } },
    '/apps/c',
    { p: 2, ...superType('base') },
  ],
  [
    'a relative super type is found below /libs then',
    { libs: { base: { p: 1 } }, apps: { c: superType('base') } },
    '/apps/c',
    { p: 1, ...superType('base') },
  ],
  [
    'a hierarchy that comes back to itself ends there',
    { apps: { a: { ...superType('/apps/b'), p: 1 }, b: { ...superType('/apps/a'), q: 2 } } },
    '/apps/a',
    { q: 2, p: 1, ...superType('/apps/b') },
  ],
  [
    'a resource that is its own super type',
    { apps: { a: { ...superType('/apps/a'), p: 1 } } },
    '/apps/a',
    { p: 1, ...superType('/apps/a') },
  ],
  [
    'a super type that is no path names nothing',
    { apps: { a: { ...superType('/apps/../libs'), p: 1 } } },
    '/apps/a',
    { p: 1, ...superType('/apps/../libs') },
  ],
  [
    'a super type that is not there changes nothing',
    { apps: { a: { ...superType('/libs/none'), p: 1 } } },
    '/apps/a',
    { p: 1, ...superType('/libs/none') },
  ],
  [
    'hiding holds for what is inherited',
    {
      ...component,
      apps: {
        c: {
          ...superType('/libs/base'),
          dialog: { 'sling:hideProperties': ['help'], items: { 'sling:hideChildren': ['b'] } },
        },
      },
    },
    '/apps/c/dialog',
    { title: 'base', items: { a: { n: 1 } } },
  ],
  [
    'a direct read obeys the hiding above it',
    { ...component, apps: { c: { ...superType('/libs/base'), dialog: { 'sling:hideChildren': ['items'] } } } },
    '/apps/c/dialog/items/a',
    undefined,
  ],
  [
    'a node with a super type of its own begins a hierarchy of its own, in the listing',
    {
      libs: { base: { d: { x: { p: 1 } } }, other: { q: 2 } },
      apps: { c: { ...superType('/libs/base'), d: { x: { ...superType('/libs/other'), r: 3 } } } },
    },
    '/apps/c/d',
    { x: { q: 2, r: 3, ...superType('/libs/other') } },
  ],
  [
    'and in a direct read',
    {
      libs: { base: { d: { x: { p: 1 } } }, other: { q: 2 } },
      apps: { c: { ...superType('/libs/base'), d: { x: { ...superType('/libs/other'), r: 3 } } } },
    },
    '/apps/c/d/x',
    { q: 2, r: 3, ...superType('/libs/other') },
  ],
  [
    'where it is hidden from above it does not show in a direct read either',
    {
      libs: { base: {}, other: { q: 2 } },
      apps: { c: { ...superType('/libs/base'), 'sling:hideChildren': ['x'], x: superType('/libs/other') } },
    },
    '/apps/c/x',
    undefined,
  ],
];

describe('the override picker', () => {
  it.each(rules)('%s', async (_rule, tree, path, expected) => {
    const { session } = await openWorld(tree);
    const { resource } = await resolveOverride(session, path);
    const sorted = (text: string) => (text === 'nothing' ? text : canonical(JSON.parse(text)));
    expect(sorted(withoutTypes(outline(resource)))).toBe(sorted(toText(expected)));
  });

  it('names its layers, topmost first', async () => {
    const { session } = await openWorld({ ...component, apps: { c: superType('base'), d: superType('/apps/c') } });
    expect(await resolveOverride(session, '/apps/d/dialog')).toMatchObject({
      layers: [{ root: '/apps/d' }, { root: '/apps/c' }, { root: '/libs/base' }],
      path: 'dialog',
      resource: { path: 'dialog' },
    });
  });

  it.each<[rule: string, tree: TreeInput, layers: string[]]>([
    [
      'once, where the hierarchy comes back to them',
      { apps: { a: superType('/apps/b'), b: superType('/apps/a') } },
      ['/apps/a', '/apps/b'],
    ],
    [
      'to an end, where a super type lies below what it is one of',
      { apps: { a: { ...superType('/apps/a/b'), b: {} } } },
      ['/apps/a', '/apps/a/b'],
    ],
  ])('names them %s', async (_rule, tree, layers) => {
    const { session } = await openWorld(tree);
    expect((await resolveOverride(session, '/apps/a')).layers.map(({ root }) => root)).toEqual(layers);
  });

  it('refuses a hierarchy that is too deep', async () => {
    const types = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`t${index}`, superType(`/apps/t${index + 1}`)]),
    );
    const { session } = await openWorld({ apps: types });
    await expect(resolveOverride(session, '/apps/t0')).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION' });
    expect((await resolveOverride(session, '/apps/t20')).layers).toHaveLength(21);
  });

  it('leaves out a super type that may not be read', async () => {
    const { repository, session } = await openWorld({
      ...component,
      apps: { c: { ...superType('/libs/base'), dialog: { title: 'mine' } } },
    });
    await createUser(session, { id: 'reader' });
    for (const path of ['/libs', '/apps']) await grant(session, path, 'reader', ['jcr:read']);
    await deny(session, '/libs/base/dialog', 'reader', ['jcr:read']);
    await session.save();
    const reader = await sessionOf(repository, 'reader');
    const { resource } = await resolveOverride(reader, '/apps/c/dialog');
    expect(resource?.properties.has('help')).toBe(false);
    expect(resource?.text('title')).toBe('mine');
    expect(resource?.children).toEqual([]);
  });
});

/** Names in one order: properties of stored nodes have none. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
