import fc from 'fast-check';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deny, grant } from '../../repository/access/policy.js';
import type { Session } from '../../repository/api.js';
import { changeContent } from '../../repository/content/change-content.js';
import { importContentFolder, type ContentMount } from '../../repository/content/import-content-folder.js';
import {
  assertOverlayChange,
  planOverlayChange,
  type AssignedValue,
  type OverlayChange,
  type OverlayTarget,
} from '../../repository/overlay/change-overlay.js';
import { parseHideRule, withHidden, withoutHidden } from '../../repository/overlay/hide-list.js';
import { settingsLayers, tenantAt } from '../../repository/overlay/layers.js';
import { createOverlayResolver } from '../../repository/overlay/resolver.js';
import { createUser } from '../../repository/users.js';
import type { PropertyInput } from '../../repository/value.js';
import { backends, openFor, sessionOf, temporaryFolder } from '../repository/world.js';

type Content = Readonly<Record<string, Readonly<Record<string, PropertyInput>>>>;

const libs = '/libs/settings/limits';
const own = '/conf/aurora/settings/limits';
const value = (...texts: string[]): AssignedValue => ({ texts });
const set = (values: Record<string, AssignedValue>, ...remove: string[]): OverlayChange => ({
  kind: 'set',
  set: values,
  remove,
});

async function openWorld(content: Content = {}, open = backends['memory']) {
  if (!open) throw new Error('there is no memory backend');
  const repository = await openFor(open);
  const session = await sessionOf(repository);
  const all: Content = {
    [libs]: { max: 10, title: 'Limits', tags: ['a'] },
    [`${libs}/sizes`]: { small: 1 },
    '/conf/aurora': {},
    ...content,
  };
  for (const [path, properties] of Object.entries(all)) {
    await session.ensureNode(path);
    await session.setProperties(path, properties);
  }
  await session.save();
  const overlay = createOverlayResolver({ repository });
  const tenant = tenantAt('/conf/aurora', undefined);
  const layers = settingsLayers(tenant);
  const targetOf = (path: string, label = '/conf/aurora'): OverlayTarget => {
    const layer = layers.find((candidate) => candidate.label === label);
    if (!layer) throw new Error(`there is no layer ${label}`);
    return { layers, layer, path };
  };
  const change = async (
    path: string,
    wanted: OverlayChange,
    { as = session, label = '/conf/aurora', mounts = [] as ContentMount[] } = {},
  ) => {
    const target = targetOf(path, label);
    const changes = await planOverlayChange(as, target, wanted);
    await changeContent({
      session: as,
      mounts,
      changes,
      check: async (_changed, seen) => {
        await assertOverlayChange(seen, target, wanted);
        return [];
      },
    });
    await session.refresh();
    return changes;
  };
  const merged = (path: string) => overlay.settings(session, tenant, path);
  return { repository, session, change, merged };
}

async function ownProperties(session: Session, path = own): Promise<Record<string, unknown> | undefined> {
  const node = await session.findNode(path);
  return (
    node &&
    Object.fromEntries(
      [...node.properties]
        .filter(([name]) => !name.startsWith('jcr:'))
        .map(([name, { type, multiple, values }]) => [name, multiple ? [`${type}[]`, ...values] : [type, ...values]]),
    )
  );
}

