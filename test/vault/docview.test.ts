import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RepositoryError } from '../../repository/errors.js';
import { parseDocView } from '../../repository/vault/docview.js';
import { parseDocViewValue } from '../../repository/vault/docview-value.js';
import { decodePlatformName, decodeXmlName } from '../../repository/vault/platform-name.js';
import { bytesOf } from './package-builder.js';

describe('names (C5)', () => {
  it.each([
    ['_jcr_content', 'jcr:content'],
    ['_rep_policy', 'rep:policy'],
    ['_cq_dialog_x', 'cq:dialog_x'],
    ['__jcr_content', '_jcr_content'],
    ['_single', '_single'],
    ['plain_name', 'plain_name'],
    ['a%3ab', 'a:b'],
    ['gr%c3%bcn', 'grün'],
    ['100%', '100%'],
    ['%ff', '%ff'],
    ['_', '_'],
  ])('the file name %s is the item %s', (fileName, name) => {
    expect(decodePlatformName(fileName)).toBe(name);
  });

  it.each([
    ['_x0031_st', '1st'],
    ['biography_x0040_LastModified', 'biography@LastModified'],
    ['repo_x0025_3Aencoding', 'repo%3Aencoding'],
    ['_x005f_x0031_', '_x0031_'],
    ['jcr:content', 'jcr:content'],
  ])('the XML name %s is the item %s', (xmlName, name) => {
    expect(decodeXmlName(xmlName)).toBe(name);
  });
});

describe('values in document view notation (C5)', () => {
  const single = (type: string, value: unknown) => ({ type, multiple: false, values: [value] });
  const multiple = (type: string, ...values: unknown[]) => ({ type, multiple: true, values });
  it.each([
    ['text', single('String', 'text')],
    ['', single('String', '')],
    ['{Long}42', single('Long', 42)],
    ['{Long}9007199254740993', single('Long', 9007199254740993n)],
    ['{Double}0.5', single('Double', 0.5)],
    ['{Decimal}46.44444274902344', single('Decimal', '46.44444274902344')],
    ['{Boolean}true', single('Boolean', true)],
    ['{Date}2019-09-17T21:00:37.303-07:00', single('Date', '2019-09-17T21:00:37.303-07:00')],
    ['{Date}2019-09-17T21:00:37Z', single('Date', '2019-09-17T21:00:37.000Z')],
    ['{Name}mix:title', single('Name', 'mix:title')],
    ['[a,b]', multiple('String', 'a', 'b')],
    ['{Long}[8,8,8]', multiple('Long', 8, 8, 8)],
    ['[]', multiple('String')],
    ['[a,]', multiple('String', 'a', '')],
    ['[\\0]', multiple('String', '')],
    ['[0\\, 0,255\\, 255]', multiple('String', '0, 0', '255, 255')],
    ['\\[a]', single('String', '[a]')],
    ['[a\\]', single('String', '[a]')],
    ['\\{Long}1', single('String', '{Long}1')],
    ['{not closed', single('String', '{not closed')],
    ['back\\\\slash', single('String', 'back\\slash')],
    ['a,b', single('String', 'a,b')],
    ['[a\\\\]', multiple('String', 'a\\')],
    ['\\u0041\\u00e4', single('String', 'Aä')],
  ])('%s', (text, expected) => {
    expect(parseDocViewValue('p', text)).toEqual(expected);
  });

  it('takes type names as names', () => {
    expect(parseDocViewValue('jcr:mixinTypes', '[mix:title]')).toEqual(multiple('Name', 'mix:title'));
  });

  it.each(['{Long}x', '{Long}1.5', '{Date}yesterday', '{Date}2022-13-40T00:00:00.000Z', '{Boolean}maybe', '{What}x'])(
    'refuses %s',
    (text) => {
      expect(() => parseDocViewValue('p', text)).toThrow(expect.objectContaining({ code: 'INVALID_VALUE' }));
    },
  );

  it('reads back every list of texts, escaped as FileVault escapes them', () => {
    const escape = (value: string) => value.replace(/[\\,[\]{}]/g, (character) => `\\${character}`);
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 2 }), (values) => {
        expect(parseDocViewValue('p', `[${values.map(escape).join(',')}]`).values).toEqual(values);
      }),
    );
  });
});

describe('document view (C5)', () => {
  const open = '<jcr:root xmlns:jcr="http://www.jcp.org/jcr/1.0" xmlns:nt="http://www.jcp.org/jcr/nt/1.0"';
  const parse = (xml: string, optional = false) => parseDocView(bytesOf(xml), { file: 'a/.content.xml', optional });
  const problem = async (xml: string) => {
    const error: unknown = await parse(xml).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof RepositoryError)) throw new Error('it was not refused');
    return { code: error.code, file: error.file, line: error.line, message: error.message };
  };

  it('reads nodes, types, order and lines', async () => {
    const root = await parse(
      `<?xml version="1.0" encoding="UTF-8"?>\n${open} jcr:primaryType="nt:unstructured">\n  <b jcr:title="{String}x"/>\n  <a/>\n</jcr:root>`,
    );
    expect(root).toMatchObject({ name: '', line: 2, orderOnly: false });
    expect(root?.children.map(({ name, orderOnly, line }) => ({ name, orderOnly, line }))).toEqual([
      { name: 'b', orderOnly: false, line: 3 },
      { name: 'a', orderOnly: true, line: 4 },
    ]);
  });

  it('says which binaries have their bytes elsewhere', async () => {
    const root = await parse(`${open} jcr:primaryType="nt:resource" jcr:data="{Binary}"/>`);
    expect(root?.binaries).toEqual(['jcr:data']);
  });

  it('is not taken for a document view: other roots, other XML, no XML', async () => {
    expect(await parse('<svg xmlns="http://www.w3.org/2000/svg"/>', true)).toBeUndefined();
    expect(await parse('<!DOCTYPE html><html/>', true)).toBeUndefined();
    expect(await parse('no xml', true)).toBeUndefined();
  });

  it.each([
    ['a DOCTYPE', `<!DOCTYPE x>\n${open}/>`, /DOCTYPE/],
    ['an entity', `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>\n${open} a="&e;"/>`, /a\/\.content\.xml:2/],
    ['an unknown entity', `${open} a="&boom;"/>`, /entity/],
    ['an undeclared prefix', `${open} foo:a="1"/>`, /prefix/],
    ['a wrong root', `<root/>`, /jcr:root/],
    ['two children of one name', `${open}>\n<a/>\n<a/></jcr:root>`, /two children "a"/],
    ['a name with a slash', `${open}><a_x002f_b/></jcr:root>`, /"a\/b" holds/],
    ['a value that is none', `${open}>\n<a n="{Long}x"/></jcr:root>`, /Long/],
    ['text', `${open}>hello</jcr:root>`, /text between elements/],
    ['another encoding', `<?xml version="1.0" encoding="UTF-16"?>${open}/>`, /UTF-8/],
    ['a truncated document', `${open}><a>`, /unclosed tag/],
    ['nesting without end', `${open}>${'<a>'.repeat(300)}`, /nested deeper/],
  ])('refuses %s, with file and line', async (_what, xml, message) => {
    const found = await problem(xml);
    expect(found).toMatchObject({ code: 'INVALID_CONTENT_FILE', file: 'a/.content.xml' });
    expect(found.line).toBeGreaterThan(0);
    expect(found.message).toMatch(message);
  });
});
