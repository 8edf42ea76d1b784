import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseContentJson } from '../../repository/content/content-json.js';
import { parseJson, type JsonDocument } from '../../repository/content/json-document.js';

const parse = (text: string) => parseContentJson(text, 'a/.content.json');

describe('.content.json', () => {
  it('reads properties with their types', () => {
    const { properties } = parse(`{
      "jcr:primaryType": "sling:Folder",
      "jcr:mixinTypes": "mix:title",
      "text": "x", "whole": 1073741824, "big": 9007199254740993, "fraction": 0.5, "flag": true,
      "list": ["a", "b"], "numbers": [1, 2], "none": [],
      "date": "{Date}2022-08-12T17:03:04.195Z", "names": "{Name[]}a,b", "handlebars": "{{name}}", "braces": "{x}"
    }`);
    const single = (type: string, value: unknown) => ({ type, multiple: false, values: [value] });
    expect(Object.fromEntries(properties)).toEqual({
      'jcr:primaryType': single('Name', 'sling:Folder'),
      'jcr:mixinTypes': { type: 'Name', multiple: true, values: ['mix:title'] },
      text: single('String', 'x'),
      whole: single('Long', 1073741824),
      big: single('Long', 9007199254740993n),
      fraction: single('Double', 0.5),
      flag: single('Boolean', true),
      list: { type: 'String', multiple: true, values: ['a', 'b'] },
      numbers: { type: 'Long', multiple: true, values: [1, 2] },
      none: { type: 'String', multiple: true, values: [] },
      date: single('Date', '2022-08-12T17:03:04.195Z'),
      names: { type: 'Name', multiple: true, values: ['a', 'b'] },
      handlebars: single('String', '{{name}}'),
      braces: single('String', '{x}'),
    });
  });

  it('keeps children in the order written, numbers too, with their lines', () => {
    const { children } = parse('{\n"b": {},\n"10": {},\n"9": {"deep": {}}\n}');
    expect(children.map(({ name, line }) => [name, line])).toEqual([
      ['b', 2],
      ['10', 3],
      ['9', 4],
    ]);
  });

  it.each([
    ['an open object', '{\n"a": 1,\n', 3, /ends where a name in quotes/],
    ['a missing comma', '{\n"a": 1\n"b": 2}', 3, /where "," or "}"/],
    ['a trailing comma', '{"a": 1,\n}', 2, /where a name in quotes/],
    ['a comment', '{\n// no\n}', 2, /has "\/"/],
    ['a doubled name', '{\n"a": 1,\n"a": 2}', 3, /"a" twice/],
    ['null', '{\n"a": null}', 2, /"a" is null/],
    ['a mixed list', '{\n"a": [1, "x"]}', 2, /mixes Long and String/],
    ['a list of nodes', '{\n"a": [\n{}]}', 3, /other than scalars/],
    ['a list as document', '[]', 1, /not an object/],
    ['a name that is none', '{\n"a/b": 1}', 2, /holds one of/],
    ['a value that is none', '{\n"a": "{Long}x"}', 2, /Long/],
    ['text behind the end', '{}\n}', 2, /where the end/],
    ['an unclosed text', '{"a": "x\n"}', 1, /does not end/],
    ['nothing', '', 1, /ends where a value/],
    ['nesting without end', '{"a":'.repeat(300), 1, /nested deeper/],
  ])('refuses %s, with file and line', (_what, text, line, message) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONTENT_FILE',
        file: 'a/.content.json',
        line,
        message: expect.stringMatching(message) as unknown,
      }),
    );
  });

  it('reads all JSON as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(undefined, 2), (text, indent) => {
        const value: unknown = JSON.parse(text);
        const rewritten = JSON.stringify(value, undefined, indent);
        expect(toPlain(parseJson(rewritten, (line, problem) => new Error(`${line}: ${problem}`)))).toEqual(value);
      }),
    );
  });
});

function toPlain(document: JsonDocument): unknown {
  if (document.kind === 'object') {
    // No prototype setter is to be called for "__proto__".
    return Object.fromEntries(document.members.map(({ name, value }) => [name, toPlain(value)]));
  }
  if (document.kind === 'array') return document.items.map(toPlain);
  return typeof document.value === 'bigint' ? Number(document.value) : document.value;
}