describe('setting through the overlay', () => {
  it.each<
    [
      rule: string,
      content: Content,
      change: OverlayChange,
      written: Record<string, unknown> | undefined,
      shows: Record<string, string | undefined>,
    ]
  >([
    [
      'writes the value into the layer, with the type of what it replaces',
      {},
      set({ max: value('5') }),
      { max: ['Long', 5] },
      { max: '5', title: 'Limits' },
    ],
    ['a list stays a list', {}, set({ tags: value('b') }), { tags: ['String[]', 'b'] }, { tags: 'b' }],
    ['a new property is a text', {}, set({ note: value('5') }), { note: ['String', '5'] }, { note: '5' }],
    ['several values are a list', {}, set({ note: value('a', 'b') }), { note: ['String[]', 'a', 'b'] }, { note: 'a' }],
    [
      'a type that is named counts',
      {},
      set({ max: { texts: ['5'], type: 'String' } }),
      { max: ['String', '5'] },
      { max: '5' },
    ],
    ['a list that is named counts', {}, set({ none: { texts: [], multiple: true } }), { none: ['String[]'] }, {}],
    [
      'what is the same below is not written',
      {},
      set({ max: value('10'), title: value('Mine') }),
      { title: ['String', 'Mine'] },
      { max: '10', title: 'Mine' },
    ],
    ['and nothing at all where all is the same', {}, set({ max: value('10') }), undefined, { max: '10' }],
    [
      'the same as below takes the own value away',
      { [own]: { max: 5, title: 'Mine' } },
      set({ max: value('10') }),
      { title: ['String', 'Mine'] },
      { max: '10' },
    ],
    [
      'removing an inherited property hides it',
      {},
      set({}, 'max'),
      { 'sling:hideProperties': ['String[]', 'max'] },
      { max: undefined, title: 'Limits' },
    ],
    [
      'removing another one adds to the list',
      { [own]: { 'sling:hideProperties': ['max'] } },
      set({}, 'title'),
      { 'sling:hideProperties': ['String[]', 'max', 'title'] },
      { max: undefined, title: undefined },
    ],
    [
      'removing what is hidden already changes nothing',
      { [own]: { 'sling:hideProperties': ['*'] } },
      set({}, 'max'),
      { 'sling:hideProperties': ['String[]', '*'] },
      { max: undefined },
    ],
    [
      'removing an exception hides it again',
      { [own]: { 'sling:hideProperties': ['*', '!max', '!title'] } },
      set({}, 'max'),
      { 'sling:hideProperties': ['String[]', '*', '!title'] },
      { max: undefined, title: 'Limits' },
    ],
    [
      'removing the layer’s own property takes it away',
      { [own]: { note: 'x' } },
      set({}, 'note'),
      {},
      { note: undefined },
    ],
    [
      'removing an own property that hides one below hides both',
      { [own]: { max: 5 } },
      set({}, 'max'),
      { 'sling:hideProperties': ['String[]', 'max'] },
      { max: undefined },
    ],
    [
      'setting what was removed brings it back',
      { [own]: { 'sling:hideProperties': ['max', 'title'] } },
      set({ max: value('7') }),
      { 'sling:hideProperties': ['String[]', 'title'], max: ['Long', 7] },
      { max: '7', title: undefined },
    ],
    [
      'setting what was removed to what is below needs no value',
      { [own]: { 'sling:hideProperties': ['max'] } },
      set({ max: value('10') }),
      {},
      { max: '10' },
    ],
    [
      'where * hides, a value like that below is written',
      { [own]: { 'sling:hideProperties': ['*'] } },
      set({ max: value('10') }),
      { 'sling:hideProperties': ['String[]', '*'], max: ['Long', 10] },
      { max: '10', title: undefined },
    ],
    [
      'setting on what is hidden adds it again',
      { [own]: { 'sling:hideResource': true } },
      set({ max: value('7') }),
      { max: ['Long', 7] },
      { max: '7', title: 'Limits' },
    ],
    [
      'a property of any name',
      {},
      set({ ['__proto__']: value('x') }),
      JSON.parse('{"__proto__": ["String", "x"]}') as Record<string, unknown>,
      {},
    ],
  ])('%s', async (_rule, content, change, written, shows) => {
    const world = await openWorld(content);
    await world.change('limits', change);
    expect(await ownProperties(world.session)).toEqual(written);
    expect((await world.session.getNode(libs)).number('max')).toBe(10);
    const merged = await world.merged('limits');
    for (const [name, text] of Object.entries(shows)) expect(merged?.text(name)).toBe(text);
  });

  it('adds a resource that no layer has, and keeps the type of one that some have', async () => {
    const { session, change, merged } = await openWorld({
      '/libs/settings/folder': { 'jcr:primaryType': 'sling:OrderedFolder' },
    });
    await change('new/deep', set({ a: value('1') }));
    expect((await merged('new/deep'))?.text('a')).toBe('1');
    await change('folder', set({ a: value('1') }));
    expect((await session.getNode('/conf/aurora/settings/folder')).primaryType).toBe('sling:OrderedFolder');
  });

  it('writes the layer that is named, and leaves those above it', async () => {
    const { session, change, merged } = await openWorld({ [own]: { max: 5 } });
    await change('limits', set({ max: value('7') }), { label: '/apps' });
    expect((await session.getNode('/apps/settings/limits')).number('max')).toBe(7);
    expect((await merged('limits'))?.number('max')).toBe(5);
  });

  it.each<[rule: string, content: Content, path: string, change: OverlayChange, code: string]>([
    ['a value that does not convert', {}, 'limits', set({ max: value('many') }), 'INVALID_VALUE'],
    ['removing what is not there', {}, 'limits', set({}, 'none'), 'PATH_NOT_FOUND'],
    [
      'setting below what the layer hides',
      { [own]: { 'sling:hideResource': true } },
      'limits/sizes',
      set({ small: value('2') }),
      'CONSTRAINT_VIOLATION',
    ],
    ['hiding what is in no layer', {}, 'none', { kind: 'hide' }, 'PATH_NOT_FOUND'],
    ['hiding what is hidden', { [own]: { 'sling:hideResource': true } }, 'limits', { kind: 'hide' }, 'PATH_NOT_FOUND'],
    ['restoring what is not hidden', {}, 'limits', { kind: 'restore' }, 'CONSTRAINT_VIOLATION'],
    [
      'restoring what another layer hides',
      { '/conf/global/settings/limits': { 'sling:hideResource': true } },
      'limits',
      { kind: 'restore' },
      'CONSTRAINT_VIOLATION',
    ],
    ['resetting where the layer has nothing', {}, 'limits', { kind: 'reset' }, 'PATH_NOT_FOUND'],
    ['hiding a whole layer', {}, '', { kind: 'hide' }, 'INVALID_VALUE'],
  ])('%s is refused, and nothing is written', async (_rule, content, path, change, code) => {
    const world = await openWorld(content);
    const { sequence } = world.session;
    await expect(world.change(path, change)).rejects.toMatchObject({ code });
    await world.session.refresh();
    expect(world.session.sequence).toBe(sequence);
  });
});

