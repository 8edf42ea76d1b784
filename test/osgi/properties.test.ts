import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseProperties } from '../../repository/osgi/parse-properties.js';
import { someProperties } from './some-properties.js';

const parse = (text: string) => [...parseProperties(text, 'a.cfg')].map(({ name, values: [value] }) => [name, value]);

describe('.cfg and .properties files', () => {
  it('read back what java.util.Properties.store writes', () => {
    const escaped = (text: string) =>
      text
        .replaceAll(/[\\=:#! \t\n\r\f]/g, (c) => `\\${{ '\t': 't', '\n': 'n', '\r': 'r', '\f': 'f' }[c] ?? c}`)
        .replaceAll(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
    fc.assert(
      fc.property(someProperties, (properties) => {
        const pairs = properties.map(({ name, values }) => [name, values.join()] as const);
        const text = pairs.map(([name, value]) => `${escaped(name)}=${escaped(value)}\n`).join('');
        expect(parse(text)).toEqual(pairs);
      }),
    );
  });

  it('take every separator, comments and lines that go on', () => {
    const text = '# a\n! b\n  a = 1 \nb:2\nc 3\nd\ne=x, \\\n   y\\\\\nf=\\u00e9\r\n';
    expect(parse(text)).toEqual([
      ['a', '1 '],
      ['b', '2'],
      ['c', '3'],
      ['d', ''],
      ['e', 'x, y\\'],
      ['f', 'é'],
    ]);
  });

  it.each([
    ['a wrong escape', 'a=1\nb=\\u12', 'a.cfg:2: "\\u" needs four hexadecimal digits'],
    ['the same name twice', 'a=1\na=2', 'a.cfg:2: "a" stands on line 1 already'],
    ['XML', '<?xml version="1.0"?>', 'a.cfg:1:1: properties in XML are not read'],
  ])('refuse %s and say where', (_what, text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});
