import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inlineBinary, propertiesEqual, toProperty } from '../../repository/convert-value.js';
import { decodeRecord, encodeRecord } from '../../repository/record.js';
import type { PropertyInput, PropertyType, Value } from '../../repository/value.js';

const single = (type: PropertyType, value: Value) =>
  toProperty('/p', { type, multiple: false, values: [value] }).values[0];

describe('plain values choose their type', () => {
  it.each<[PropertyInput, PropertyType, boolean, Value[]]>([
    ['text', 'String', false, ['text']],
    ['', 'String', false, ['']],
    [3, 'Long', false, [3]],
    [2 ** 53 - 1, 'Long', false, [2 ** 53 - 1]],
    [2n ** 53n, 'Long', false, [2n ** 53n]],
    [5n, 'Long', false, [5]],
    [0.5, 'Double', false, [0.5]],
    [2 ** 53, 'Double', false, [2 ** 53]],
    [-0, 'Double', false, [-0]],
    [Number.NaN, 'Double', false, [Number.NaN]],
    [true, 'Boolean', false, [true]],
    [new Date(0), 'Date', false, ['1970-01-01T00:00:00.000Z']],
    [['a', 'b'], 'String', true, ['a', 'b']],
    [[], 'String', true, []],
    [[1, 2], 'Long', true, [1, 2]],
    [[1, 2.5], 'Double', true, [1, 2.5]],
    [[1.5, 2], 'Double', true, [1.5, 2]],
  ])('%s is %s', (input, type, multiple, values) => {
    expect(toProperty('/p', input)).toEqual({ type, multiple, values });
  });

  it('and refuse what does not belong together or is no value', () => {
    const code = 'INVALID_VALUE';
    const refused = (input: unknown) => () => toProperty('/a/p', input as PropertyInput);
    for (const input of [[1, 'a'], ['a', inlineBinary(Buffer.from('x'))], new Date(Number.NaN), undefined, '\ud800']) {
      expect(refused(input)).toThrow(expect.objectContaining({ code, paths: ['/a/p'] }) as Error);
    }
    expect(refused({ type: 'String', multiple: false, values: [] })).toThrow('single but has 0 values');
  });
});

describe('conversions (JCR 2.0, section 3.6.4)', () => {
  it.each<[PropertyType, Value, Value]>([
    ['Long', '42', 42],
    ['Long', '-9223372036854775808', -(2n ** 63n)],
    ['Double', '1.5e3', 1500],
    ['Double', 'NaN', Number.NaN],
    ['Decimal', '1.50', '1.50'],
    ['Decimal', 3, '3'],
    ['Boolean', 'true', true],
    ['String', 12, '12'],
    ['Name', 'jcr:title', 'jcr:title'],
    ['Path', '/a/b', '/a/b'],
    ['Path', '../b/./c', '../b/./c'],
    ['URI', 'https://example.com/a?b=c', 'https://example.com/a?b=c'],
  ])('%s takes %s', (type, given, expected) => {
    expect(single(type, given)).toEqual(expected);
  });

  it.each<[PropertyType, Value]>([
    ['Long', '4.5'],
    ['Long', 4.5],
    ['Long', '9223372036854775808'],
    ['Long', ''],
    ['Double', 'one'],
    ['Decimal', 'NaN'],
    ['Boolean', 'yes'],
    ['Boolean', 1],
    ['Name', 'a/b'],
    ['Path', 'a//b'],
    ['Reference', ''],
    ['URI', 'no blanks allowed'],
    ['Binary', 'text'],
  ])('%s refuses %j', (type, given) => {
    expect(() => single(type, given)).toThrow(expect.objectContaining({ code: 'INVALID_VALUE' }) as Error);
  });
});

