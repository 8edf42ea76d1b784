import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeLayers } from '../../repository/overlay/merge.js';
import { layerTrees, outline, toText, type TreeInput } from './layer-tree.js';
import { overlayTree } from './overlay-tree.js';
import { directRead } from './reference-merger.js';

const removed = { 'sling:hideResource': true } as const;
const hideChildren = (...names: string[]) => ({ 'sling:hideChildren': names });
const hideProperties = (...names: string[]) => ({ 'sling:hideProperties': names });
const before = (sibling: string) => ({ 'sling:orderBefore': sibling });

/** One line a rule: its name, the layers base first, what shows. */
const rules: readonly (readonly [string, readonly (TreeInput | undefined)[], TreeInput | undefined])[] = [
  ['nothing anywhere shows nothing', [undefined, undefined], undefined],
  ['one layer shows as it is', [{ p: 1, a: { q: 'x' } }], { p: 1, a: { q: 'x' } }],
  ['an empty layer changes nothing', [{ p: 1, a: { q: 2 } }, {}], { p: 1, a: { q: 2 } }],
  ['an absent layer changes nothing', [{ p: 1 }, undefined, { q: 2 }], { p: 1, q: 2 }],
  ['the upper property wins', [{ p: 1, q: 1 }, { p: 2 }], { p: 2, q: 1 }],
  ['the uppermost of many wins', [{ p: 1 }, { p: 2 }, { p: 3 }], { p: 3 }],
  ['a multi-valued property is replaced, not joined', [{ p: ['a', 'b'] }, { p: ['c'] }], { p: ['c'] }],
  ['nodes merge deep down', [{ a: { b: { p: 1, q: 1 } } }, { a: { b: { p: 2 } } }], { a: { b: { p: 2, q: 1 } } }],

  ['hideResource removes this layer and those below', [{ a: { p: 1 }, b: {} }, { a: { ...removed, p: 2 } }], { b: {} }],
  ['hideResource takes all below with it', [{ a: { b: {} } }, { a: { ...removed, c: {} } }], {}],
  ['layers above hideResource survive', [{ a: { p: 1 } }, { a: removed }, { a: { q: 3 } }], { a: { q: 3 } }],
  ['hideResource written as text counts', [{ a: {} }, { a: { 'sling:hideResource': 'true' } }], {}],
  ['hideResource false hides nothing', [{ a: {} }, { a: { 'sling:hideResource': false } }], { a: {} }],
  ['hideResource on the resource itself', [{ p: 1 }, removed], undefined],

  ['hideProperties: a name hides the underlying one', [{ p: 1, q: 1 }, hideProperties('p')], { q: 1 }],
  ['hideProperties: a name hides the local one too', [{ p: 1 }, { ...hideProperties('p'), p: 2 }], {}],
  [
    'hideProperties: * hides what underlies only',
    [
      { p: 1, q: 1 },
      { ...hideProperties('*'), p: 2 },
    ],
    { p: 2 },
  ],
  ['hideProperties: ! excepts from *', [{ p: 1, q: 1 }, hideProperties('*', '!p')], { p: 1 }],
  [
    'hideProperties: an exception leaves local ones alone',
    [
      { p: 1, q: 1 },
      { ...hideProperties('!p', '*'), r: 2 },
    ],
    { p: 1, r: 2 },
  ],
  [
    'hideProperties: ! alone hides nothing',
    [
      { p: 1, q: 1 },
      { ...hideProperties('!p'), r: 1 },
    ],
    { p: 1, q: 1, r: 1 },
  ],
  ['hideProperties: !! is a literal !', [{ '!p': 1, q: 1 }, hideProperties('!!p')], { q: 1 }],
  ['hideProperties: six ! are three', [{ '!!!p': 1, '!!p': 1 }, hideProperties('!!!!!!p')], { '!!p': 1 }],
  ['hideProperties: three ! except a literal !', [{ '!p': 1, q: 1 }, hideProperties('!!!p', '*')], { '!p': 1 }],
  ['hideProperties: a single value is a list of one', [{ p: 1, q: 1 }, { 'sling:hideProperties': 'p' }], { q: 1 }],
  ['hideProperties: hidden below, set above', [{ p: 1 }, hideProperties('p'), { p: 3 }], { p: 3 }],
  ['the first value decides: hiding', [{ p: 1, q: 1 }, hideProperties('*', 'p', '!q')], {}],
  [
    'the first value decides: excepting',
    [
      { p: 1, q: 1 },
      { ...hideProperties('!p', '*', 'r'), r: 2 },
    ],
    { p: 1, r: 2 },
  ],

  ['hideChildren: a name hides the underlying one', [{ a: {}, b: {} }, hideChildren('a')], { b: {} }],
  ['hideChildren: a name hides the local one too', [{ a: {} }, { ...hideChildren('a'), a: { p: 1 } }], {}],
  [
    'hideChildren: * hides what underlies only',
    [
      { a: { p: 1 }, b: {} },
      { ...hideChildren('*'), a: { q: 2 } },
    ],
    { a: { q: 2 } },
  ],
  [
    'hideChildren: * holds for all below',
    [{ a: { b: { p: 1 } } }, { ...hideChildren('*'), a: { b: { q: 2 } } }],
    { a: { b: { q: 2 } } },
  ],
  [
    'hideChildren: ! excepts from *',
    [
      { a: { p: 1 }, b: {} },
      { ...hideChildren('!a', '*'), a: { q: 2 }, c: {} },
    ],
    { a: { p: 1, q: 2 }, c: {} },
  ],
  ['hideChildren: !! is a literal !', [{ '!a': {}, b: {} }, hideChildren('!!a')], { b: {} }],
  [
    'hideChildren: a hidden child comes back above',
    [{ a: { p: 1 } }, hideChildren('a'), { a: { q: 3 } }],
    { a: { q: 3 } },
  ],
  ['hideChildren does not touch properties', [{ p: 1, a: {} }, hideChildren('p', 'a')], { p: 1 }],
  ['hideProperties does not touch children', [{ a: {} }, hideProperties('a')], { a: {} }],
  [
    'directives of the base hold for the base',
    [{ ...hideChildren('a'), ...hideProperties('p'), p: 1, a: {}, b: {} }],
    { b: {} },
  ],

  [
    'order: base first, then the new ones',
    [
      { a: {}, b: {} },
      { c: {}, d: {} },
    ],
    { a: {}, b: {}, c: {}, d: {} },
  ],
  [
    'order: children of both keep the base order',
    [
      { a: {}, b: {}, c: {} },
      { c: {}, b: {} },
    ],
    { a: {}, b: {}, c: {} },
  ],
  [
    'order: behind a new child they follow the overlay',
    [
      { a: {}, b: {}, c: {} },
      { n: {}, b: {} },
    ],
    { a: {}, c: {}, n: {}, b: {} },
  ],
  [
    'order: SLING-6956',
    [
      { c1: {}, c3: {}, c5: {} },
      { c2: {}, c3: {}, c4: {}, c1: {} },
    ],
    { c5: {}, c2: {}, c3: {}, c4: {}, c1: {} },
  ],
  ['orderBefore moves a new child', [{ a: {}, b: {} }, { n: before('b') }], { a: {}, n: {}, b: {} }],
  ['orderBefore moves a child of both', [{ a: {}, b: {}, c: {} }, { c: before('a') }], { c: {}, a: {}, b: {} }],
  [
    'orderBefore: a substitute takes the place of what it replaces',
    [
      { a: {}, b: {}, c: {} },
      { b: removed, n: before('b') },
    ],
    { a: {}, n: {}, c: {} },
  ],
  ['orderBefore: a missing sibling is ignored', [{ a: {}, b: {} }, { a: before('x') }], { a: {}, b: {} }],
  [
    'orderBefore: itself is ignored',
    [
      { a: {}, b: {} },
      { a: before('a'), n: before('n') },
    ],
    { a: {}, b: {}, n: {} },
  ],
  [
    'orderBefore: several before one keep their order',
    [
      { a: {}, z: {} },
      { m: before('z'), n: before('z') },
    ],
    { a: {}, m: {}, n: {}, z: {} },
  ],
  [
    'orderBefore among many, as Sling orders them',
    [
      { c1: {}, c2: {}, c3: {}, c4: {} },
      { c5: before('c2'), c6: before('c2'), c7: before('c4'), c8: before('c3'), c9: before('c3'), c10: {}, c3: {} },
    ],
    { c1: {}, c5: {}, c6: {}, c2: {}, c8: {}, c9: {}, c7: {}, c4: {}, c10: {}, c3: {} },
  ],
  [
    'directives never show',
    [{ a: { ...before('b'), ...hideProperties('x'), ...hideChildren('y'), 'sling:hideResource': false, p: 1 } }],
    { a: { p: 1 } },
  ],
];

