import { describe, expect, it } from 'vitest';
import { deny, grant } from '../../repository/access/policy.js';
import { configurationNameProblem } from '../../repository/overlay/configuration-name.js';
import {
  resolveConfiguration,
  resolveConfigurationCollection,
  resolvePaths,
  type ResolvedConfiguration,
} from '../../repository/overlay/configuration.js';
import { parseOverrideString } from '../../repository/overlay/override-string.js';
import { createUser } from '../../repository/users.js';
import type { PropertyInput } from '../../repository/value.js';
import { backends, openFor, sessionOf } from '../repository/world.js';

type Content = Readonly<Record<string, Readonly<Record<string, PropertyInput>>>>;

const page = '/content/site/en/page';
const references: Content = {
  '/content': { 'sling:configRef': '/conf/top' },
  '/content/site': { 'sling:configRef': '/conf/brand/de' },
  [page]: {},
};
const propertyInherit = { 'sling:configPropertyInherit': true };
const collectionInherit = { 'sling:configCollectionInherit': true };

async function openWorld(content: Content) {
  const open = backends['memory'];
  if (!open) throw new Error('there is no memory backend');
  const repository = await openFor(open);
  const session = await sessionOf(repository);
  for (const [path, properties] of Object.entries({ ...references, ...content })) {
    await session.ensureNode(path);
    await session.setProperties(path, properties);
  }
  await session.save();
  return { repository, session };
}

/** `name=value ← layer`, one a property. */
function shown({ resource }: ResolvedConfiguration): string[] | undefined {
  return (
    resource && [...resource.properties].map(([name, { layer }]) => `${name}=${resource.texts(name).join()} ← ${layer}`)
  );
}

const configs = (root: string, name = 'mail') => `${root}/sling:configs/${name}`;

type Rule = [rule: string, content: Content, expected: string[] | undefined, overrides?: string[]];
const rules: readonly Rule[] = [
  ['what is nowhere is nothing', {}, undefined],
  [
    'the nearest reference counts',
    { [configs('/conf/brand/de')]: { a: 1 }, [configs('/conf/top')]: { a: 2 } },
    ['a=1 ← /conf/brand/de'],
  ],
  [
    'then its parents below /conf',
    { [configs('/conf/brand')]: { a: 1 }, [configs('/conf/top')]: { a: 2 } },
    ['a=1 ← /conf/brand'],
  ],
  [
    'then the references of nodes above',
    { [configs('/conf/top')]: { a: 1 }, [configs('/conf/global')]: { a: 2 } },
    ['a=1 ← /conf/top'],
  ],
  [
    'then /conf/global',
    { [configs('/conf/global')]: { a: 1 }, [configs('/apps/conf')]: { a: 2 } },
    ['a=1 ← /conf/global'],
  ],
  ['then /apps/conf', { [configs('/apps/conf')]: { a: 1 }, [configs('/libs/conf')]: { a: 2 } }, ['a=1 ← /apps/conf']],
  ['and /libs/conf last', { [configs('/libs/conf')]: { a: 1 } }, ['a=1 ← /libs/conf']],
  [
    'without the flag nothing is inherited',
    { [configs('/conf/brand/de')]: { a: 1 }, [configs('/conf/global')]: { b: 2 } },
    ['a=1 ← /conf/brand/de'],
  ],
  [
    'with sling:configPropertyInherit the next place counts, and no more',
    {
      [configs('/conf/brand/de')]: { a: 1, ...propertyInherit },
      [configs('/conf/top')]: { a: 2, b: 2 },
      [configs('/conf/global')]: { c: 3 },
    },
    ['a=1 ← /conf/brand/de', 'b=2 ← /conf/top'],
  ],
  [
    'unless that place has the flag too',
    {
      [configs('/conf/brand/de')]: { a: 1, ...propertyInherit },
      [configs('/conf/top')]: { b: 2, ...propertyInherit },
      [configs('/libs/conf')]: { a: 3, c: 3 },
    },
    ['a=1 ← /conf/brand/de', 'b=2 ← /conf/top', 'c=3 ← /libs/conf'],
  ],
  [
    'sling:configPropertyInherit false inherits nothing',
    { [configs('/conf/brand/de')]: { a: 1, 'sling:configPropertyInherit': false }, [configs('/conf/top')]: { b: 2 } },
    ['a=1 ← /conf/brand/de'],
  ],
  [
    'the flag as a text counts',
    { [configs('/conf/brand/de')]: { 'sling:configPropertyInherit': 'true' }, [configs('/conf/top')]: { b: 2 } },
    ['b=2 ← /conf/top'],
  ],
  [
    'what the repository keeps and the type are no configuration',
    { [configs('/conf/top')]: { 'jcr:title': 'x', 'sling:resourceType': 'y', a: 1 } },
    ['a=1 ← /conf/top'],
  ],
  [
    'a whole list is replaced',
    { [configs('/conf/brand/de')]: { a: ['x'], ...propertyInherit }, [configs('/conf/top')]: { a: ['y', 'z'] } },
    ['a=x ← /conf/brand/de'],
  ],
  [
    'an override wins over every place',
    { [configs('/conf/brand/de')]: { a: 1, b: 1 } },
    ['a=9 ← override', 'b=1 ← /conf/brand/de'],
    ['mail/a=9'],
  ],
  ['an override makes a configuration', {}, ['a=9 ← override'], ['mail/a=9']],
  [
    'a later override wins over an earlier one',
    {},
    ['a=8 ← override', 'b=1 ← override'],
    ['mail/a=9', 'mail/b=1', 'mail/a=8'],
  ],
  [
    'an override of everything leaves nothing else',
    { [configs('/conf/top')]: { a: 1, b: 1 } },
    ['b=9 ← override'],
    ['mail={"b": 9}'],
  ],
  [
    'an override for a path holds for all below',
    { [configs('/conf/top')]: { a: 1 } },
    ['a=9 ← override'],
    ['[/content/site]mail/a=9'],
  ],
  [
    'and nowhere else',
    { [configs('/conf/top')]: { a: 1 } },
    ['a=1 ← /conf/top'],
    ['[/content/sit]mail/a=9', '[/content/site/de]mail/a=8'],
  ],
  [
    'an override of another name has no say',
    { [configs('/conf/top')]: { a: 1 } },
    ['a=1 ← /conf/top'],
    ['mai/a=9', 'mail/sub/a=8'],
  ],
];

