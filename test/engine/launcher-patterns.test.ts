import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareProperty, parseCondition } from '../../engine/launchers/condition.js';
import { compileExpression } from '../../engine/launchers/linear-expression.js';
import { parsePathPattern } from '../../engine/launchers/path-pattern.js';
import type { Property } from '../../repository/value.js';

/** Expressions over a small alphabet, so that random texts match often. */
const expressions = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom('a', 'b', '/', '.', '[ab]', '[^a]', '[a-b/]', '\\.', '\\w', '\\W', '^', '$', ''),
    fc.tuple(tie('any'), tie('any')).map(([a, b]) => a + b),
    fc.tuple(tie('any'), tie('any')).map(([a, b]) => `(${a}|${b})`),
    fc.tuple(tie('any'), fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{1,}', '*?')).map(([a, r]) => `(?:${a})${r}`),
    tie('any').map((a) => `(?=${a})`),
    tie('any').map((a) => `(?!${a})`),
    tie('any').map((a) => `(?:(?!${a}).)*`),
  ),
})).any;

describe('regular expressions in linear time', () => {
  it('match what JavaScript’s match', () => {
    fc.assert(
      fc.property(
        expressions,
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '/', '.'), maxLength: 8 })),
        (source, texts) => {
          const ours = compileExpression(source);
          const theirs = new RegExp(`^(?:${source})$`, 'su');
          for (const text of texts) expect(ours.test(text), `${source} on ${text}`).toBe(theirs.test(text));
        },
      ),
      { numRuns: 3000 },
    );
  });

  it.each(['(a+)+$', '(a|a)*b', '(a*)*(a*)*(a*)*b', '(.*a){20}b', '(?=(a+)+b)a*', '((?!(a*)*b).)*c'])(
    'end on a path that lets others try for ever: %s',
    (source) => {
      expect(compileExpression(source).test('a'.repeat(2000))).toBe(source === '(a+)+$');
    },
  );

  it('take the expressions of AEM’s launchers', () => {
    const original = compileExpression('/content/dam(/((?!/subassets|/renditions).)*/)renditions/original');
    expect(original.test('/content/dam/a/b.jpg/jcr:content/renditions/original')).toBe(true);
    expect(original.test('/content/dam/a/subassets/b.jpg/jcr:content/renditions/original')).toBe(false);
    expect(original.test('/content/dam/a/b.jpg/jcr:content/renditions/web')).toBe(false);
  });

  it.each([
    ['/a(b', 'at character 4: "(" has no ")"'],
    ['/a)b', 'at character 3: ")" has no "("'],
    ['/[ab', 'at character 3: "[" has no "]"'],
    ['*a', 'at character 1: "*" repeats nothing'],
    ['a{3,1}', 'has its bounds the wrong way round'],
    ['(a)\\1', '"\\1" is not supported'],
    ['(?<=a)b', 'only (?:, (?= and (?! are supported'],
    ['a++', 'possessive repeats are not supported'],
    ['((a{90}){90}){90}', 'is too large once its repeats are written out'],
    ['a'.repeat(1001), 'has 1001 characters, more than 1000'],
  ])('refuse %s', (source, problem) => {
    expect(() => compileExpression(source)).toThrow(problem);
  });
});

describe('parsePathPattern', () => {
  it.each([
    ['/content/dam', ['/content/dam', '/content/dam/a/b'], ['/content/dam2', '/content']],
    ['/', ['/', '/a'], []],
    ['/content/dam/*', ['/content/dam/a'], ['/content/dam', '/content/dam/a/b']],
    ['/content/*.jpg', ['/content/a.jpg'], ['/content/a/b.jpg', '/content/ajpg']],
    ['/content/**', ['/content/a', '/content/a/b'], ['/content', '/contents/a']],
    ['/content/**/original', ['/content/original', '/content/a/b/original'], ['/content/a/originals']],
    ['/content/dam(/.*)?/x', ['/content/dam/x', '/content/dam/a/x'], ['/content/damx']],
  ])('%s', (source, matching, others) => {
    const pattern = parsePathPattern(source);
    expect(matching.filter((path) => !pattern.matches(path))).toEqual([]);
    expect(others.filter((path) => pattern.matches(path))).toEqual([]);
  });

  it('knows a folder below which all lies that matches', () => {
    const bases = ['/a/b', '/a/b*', '/a/**/c', '^/a/b/(c|d)', '/a/b(/.*)', '/a/bc?d.*', '.*'].map((source) => [
      source,
      parsePathPattern(source).base,
    ]);
    expect(Object.fromEntries(bases)).toEqual({
      '/a/b': '/a/b',
      '/a/b*': '/a',
      '/a/**/c': '/a',
      '^/a/b/(c|d)': '/',
      '/a/b(/.*)': '/a',
      '/a/bc?d.*': '/a',
      '.*': '/',
    });
  });
});

describe('conditions', () => {
  const held = (type: Property['type'], ...values: Property['values']): Property => ({ type, multiple: true, values });
  it.each([
    ['x==image/jpeg', held('String', 'image/png', 'image/jpeg'), true],
    ['x==image/jpeg', held('String', 'image/png'), false],
    ['x!=image/jpeg', held('String', 'image/png', 'image/jpeg'), false],
    ['x!=image/jpeg', undefined, true],
    ['x==', held('String', ''), true],
    ['x', held('String'), true],
    ['x', undefined, false],
    ['x >= 10', held('Long', 9), false],
    ['x >= 10', held('Long', 10), true],
    ['x>10', held('Decimal', '9.5'), false],
    ['x==many', held('Long', 1), false],
    ['x<2024-01-01', held('Date', '2023-12-31T23:59:59.000Z'), true],
    ['x<2024-01-01T00:00:00+02:00', held('Date', '2023-12-31T23:00:00.000Z'), false],
    ['x==TRUE', held('Boolean', true), true],
  ])('%s of %o', (source, property, expected) => {
    const condition = parseCondition(source);
    expect('problem' in condition ? condition.problem : compareProperty(property, condition)).toBe(expected);
  });

  it('name a property by its way from the node', () => {
    expect(parseCondition('../jcr:content/jcr:mimeType == a=b')).toMatchObject({
      node: '../jcr:content',
      property: 'jcr:mimeType',
      value: 'a=b',
    });
    for (const wrong of ['==x', '/a==x', 'a/==x', 'a=x', 'a[1]==x'])
      expect(parseCondition(wrong)).toHaveProperty('problem');
  });
});