describe('overlay rules (C4)', () => {
  it.each(rules)('%s', (_rule, layers, expected) => {
    expect(outline(mergeLayers(layerTrees(layers)))).toBe(toText(expected));
  });

  it('says which layer a property came from, what it hides, and what is hidden by whom', () => {
    const merged = mergeLayers(
      layerTrees([
        { p: 'libs', q: 1, old: {} },
        { p: 'apps' },
        { p: 'global', ...hideProperties('q'), ...hideChildren('old') },
      ]),
    );
    const p = merged?.properties.get('p');
    expect(p).toMatchObject({ layer: '/conf/global', source: '/conf/global' });
    expect(p?.overrides?.map(({ layer, property }) => [layer, property.values[0]])).toEqual([
      ['/libs', 'libs'],
      ['/apps', 'apps'],
    ]);
    expect(merged?.hidden).toEqual([
      { kind: 'property', name: 'q', by: '/conf/global', of: ['/libs'] },
      { kind: 'child', name: 'old', by: '/conf/global', of: ['/libs'] },
    ]);
    expect(merged?.layers).toEqual(['/libs', '/apps', '/conf/global']);
  });

  it('reads values as their accessor asks for them', () => {
    const merged = mergeLayers(
      layerTrees([{ text: '12', number: 7, flag: true, list: ['a', 'b'], a: { b: { p: 1 } } }]),
    );
    expect(merged?.number('text')).toBe(12);
    expect(merged?.text('number')).toBe('7');
    expect(merged?.boolean('flag')).toBe(true);
    expect(merged?.boolean('text')).toBeUndefined();
    expect(merged?.texts('list')).toEqual(['a', 'b']);
    expect(merged?.descendant('a/b')?.path).toBe('a/b');
    expect(merged?.descendant('a/x/b')).toBeUndefined();
  });

  it('gives every direct read what the listing shows', () => {
    fc.assert(
      fc.property(fc.array(fc.option(overlayTree(3), { nil: undefined }), { maxLength: 4 }), (layers) => {
        expect(outline(mergeLayers(layerTrees(layers)))).toBe(toText(directRead(layers)));
      }),
      { numRuns: 1000 },
    );
  });

  it('folds: the result of some layers is the base for the rest, and an empty layer changes nothing', () => {
    fc.assert(
      fc.property(fc.array(overlayTree(3), { minLength: 1, maxLength: 4 }), fc.nat(4), (layers, at) => {
        const withEmpty = [...layers.slice(0, at), undefined, ...layers.slice(at)];
        expect(outline(mergeLayers(layerTrees(withEmpty)))).toBe(outline(mergeLayers(layerTrees(layers))));
      }),
    );
  });
});
