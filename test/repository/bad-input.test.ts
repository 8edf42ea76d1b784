/** What callers get wrong: a clear code that names the item, nothing changed, and the session goes on as before. */
import { describe, expect, it } from 'vitest';
import type { Session } from '../../repository/api.js';
import type { PropertyInput } from '../../repository/value.js';
import { backends, collect, openFor, sessionOf } from './world.js';

type Attempt = (session: Session) => Promise<unknown>;

/** What TypeScript would refuse, and JavaScript or JSON may bring all the same. */
function untyped(value: unknown): PropertyInput {
  return value as PropertyInput;
}

const bytes = (text: string) => Buffer.byteLength(text);
const sha256 = 'a'.repeat(64);

const badNames: [string, string][] = [
  ['a slash at the end', 'a/'],
  ['an empty segment', 'a//b'],
  ['nothing', ''],
  ['a dot segment', '.'],
  ['a double dot segment', '..'],
  ['a dot segment inside', 'kept/../b'],
  ['U+0000', 'a\u0000b'],
  ['a line feed', 'a\nb'],
  ['a tab', 'a\tb'],
  ['U+001F', 'a\u001f'],
  ['U+007F', 'a\u007f'],
  ['a lone high surrogate', 'a\ud800'],
  ['a lone low surrogate', '\udc00a'],
  ['surrogates in the wrong order', '\udc00\ud800'],
  ['a blank in front', ' a'],
  ['a blank behind', 'a '],
  ['a blank alone', ' '],
  ['an index', 'a[2]'],
  ['a bar', 'a|b'],
  ['a star', 'a*'],
  ['an empty prefix', ':a'],
  ['an empty local part', 'a:'],
  ['two colons', 'a:b:c'],
  ['256 bytes', 'x'.repeat(256)],
  ['256 bytes in two-byte characters', 'ü'.repeat(128)],
  ['257 bytes in three-byte characters', `${'€'.repeat(85)}xx`],
  ['256 bytes in four-byte characters', '😀'.repeat(64)],
];

const goodNames = [
  'x'.repeat(255),
  `${'ü'.repeat(127)}x`,
  '€'.repeat(85),
  `${'😀'.repeat(63)}xxx`,
  'a b',
  '...',
  '.hidden',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'e\u0301 and é',
  '\ufffd\uffff',
];

const badValues: [string, PropertyInput][] = [
  ['null inside a list', untyped([null])],
  ['undefined', untyped(undefined)],
  ['an object', untyped({ a: 1 })],
  ['a function', untyped(() => 1)],
  ['a list in a list', untyped([['a']])],
  ['a list of several types', untyped(['a', 1n, new Date(Number.NaN)])],
  ['a type that is none', untyped({ type: 'Text', multiple: false, values: ['a'] })],
  ['a single value that is two', { type: 'String', multiple: false, values: ['a', 'b'] }],
  ['a single value that is none', { type: 'String', multiple: false, values: [] }],
  ['values that are no list', untyped({ type: 'String', multiple: true, values: 'ab' })],
  ['a lone surrogate', 'a\ud800'],
  ['an invalid Date', new Date(Number.NaN)],
  ['a Date after the year 9999', new Date(8.64e15)],
  ['a Date before the year 0', new Date(-8.64e15)],
  ['a day the calendar does not have', { type: 'Date', multiple: false, values: ['2023-02-29T00:00:00Z'] }],
  ['a month 13', { type: 'Date', multiple: false, values: ['2023-13-01T00:00:00Z'] }],
  ['an hour 24', { type: 'Date', multiple: false, values: ['2023-01-01T24:00:00Z'] }],
  ['a date without a time zone', { type: 'Date', multiple: false, values: ['2023-01-01T00:00:00'] }],
  ['2^63 as a Long', 2n ** 63n],
  ['-2^63 - 1 as a Long', -(2n ** 63n) - 1n],
  ['2^63 as the text of a Long', { type: 'Long', multiple: false, values: ['9223372036854775808'] }],
  ['a fraction as a Long', { type: 'Long', multiple: false, values: [1.5] }],
  ['NaN as a Long', { type: 'Long', multiple: false, values: [Number.NaN] }],
  ['a number beyond 2^53 as a Long', { type: 'Long', multiple: false, values: [2 ** 60] }],
  ['words as a Double', { type: 'Double', multiple: false, values: ['one'] }],
  ['NaN as a Decimal', { type: 'Decimal', multiple: false, values: ['NaN'] }],
  ['"yes" as a Boolean', { type: 'Boolean', multiple: false, values: ['yes'] }],
  ['a slash in a Name', { type: 'Name', multiple: false, values: ['a/b'] }],
  ['an empty segment in a Path', { type: 'Path', multiple: false, values: ['/a//b'] }],
  ['a blank in a Reference', { type: 'Reference', multiple: false, values: ['a b'] }],
  ['an empty WeakReference', { type: 'WeakReference', multiple: false, values: [''] }],
  ['a line feed in a URI', { type: 'URI', multiple: false, values: ['http://a/\nb'] }],
  ['text as a Binary', { type: 'Binary', multiple: false, values: ['bytes'] }],
  ['a Binary without a hash', { sha256: 'abc', size: 1, crc32: 1 }],
  ['a Binary whose hash leads out of the folder', { sha256: `../../${'a'.repeat(58)}`, size: 1, crc32: 1 }],
  ['a Binary of negative size', { sha256, size: -1, crc32: 1 }],
  ['a Binary of half a byte', { sha256, size: 0.5, crc32: 1 }],
  ['a Binary with a CRC beyond 32 bits', { sha256, size: 1, crc32: 2 ** 32 }],
  ['a Binary whose inline bytes are others', { sha256, size: 1, crc32: 1, inline: 'QQ==' }],
];