describe('a configuration', () => {
  it.each<Rule>(rules)('%s', async (_rule, content, expected, overrides = []) => {
    const { session } = await openWorld(content);
    const found = await resolveConfiguration(session, `${page}/not/there`, 'mail', {
      overrides: overrides.map(parseOverrideString),
    });
    expect(shown(found)?.sort()).toEqual(expected);
  });

  it('says where it was looked for, and what each value hides', async () => {
    const { session } = await openWorld({
      [configs('/conf/brand/de')]: { a: 1, ...propertyInherit },
      [configs('/conf/top')]: { a: 2 },
      [configs('/libs/conf')]: { a: 3 },
    });
    const overrides = [parseOverrideString('mail/a=4')];
    const { resource, places } = await resolveConfiguration(session, page, 'mail', { overrides });
    expect(places.map(({ label, found, used }) => `${label} ${found} ${used}`)).toEqual([
      'override true true',
      '/conf/brand/de true true',
      '/conf/brand false false',
      '/conf/top true true',
      '/conf/global false false',
      '/apps/conf false false',
      '/libs/conf true false',
    ]);
    expect(resource?.properties.get('a')?.overrides?.map(({ layer }) => layer)).toEqual([
      '/conf/top',
      '/conf/brand/de',
    ]);
    expect(resource?.layers).toEqual(['/conf/top', '/conf/brand/de', 'override']);
  });

  it('takes the first bucket that has it at each place', async () => {
    const { session } = await openWorld({
      '/conf/brand/de/settings/mail': { a: 1 },
      [configs('/conf/brand/de')]: { a: 2 },
      [configs('/conf/top')]: { a: 3 },
    });
    const found = async (buckets: string[]) => shown(await resolveConfiguration(session, page, 'mail', { buckets }));
    expect(await found(['settings', 'sling:configs'])).toEqual(['a=1 ← /conf/brand/de']);
    expect(await found(['sling:configs', 'settings'])).toEqual(['a=2 ← /conf/brand/de']);
    await expect(found(['../x'])).rejects.toMatchObject({ code: 'INVALID_VALUE' });
  });

  it('takes from a place that may not be read nothing', async () => {
    const { repository, session } = await openWorld({
      [configs('/conf/brand/de')]: { a: 1 },
      [configs('/conf/top')]: { a: 2 },
    });
    await createUser(session, { id: 'reader' });
    for (const path of ['/content', '/conf']) await grant(session, path, 'reader', ['jcr:read']);
    await deny(session, '/conf/brand', 'reader', ['jcr:read']);
    await session.save();
    const reader = await sessionOf(repository, 'reader');
    expect(shown(await resolveConfiguration(reader, page, 'mail'))).toEqual(['a=2 ← /conf/top']);
    expect(shown(await resolveConfiguration(session, page, 'mail'))).toEqual(['a=1 ← /conf/brand/de']);
  });
});

