import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OsgiProperties, type OsgiValue } from '../../repository/osgi/configuration.js';
import { parseConfigurationJson } from '../../repository/osgi/parse-configuration-json.js';
import { writeConfigurationJson } from '../../repository/osgi/write-configuration-json.js';
import { someProperties, type Written } from './some-properties.js';

const parse = (text: string) => [...parseConfigurationJson(text, 'a.cfg.json')];

/** Every type written out, and a comment wherever one may stand. */
function writeJson(properties: readonly Written[]): string {
  const scalar = (type: Written['type'], value: OsgiValue) =>
    typeof value === 'bigint' || Number.isFinite(value)
      ? Object.is(value, -0)
        ? '-0.0'
        : String(value)
      : typeof value === 'boolean'
        ? String(value)
        : JSON.stringify(String(value));
  const members = properties.map(({ name, type, shape, values }) => {
    const declared = { scalar: type, array: `${type}[]`, collection: `Collection<${type}>` }[shape];
    const list = values.map((value) => scalar(type, value)).join('/* "," */,');
    const value = shape === 'scalar' ? list : `[${list}]`;
    return `  /* "a": 1, // */ ${JSON.stringify(`${name}:${declared}`)}: ${value}`;
  });
  return `// {\n{\n${members.join(',\n')}\n}\n`;
}

describe('.cfg.json files', () => {
  it('read back every type, between comments', () => {
    fc.assert(
      fc.property(someProperties, (properties) => {
        const read = parse(writeJson(properties)).map(({ line: _line, ...property }) => property);
        expect(read).toEqual(properties);
      }),
    );
  });

  it('are what the last good version of a node is written as', () => {
    fc.assert(
      fc.property(someProperties, (properties) => {
        const written = new OsgiProperties();
        for (const [line, property] of properties.entries()) written.add({ ...property, line });
        const read = parse(writeConfigurationJson(written)).map(({ line: _line, ...property }) => property);
        expect(read).toEqual(properties);
      }),
    );
  });

  it.each([
    ['text', '{"a": "// no comment"}', { type: 'String', shape: 'scalar', values: ['// no comment'] }],
    ['a whole number', '{"a": 5}', { type: 'Long', values: [5] }],
    ['a whole number beyond 2^53', '{"a": 9007199254740993}', { type: 'Long', values: [9_007_199_254_740_993n] }],
    ['another number', '{"a": 5.0}', { type: 'Double', values: [5] }],
    ['a list', '{"a": ["x", "y"]}', { type: 'String', shape: 'array', values: ['x', 'y'] }],
    ['a list of numbers of both kinds', '{"a": [1, 2.5]}', { type: 'Double', values: [1, 2.5] }],
    ['an empty list', '{"a": []}', { type: 'String', shape: 'array', values: [] }],
    ['a primitive type', '{"a:int": "7"}', { type: 'Integer', values: [7] }],
    ['one value for a declared list', '{"a:String[]": "x"}', { type: 'String', shape: 'array', values: ['x'] }],
    ['a collection whose values say the type', '{"a:Collection": [true]}', { type: 'Boolean', shape: 'collection' }],
    ['an object as its text', '{"a": {"b": [1]}}', { type: 'String', values: ['{"b":[1]}'] }],
  ])('read %s', (_what, text, expected) => {
    expect(parse(text)).toMatchObject([{ name: 'a', line: 1, ...expected }]);
  });

  it('leave out what is null, and what is meant for the reader', () => {
    expect(parse('{":configurator:feature-x": 1, "a": null}')).toEqual([]);
  });

  it.each([
    ['no JSON', '{\n  "a" 1}', 'a.cfg.json:2:7: has "1" where ":" after "a"'],
    ['no object', '[]', 'a.cfg.json:1: the document is no object'],
    ['an unknown type', '{\n"a:Number": 1}', 'a.cfg.json:2: "a:Number" has an unknown type'],
    ['a value of another type', '{"a:Integer": "many"}', 'the value of "a" is no Integer'],
    ['a number that is not whole', '{"a:Integer": 1.5}', 'the value of "a" is no Integer: "1.5"'],
    ['a number out of range', '{"a:Byte": 128}', 'is no Byte'],
    ['a list for one value', '{"a:Integer": [1, 2]}', 'is a list; write "a:Integer[]"'],
    ['a list of different types', '{"a": [1, "x"]}', 'is a list of different types'],
    ['names that differ in case only', '{"a": 1,\n"A": 2}', 'a.cfg.json:2: "A" stands on line 1 already'],
    ['a prototype', '{"a:constructor": 1}', 'has an unknown type'],
  ])('refuse %s and say where', (_what, text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});