describe('hiding, restoring and resetting', () => {
  it.each(Object.entries(backends))('take a resource away and bring it back on %s', async (_name, open) => {
    const { session, change, merged } = await openWorld({}, open);
    await change('limits/sizes', { kind: 'hide' });
    expect(await merged('limits/sizes')).toBeUndefined();
    expect((await merged('limits'))?.children).toEqual([]);
    await change('limits/sizes', { kind: 'restore' });
    expect((await merged('limits/sizes'))?.number('small')).toBe(1);
    expect(await session.findNode(`${own}/sizes`)).toBeUndefined();
    await change('limits/sizes', set({ small: value('2') }));
    await change('limits/sizes', { kind: 'hide' });
    expect(await merged('limits/sizes')).toBeUndefined();
    await change('limits/sizes', { kind: 'restore' });
    expect((await merged('limits/sizes'))?.number('small')).toBe(2);
    await change('limits', { kind: 'reset' });
    expect((await merged('limits/sizes'))?.number('small')).toBe(1);
    expect(await session.findNode(own)).toBeUndefined();
  });

  it('restores what the parent’s list hides, by its name or by *', async () => {
    const { session, change, merged } = await openWorld({ [own]: { 'sling:hideChildren': ['sizes', 'other'] } });
    await change('limits/sizes', { kind: 'restore' });
    expect((await session.getNode(own)).texts('sling:hideChildren')).toEqual(['other']);
    expect(await merged('limits/sizes')).toBeDefined();
    await session.setProperties(own, { 'sling:hideChildren': ['*'] });
    await session.save();
    expect(await merged('limits/sizes')).toBeUndefined();
    await change('limits/sizes', { kind: 'restore' });
    expect((await session.getNode(own)).texts('sling:hideChildren')).toEqual(['*', '!sizes']);
    expect(await merged('limits/sizes')).toBeDefined();
    await session.setProperties(own, { 'sling:hideChildren': ['*', 'x'] });
    await session.save();
    await expect(change('limits/sizes', { kind: 'restore' })).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION' });
  });

  it('holds the rights of who changes', async () => {
    const { repository, session, change } = await openWorld();
    await createUser(session, { id: 'editor' });
    for (const path of ['/libs', '/conf']) await grant(session, path, 'editor', ['jcr:read']);
    await session.save();
    const as = await sessionOf(repository, 'editor');
    await expect(change('limits', set({ max: value('5') }), { as })).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    await grant(session, '/conf/aurora', 'editor', ['rep:write']);
    await session.save();
    await as.refresh();
    await change('limits', set({ max: value('5') }), { as });
    expect(await ownProperties(session)).toEqual({ max: ['Long', 5] });
    // Who may not read what underlies is not told what it is: the value is written though it is the same.
    await deny(session, '/libs', 'editor', ['jcr:read']);
    await session.save();
    await as.refresh();
    await change('limits', set({ max: { texts: ['10'], type: 'Long' } }), { as });
    expect(await ownProperties(session)).toEqual({ max: ['Long', 10] });
  });

  it('goes into the file where a content folder has the layer', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'aurora'));
    await writeFile(join(folder, 'aurora/.content.json'), '{"settings": {"limits": {"title": "Mine"}}}');
    const { session, change, merged } = await openWorld();
    const mounts = [{ folder, target: '/conf', mount: 'test' }];
    for (const mount of mounts) await importContentFolder({ ...mount, session });
    await change('limits', set({ max: value('5') }, 'tags'), { mounts });
    const document = JSON.parse(await readFile(join(folder, 'aurora/.content.json'), 'utf8')) as unknown;
    expect(document).toEqual({ settings: { limits: { title: 'Mine', max: 5, 'sling:hideProperties': ['tags'] } } });
    expect((await merged('limits'))?.number('max')).toBe(5);
    await change('limits/sizes', { kind: 'hide' }, { mounts });
    expect(await merged('limits/sizes')).toBeUndefined();
    await change('limits', { kind: 'reset' }, { mounts });
    expect(JSON.parse(await readFile(join(folder, 'aurora/.content.json'), 'utf8'))).toEqual({ settings: {} });
    expect((await merged('limits/sizes'))?.number('small')).toBe(1);
  });
});

describe('lists of what is hidden', () => {
  const names = ['a', 'b', '!a', '!!a'];
  const list = fc.array(fc.constantFrom('*', 'a', 'b', '!a', '!b', '!!a', '!!!a', '!!!!a'), { maxLength: 4 });

  it('hide a name that was added, and nothing else than before', () => {
    fc.assert(
      fc.property(list, fc.constantFrom(...names), (values, name) => {
        const [before, after] = [parseHideRule(values), parseHideRule(withHidden(values, name))];
        for (const other of names) {
          expect(after.hidesUnderlying(other)).toBe(other === name || before.hidesUnderlying(other));
        }
      }),
    );
  });

  it('hide a name no more that was taken out, or say that they cannot', () => {
    fc.assert(
      fc.property(list, fc.constantFrom(...names), (values, name) => {
        const rest = withoutHidden(values, name);
        if (!rest) {
          expect(values).toContain('*');
          return;
        }
        const [before, after] = [parseHideRule(values), parseHideRule(rest)];
        for (const other of names) {
          expect(after.hidesUnderlying(other)).toBe(other !== name && before.hidesUnderlying(other));
        }
      }),
    );
  });
});