describe('the places of configurations', () => {
  it.each<[rule: string, content: Content, places: string[]]>([
    ['are those of every reference above, with parents', {}, ['/conf/brand/de', '/conf/brand', '/conf/top']],
    [
      'relative references lie below the nearest absolute one',
      { [page]: { 'sling:configRef': 'x' }, '/content/site/en': { 'sling:configRef': 'y' } },
      ['/conf/brand/de/x', '/conf/brand/de', '/conf/brand', '/conf/brand/de/y', '/conf/top'],
    ],
    [
      'cq:conf is read where there is no sling:configRef',
      { [page]: { 'cq:conf': '/conf/classic' } },
      ['/conf/classic', '/conf/brand/de', '/conf/brand', '/conf/top'],
    ],
    [
      'a reference to configurations themselves is ignored',
      { [page]: { 'sling:configRef': '/conf/other/sling:configs' } },
      ['/conf/brand/de', '/conf/brand', '/conf/top'],
    ],
    [
      'a reference to the fallback does not bring it forward',
      { [page]: { 'sling:configRef': '/conf/global/x' } },
      ['/conf/brand/de', '/conf/brand', '/conf/top'],
    ],
    [
      'a reference outside /conf is ignored',
      { [page]: { 'sling:configRef': '/content/site' } },
      ['/conf/brand/de', '/conf/brand', '/conf/top'],
    ],
  ])('%s', async (_rule, content, places) => {
    const { session } = await openWorld(content);
    expect(await resolvePaths(session, page)).toEqual([...places, '/conf/global', '/apps/conf', '/libs/conf']);
  });
});

describe('a collection of configurations', () => {
  const list = (root: string, item: string) => `${configs(root, 'list')}/${item}`;
  it.each<[rule: string, content: Content, expected: (readonly [string, string[]])[], overrides?: string[]]>([
    ['is empty where nothing is', {}, []],
    [
      'is that of the first place',
      { [list('/conf/top', 'a')]: { n: 1 }, [list('/conf/global', 'b')]: { n: 2 } },
      [['list/a', ['n=1 ← /conf/top']]],
    ],
    [
      'with sling:configCollectionInherit it goes on with the next place',
      {
        [configs('/conf/top', 'list')]: collectionInherit,
        [list('/conf/top', 'a')]: { n: 1 },
        [list('/conf/global', 'b')]: { n: 2 },
        [list('/libs/conf', 'c')]: { n: 3 },
      },
      [
        ['list/a', ['n=1 ← /conf/top']],
        ['list/b', ['n=2 ← /conf/global']],
      ],
    ],
    [
      'an item of a nearer place stands for those of the same name',
      {
        [configs('/conf/top', 'list')]: collectionInherit,
        [list('/conf/top', 'a')]: { n: 1 },
        [list('/conf/global', 'a')]: { n: 2, m: 2 },
      },
      [['list/a', ['n=1 ← /conf/top']]],
    ],
    [
      'sling:configPropertyInherit is each item’s own, whether the collection is inherited or not',
      {
        [list('/conf/top', 'a')]: { n: 1, ...propertyInherit },
        [list('/conf/top', 'b')]: { n: 1 },
        [list('/conf/global', 'a')]: { m: 2 },
        [list('/conf/global', 'b')]: { m: 2 },
      },
      [
        ['list/a', ['m=2 ← /conf/global', 'n=1 ← /conf/top']],
        ['list/b', ['n=1 ← /conf/top']],
      ],
    ],
    [
      'jcr:content is no item',
      { [list('/conf/top', 'jcr:content')]: { n: 1 }, [list('/conf/top', 'a')]: { n: 1 } },
      [['list/a', ['n=1 ← /conf/top']]],
    ],
    ['an empty first place ends it', { [configs('/conf/top', 'list')]: {}, [list('/conf/global', 'b')]: { n: 2 } }, []],
    [
      'an override names its item',
      { [list('/conf/top', 'a')]: { n: 1 }, [list('/conf/top', 'b')]: { n: 1 } },
      [
        ['list/a', ['n=9 ← override']],
        ['list/b', ['n=1 ← /conf/top']],
      ],
      ['list/a/n=9'],
    ],
  ])('%s', async (_rule, content, expected, overrides = []) => {
    const { session } = await openWorld(content);
    const { items } = await resolveConfigurationCollection(session, page, 'list', {
      overrides: overrides.map(parseOverrideString),
    });
    expect(items.map((item) => [item.name, shown(item)?.sort()])).toEqual(expected);
  });
});