describe('dates', () => {
  it.each([
    ['2022-08-12T17:03:04.195Z', '2022-08-12T17:03:04.195Z'],
    ['2022-08-12T17:03:04.195+02:00', '2022-08-12T17:03:04.195+02:00'],
    ['2022-08-12T17:03:04.195-0530', '2022-08-12T17:03:04.195-05:30'],
    ['2022-08-12T17:03:04+00:00', '2022-08-12T17:03:04.000Z'],
    ['2022-08-12T17:03Z', '2022-08-12T17:03:00.000Z'],
    ['2022-08-12T17:03:04.1239999Z', '2022-08-12T17:03:04.123Z'],
    ['2024-02-29T00:00:00.000Z', '2024-02-29T00:00:00.000Z'],
    ['0000-02-29T00:00:00.000Z', '0000-02-29T00:00:00.000Z'],
  ])('%s are kept as %s', (given, expected) => {
    expect(single('Date', given)).toBe(expected);
  });

  it.each([
    '2022-02-29T00:00:00.000Z',
    '1900-02-29T00:00:00.000Z',
    '2022-13-01T00:00:00.000Z',
    '2022-00-10T00:00:00.000Z',
    '2022-01-00T00:00:00.000Z',
    '2022-01-01T24:00:00.000Z',
    '2022-01-01T00:60:00.000Z',
    '2022-01-01T00:00:00.000',
    '2022-01-01T00:00:00.000+25:00',
    '2022-01-01',
    'yesterday',
    '',
  ])('%j are refused', (given) => {
    expect(() => single('Date', given)).toThrow(expect.objectContaining({ code: 'INVALID_VALUE' }) as Error);
  });

  it('name the same moment before and after, in the same offset', () => {
    const offset = fc.tuple(
      fc.constantFrom('+', '-'),
      fc.integer({ min: 0, max: 14 }),
      fc.constantFrom('00', '30', '45'),
    );
    fc.assert(
      fc.property(
        fc.date({ min: new Date('1000-01-01'), max: new Date('9000-01-01'), noInvalidDate: true }),
        offset,
        (date, [sign, hours, minutes]) => {
          const given = `${date.toISOString().slice(0, -1)}${sign}${String(hours).padStart(2, '0')}:${minutes}`;
          const kept = single('Date', given) as string;
          expect(Date.parse(kept)).toBe(Date.parse(given));
          expect(single('Date', kept)).toBe(kept);
        },
      ),
    );
  });
});

describe('records', () => {
  const value: fc.Arbitrary<PropertyInput> = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', '\u0000', '\u001f', '\u007f', '\u2028', '😀') }),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.double(),
    fc.boolean(),
    fc.uint8Array({ maxLength: 20 }).map(inlineBinary),
    fc.array(fc.string({ unit: 'grapheme' })),
    fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    fc.array(fc.double()),
    fc.array(fc.boolean()),
    fc.constantFrom('Infinity', 'NaN', '-0', 'Long', 'String[]'),
  );

  it('hold every property as it was given', () => {
    const name = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('__proto__', 'constructor', '0', 'jcr:data'));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), fc.option(fc.string(), { nil: undefined }), (given, position) => {
        const properties = new Map(given.map(([key, input]) => [key, toProperty(key, input)]));
        const decoded = decodeRecord('/a', encodeRecord({ identifier: 'id', position, properties }));
        expect(decoded.identifier).toBe('id');
        expect(decoded.position).toBe(position);
        expect([...decoded.properties.keys()].toSorted()).toEqual([...properties.keys()].toSorted());
        for (const [key, property] of properties) {
          expect(propertiesEqual(decoded.properties.get(key), property), key).toBe(true);
        }
      }),
    );
  });

  it.each(['', 'not json', '{}', '{"i":"x"}'])('that do not parse are STORE_CORRUPT, naming the node: %j', (text) => {
    expect(() => decodeRecord('/a', text)).toThrow(
      expect.objectContaining({ code: 'STORE_CORRUPT', paths: ['/a'] }) as Error,
    );
  });
});
