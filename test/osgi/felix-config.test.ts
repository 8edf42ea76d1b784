import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OsgiProperty } from '../../repository/osgi/configuration.js';
import { parseFelixConfig } from '../../repository/osgi/parse-felix-config.js';
import { someProperties, type Written } from './some-properties.js';

const parse = (text: string) => [...parseFelixConfig(text, 'a.config')];
const value = (text: string) => parse(`p=${text}`)[0];

/** As Felix's ConfigurationHandler writes: type codes, real numbers as bits, one element a line, CRLF. */
function writeAsFelix(properties: readonly Written[]): string {
  const quoted = (text: string) =>
    text.replaceAll(/[\\" =\b\t\n\f\r]|[^ -\uffff]/g, (c) => {
      const letter = { '\b': 'b', '\t': 't', '\n': 'n', '\f': 'f', '\r': 'r' }[c];
      if (letter !== undefined) return `\\${letter}`;
      return c < ' ' ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` : `\\${c}`;
    });
  const codes = {
    String: '',
    Integer: 'I',
    Long: 'L',
    Float: 'F',
    Double: 'D',
    Byte: 'X',
    Short: 'S',
    Character: 'C',
    Boolean: 'B',
  };
  const simple = (type: OsgiProperty['type'], one: unknown) => {
    const bytes = Buffer.alloc(8);
    if (type === 'Float') bytes.writeFloatBE(one as number);
    if (type === 'Double') bytes.writeDoubleBE(one as number);
    const bits = type === 'Float' ? bytes.readInt32BE() : type === 'Double' ? bytes.readBigInt64BE() : one;
    return `"${quoted(String(bits))}"`;
  };
  return properties
    .map(({ name, type, shape, values }) => {
      const elements = values.map((one) => `  ${simple(type, one)}, \\\r\n`).join('');
      const [open, close] = shape === 'array' ? ['[', ']'] : ['(', ')'];
      const text = shape === 'scalar' ? simple(type, values[0]) : `${open} \\\r\n${elements}  ${close}`;
      return `${quoted(name)}=${codes[type]}${text}\r\n`;
    })
    .join('');
}

describe('the .config format', () => {
  it('reads back whatever Felix writes, with types', () => {
    fc.assert(
      fc.property(someProperties, (properties) => {
        const read = parse(writeAsFelix(properties)).map(({ line: _line, ...property }) => property);
        expect(read).toEqual(properties);
      }),
    );
  });

  it('reads the example of the documentation', () => {
    expect(parse('enabled=B"true"\nasset.download.prezip.maxcontentsize=I"102400"\n')).toEqual([
      { name: 'enabled', type: 'Boolean', shape: 'scalar', values: [true], line: 1 },
      { name: 'asset.download.prezip.maxcontentsize', type: 'Integer', shape: 'scalar', values: [102_400], line: 2 },
    ]);
  });

  it.each([
    ['text without a type', '"a"', { type: 'String', values: ['a'] }],
    ['a primitive', 'i"7"', { type: 'Integer', values: [7] }],
    ['a Long beyond 2^53', 'L"-9223372036854775808"', { type: 'Long', values: [-(2n ** 63n)] }],
    ['a real number as bits', 'F"1069547520"', { type: 'Float', values: [1.5] }],
    ['a real number as a person writes it', 'D"1.5"', { type: 'Double', values: [1.5] }],
    ['true in any case', 'B"TRUE"', { type: 'Boolean', values: [true] }],
    ['an array on one line', 'T["a","b"]', { shape: 'array', values: ['a', 'b'] }],
    ['a collection over lines without backslashes', 'I(\n"1",\n"2"\n)', { shape: 'collection', values: [1, 2] }],
    ['an empty array', '[]', { shape: 'array', values: [] }],
    ['blanks and "=" that no backslash escapes', '"a = b"', { values: ['a = b'] }],
    ['escaped blanks and "="', String.raw`"a\ \=\ b"`, { values: ['a = b'] }],
    ['a text over several lines', '"create path /a\r\ncreate path /b"', { values: ['create path /a\ncreate path /b'] }],
    ['escapes', String.raw`"\t\"\\\u00e9"`, { values: ['\t"\\é'] }],
  ])('reads %s', (_what, text, expected) => {
    expect(value(text)).toMatchObject(expected);
  });

  it('skips comments, blank lines and a byte order mark, and takes names with blanks', () => {
    const text = '\ufeff# made by hand\r\n\r\na = "1" # why\n  #b="2"\nNotify\\ on\\ Complete=B"false"';
    expect(parse(text)).toMatchObject([
      { name: 'a', values: ['1'], line: 3 },
      { name: 'Notify on Complete', values: [false], line: 5 },
    ]);
  });

  it.each([
    [
      'a value without quotes',
      'a="1"\nenabled=true',
      'a.config:2:9: "t" stands where the value of "enabled" in quotes',
    ],
    ['a quote that is missing', 'a="1', 'a.config:1:3: the value of "a" has no quote at its end'],
    ['a missing comma', 'a=["1"\n "2"]', 'a.config:2:2:'],
    ['a list that does not end', 'a=["1",', 'a.config:1:8: the file ends where "]"'],
    ['a name without a value', 'a\nb="1"', 'a.config:2:1: "b" stands where "=" after "a"'],
    ['a number that is none', '\n\na=I"many"', 'a.config:3:4: the value of "a" is no Integer: "many"'],
    ['a number out of range', 'a=I"2147483648"', 'is no Integer: "2147483648"'],
    ['a Boolean that is neither', 'a=B"yes"', 'is no Boolean: "yes"'],
    ['a wrong escape', String.raw`a="\u12"`, 'a.config:1:4: "\\u" needs four'],
    ['the same name twice', 'a="1"\nA="2"', 'a.config:2: "A" stands on line 1 already'],
  ])('refuses %s and says where', (_what, text, message) => {
    expect(() => parse(text)).toThrow(message);
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONTENT_FILE', file: 'a.config' }) as Error,
    );
  });

  it('does not repeat a password in a message', () => {
    expect(() => parse('smtp.password=I"geheim"')).toThrow(/is no Integer$/);
  });

  it('ends with properties or an error that has a line, whatever it is given', () => {
    const snippet = fc.constantFrom('a', '=', '"', '[', ']', '(', ')', ',', '\\', '\n', '\r', ' ', '#', 'I', '1', 'u');
    fc.assert(
      fc.property(fc.array(snippet, { maxLength: 40 }), (snippets) => {
        try {
          parse(snippets.join(''));
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_CONTENT_FILE', line: expect.any(Number) as number });
        }
      }),
    );
  });
});