describe('names of configurations', () => {
  it.each([
    ['mail', true],
    ['com.example.Mail', true],
    ['list/item', true],
    ['', false],
    ['  ', false],
    ['/mail', false],
    ['../mail', false],
    ['a/../b', false],
    ['a//b', false],
    ['a/', false],
    ['a*', false],
    ['x'.repeat(256), false],
  ])('%s: %s', (name, isGood) => {
    expect(configurationNameProblem(name) === undefined).toBe(isGood);
  });
});

describe('override strings', () => {
  it.each<
    [text: string, contextPath: string | undefined, name: string, isWhole: boolean, properties: Record<string, unknown>]
  >([
    ['n/p="v"', undefined, 'n', false, { p: ['String', 'v'] }],
    ['n/p=555', undefined, 'n', false, { p: ['Long', 555] }],
    ['n/p=1.23', undefined, 'n', false, { p: ['Double', 1.23] }],
    ['n/p=true', undefined, 'n', false, { p: ['Boolean', true] }],
    ['n/p=["a","b"]', undefined, 'n', false, { p: ['String[]', 'a', 'b'] }],
    ['n/p=[1,2.5]', undefined, 'n', false, { p: ['Double[]', 1, 2.5] }],
    ['n/p=[]', undefined, 'n', false, { p: ['String[]'] }],
    ['n/p="a=b[c]"', undefined, 'n', false, { p: ['String', 'a=b[c]'] }],
    ['[/a/b]n/sub/p="v"', '/a/b', 'n/sub', false, { p: ['String', 'v'] }],
    ['[/a/b] n = {"p": 1, "q": ["x"]}', '/a/b', 'n', true, { p: ['Long', 1], q: ['String[]', 'x'] }],
    ['n={}', undefined, 'n', true, {}],
  ])('%s', (text, contextPath, name, isWhole, properties) => {
    const override = parseOverrideString(text);
    expect(override).toMatchObject({ contextPath, name, isWhole, text });
    const plain = [...override.properties].map(([key, { type, multiple, values }]) => [
      key,
      [multiple ? `${type}[]` : type, ...values],
    ]);
    expect(Object.fromEntries(plain)).toEqual(properties);
  });

  it.each([
    ['/n/p="v"', 'starts with "/"'],
    ['n/../p="v"', 'has a part'],
    ['[/a]="v"', 'no name'],
    ['[/a]n="v"', 'names no property'],
    ['[/a/../b]n/p="v"', 'context path'],
    ['[]n/p="v"', 'no name'],
    ['n/p:"v"', 'no name'],
    ['n/p', 'no name'],
    ['n/p=', 'no JSON'],
    ['n/p=v', 'no JSON'],
    ['[[/a]]n/p=1', 'no name'],
    ['[a]n/p=1', 'context path'],
    ['n/p=null', 'something other'],
    ['n/p=[1,"a"]', 'something other'],
    ['n/p=[[1]]', 'something other'],
    ['n={"p": {"q": 1}}', 'something other'],
    ['n={"p/q": 1}', 'property name'],
    ['n={"p": 1', 'no JSON'],
    [`n/p="${'x'.repeat(70_000)}"`, 'longer than'],
  ])('%s is refused', (text, problem) => {
    expect(() => parseOverrideString(text)).toThrow(problem);
    expect(() => parseOverrideString(text)).toThrow(expect.objectContaining({ code: 'INVALID_VALUE' }));
  });
});