describe.each(Object.entries(backends))('bad input on %s', (_name, open) => {
  /** The attempt fails with the code, the session and the store are as before, and the session still works. */
  const refused = async (attempt: Attempt, code: string, setUp?: Attempt): Promise<Error> => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    await session.addNode('/kept', { properties: { a: 1 } });
    await setUp?.(session);
    await session.save();
    const before = await contentOf(session);
    const error: unknown = await attempt(session).then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ name: 'RepositoryError', code });
    // eslint-disable-next-line no-control-regex
    expect((error as Error).message).not.toMatch(/[\u0000-\u001f\u007f]/);
    expect(await contentOf(await sessionOf(repository)), 'nothing is saved').toEqual(before);
    await session.refresh();
    expect(await contentOf(session), 'nothing is lost').toEqual(before);
    await session.setProperties('/kept', { a: 2 });
    await session.save();
    expect((await (await sessionOf(repository)).getNode('/kept')).number('a')).toBe(2);
    return error as Error;
  };

  it.each(badNames)('a path with %s is INVALID_PATH', async (_case, name) => {
    await refused((session) => session.addNode(`/kept/${name}`), 'INVALID_PATH');
  });

  it.each(badNames.filter(([, name]) => name !== ''))(
    'a path with %s is INVALID_PATH for every method',
    async (_case, name) => {
      const session = await sessionOf(await openFor(open));
      await session.addNode('/kept');
      const path = `/${name}`;
      const attempts: Attempt[] = [
        (s) => s.findNode(path),
        (s) => s.getNode(path),
        (s) => s.ensureNode(path),
        (s) => s.setProperties(path, { a: 1 }),
        (s) => s.remove(path),
        (s) => s.move('/kept', path),
        (s) => s.move(path, '/moved'),
        (s) => s.orderBefore(path, undefined),
        (s) => s.hasPrivileges(path, 'jcr:read'),
        (s) => collect(s.children(path)),
        (s) => collect(s.descendants(path)),
      ];
      for (const attempt of attempts) await expect(attempt(session)).rejects.toMatchObject({ code: 'INVALID_PATH' });
      expect((await collect(session.children('/'))).map(({ name: child }) => child)).toEqual([
        'home',
        'oak:index',
        'kept',
      ]);
    },
  );

  it.each(badNames)('a property named with %s is INVALID_PATH', async (_case, name) => {
    await refused((session) => session.setProperties('/kept', { [name]: 1 }), 'INVALID_PATH');
    await refused((session) => session.addNode('/new', { properties: { [name]: 1 } }), 'INVALID_PATH');
  });

  it.each(badValues)('the value %s is INVALID_VALUE', async (_case, value) => {
    const error = await refused((session) => session.setProperties('/kept', { wrong: value }), 'INVALID_VALUE');
    expect(error.message).toContain('/kept/wrong');
    await refused((session) => session.addNode('/new', { properties: { wrong: value } }), 'INVALID_VALUE');
  });

  it('null is no value for a new node', async () => {
    await refused((session) => session.addNode('/new', { properties: { a: untyped(null) } }), 'INVALID_VALUE');
  });

  it('takes every name the grammar has, for nodes and properties, and keeps them apart', async () => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    // Two forms of one letter are two names: nothing is normalised.
    const names = [...goodNames, 'e\u0301', '\u00e9'];
    await session.addNode('/names', { properties: Object.fromEntries(names.map((name, index) => [name, index])) });
    for (const name of names) await session.addNode(`/names/${name}`);
    await session.save();
    const check = await sessionOf(repository);
    const node = await check.getNode('/names');
    expect(names.map((name) => node.number(name))).toEqual(names.map((_name, index) => index));
    expect((await collect(check.children('/names'))).map(({ name }) => name)).toEqual(names);
    expect(Object.prototype).not.toHaveProperty('names');
  });

  it('takes a path of 2,048 bytes and refuses one of 2,049', async () => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    const folder = '/€'.repeat(500);
    const longest = `${folder}/${'x'.repeat(2047 - bytes(folder))}`;
    expect(bytes(longest)).toBe(2048);
    await session.ensureNode(longest);
    await expect(session.ensureNode(`${longest}x`)).rejects.toMatchObject({
      code: 'INVALID_PATH',
      message: expect.stringContaining('2048') as string,
    });
    await session.save();
    const check = await sessionOf(repository);
    expect((await check.getNode(longest)).name).toBe(longest.slice(folder.length + 1));
    expect((await collect(check.descendants('/€'))).length).toBe(500);
  });

  it('keeps a tree as deep as paths can be, and refuses to make it deeper, also by a move', async () => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    await session.ensureNode('/d'.repeat(1024));
    await session.addNode('/longer-than-d');
    await session.save();
    await expect(session.ensureNode('/d'.repeat(2000))).rejects.toMatchObject({ code: 'INVALID_PATH' });
    await expect(session.move('/d/d', '/longer-than-d/d')).rejects.toMatchObject({ code: 'INVALID_PATH' });
    expect(session.hasPendingChanges, 'a move that fails changes nothing').toBe(false);
    expect((await collect(session.descendants('/d'))).length).toBe(1023);
    await session.move('/d/d', '/e');
    await session.save();
    expect((await collect((await sessionOf(repository)).descendants('/e'))).length).toBe(1022);
    await session.remove('/e');
    await session.save();
    expect(await collect((await sessionOf(repository)).descendants('/d'))).toEqual([]);
  });

  it.each<[string, Attempt, string]>([
    ['a move into itself', (s) => s.move('/kept', '/kept/below'), 'CONSTRAINT_VIOLATION'],
    ['a move far into itself', (s) => s.move('/kept', '/kept/a/b'), 'CONSTRAINT_VIOLATION'],
    ['a move onto itself', (s) => s.move('/kept', '/kept'), 'ITEM_EXISTS'],
    ['a move of the root', (s) => s.move('/', '/kept/root'), 'CONSTRAINT_VIOLATION'],
    ['a move onto the root', (s) => s.move('/kept', '/'), 'ITEM_EXISTS'],
    ['a move to where there is no parent', (s) => s.move('/kept', '/none/kept'), 'PATH_NOT_FOUND'],
    ['removing the root', (s) => s.remove('/'), 'CONSTRAINT_VIOLATION'],
    ['adding the root', (s) => s.addNode('/'), 'ITEM_EXISTS'],
    ['ordering before no sibling', (s) => s.orderBefore('/kept', 'none'), 'PATH_NOT_FOUND'],
    ['ordering before a child of a sibling', (s) => s.orderBefore('/kept', 'home/users'), 'INVALID_PATH'],
    ['a primary type that is no name', (s) => s.addNode('/new', { primaryType: 'a/b' }), 'INVALID_VALUE'],
    ['a mixin that is no name', (s) => s.addNode('/new', { mixins: [''] }), 'INVALID_VALUE'],
    ['an unknown privilege', (s) => s.hasPrivileges('/kept', 'jcr:reed' as never), 'INVALID_VALUE'],
    ['an unknown blob to read', (s) => s.readBinary({ sha256, size: 5, crc32: 1 }), 'BLOB_MISSING'],
  ])('%s fails', async (_case, attempt, code) => {
    await refused(attempt, code);
  });

  it.each<[string, PropertyInput]>([
    ['U+0000', 'a\u0000b'],
    ['a blank', 'a b'],
    ['nothing', ''],
    ['256 bytes', 'x'.repeat(256)],
    ['two values', ['a', 'b']],
    ['a binary', { type: 'Binary', multiple: true, values: [] }],
  ])('an identifier that is %s is INVALID_VALUE', async (_case, identifier) => {
    await refused(
      (session) => session.addNode('/new', { mixins: ['mix:referenceable'], properties: { 'jcr:uuid': identifier } }),
      'INVALID_VALUE',
    );
  });

  it.each<[string, Attempt, string]>([
    [
      'a Reference to nothing',
      (s) => s.setProperties('/kept', { to: { type: 'Reference', multiple: false, values: ['nobody'] } }),
      'CONSTRAINT_VIOLATION',
    ],
    [
      'a Reference to nothing among others',
      async (s) => {
        const { identifier } = await s.getNode('/kept');
        await s.addNode('/new', {
          properties: { to: { type: 'Reference', multiple: true, values: [identifier, 'nobody'] } },
        });
      },
      'CONSTRAINT_VIOLATION',
    ],
    ['an unknown blob', (s) => s.setProperties('/kept', { data: { sha256, size: 5, crc32: 1 } }), 'BLOB_MISSING'],
    [
      'a blob said to be shorter',
      async (s) => s.setProperties('/kept', { data: { ...(await s.createBinary(Buffer.alloc(9000, 1))), size: 8999 } }),
      'INVALID_VALUE',
    ],
    [
      'a blob said to be longer',
      async (s) => s.setProperties('/kept', { data: { ...(await s.createBinary(Buffer.alloc(9000, 1))), size: 9001 } }),
      'INVALID_VALUE',
    ],
    [
      'a primary type that is abstract',
      (s) => s.addNode('/new', { primaryType: 'nt:hierarchyNode' }),
      'CONSTRAINT_VIOLATION',
    ],
    ['a primary type that is a mixin', (s) => s.addNode('/new', { primaryType: 'mix:title' }), 'CONSTRAINT_VIOLATION'],
    ['a mixin that is none', (s) => s.addNode('/new', { mixins: ['nt:file'] }), 'CONSTRAINT_VIOLATION'],
  ])('%s is refused at save, with all that was to be saved beside it', async (_case, change, code) => {
    await refused(async (session) => {
      await session.addNode('/beside');
      await change(session);
      await session.save();
    }, code);
  });

  it('keeps 10,000 properties on one node', async () => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    const properties = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`p${index}`, index]));
    await session.addNode('/many', { properties });
    await session.save();
    await session.setProperties('/many', { p5000: null, p9999: 'last' });
    await session.save();
    const node = await (await sessionOf(repository)).getNode('/many');
    // 9,999 and jcr:primaryType.
    expect(node.properties.size).toBe(10_000);
    expect([node.number('p4999'), node.text('p5000'), node.text('p9999')]).toEqual([4999, undefined, 'last']);
  });
});

async function contentOf(session: Session): Promise<unknown[]> {
  return (await collect(session.descendants('/'))).map(({ path, properties, version }) => [path, version, properties]);
}
