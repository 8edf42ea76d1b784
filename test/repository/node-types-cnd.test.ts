import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtInTypes } from '../../repository/node-types/built-in/built-in-types.js';
import type {
  ChildDefinition,
  NodeTypeDefinition,
  NodeTypeDocument,
  PropertyDefinition,
} from '../../repository/node-types/definition.js';
import { onParentVersionActions } from '../../repository/node-types/definition.js';
import { parseCnd } from '../../repository/node-types/parse-cnd.js';
import { writeCnd } from '../../repository/node-types/write-cnd.js';

const only = (cnd: string): NodeTypeDefinition => {
  const [type, ...others] = parseCnd(cnd).types;
  expect(others).toEqual([]);
  if (!type) throw new Error('no type was parsed');
  return type;
};

describe('CND text', () => {
  it('is read as the specification explains its example (JCR 2.0, section 25.2.4)', () => {
    const { namespaces, types } = parseCnd(`
      /*  An example node type definition */
      // The namespace declaration
      <ns = 'http://namespace.com/ns'>
      // Node type name and supertypes, abstract, orderable, mixin, with primary item
      [ns:NodeType] > ns:ParentType1, ns:ParentType2
        abstract orderable mixin primaryitem ex:property
        - ex:property (STRING) = 'default1' , 'default2'
          mandatory autocreated protected multiple VERSION
          queryops '=, <>, <, <=, >, >=, LIKE' nofulltext noqueryorder
          < 'constraint1', 'constraint2'
        + ns:node (ns:reqType1, ns:reqType2) = ns:defaultType
          mandatory autocreated protected sns version`);
    expect([...namespaces]).toEqual([['ns', 'http://namespace.com/ns']]);
    expect(types).toEqual([
      {
        name: 'ns:NodeType',
        supertypes: ['ns:ParentType1', 'ns:ParentType2'],
        abstract: true,
        orderable: true,
        mixin: true,
        queryable: true,
        primaryItem: 'ex:property',
        properties: [
          {
            name: 'ex:property',
            type: 'String',
            multiple: true,
            mandatory: true,
            autocreated: true,
            protected: true,
            onParentVersion: 'VERSION',
            defaults: ['default1', 'default2'],
            constraints: ['constraint1', 'constraint2'],
            queryOperators: ['=', '<>', '<', '<=', '>', '>=', 'LIKE'],
            fullTextSearchable: false,
            queryOrderable: false,
          },
        ],
        children: [
          {
            name: 'ns:node',
            requiredTypes: ['ns:reqType1', 'ns:reqType2'],
            defaultType: 'ns:defaultType',
            mandatory: true,
            autocreated: true,
            protected: true,
            onParentVersion: 'VERSION',
          },
        ],
      },
    ]);
  });

  it.each([
    ['short words', '[a:B] o m\n- x (long) m a p *\n+ y = nt:folder m a p'],
    [
      'long words',
      '[a:B] orderable mixin\n- x (LONG) mandatory autocreated protected multiple\n+ y = nt:folder mandatory autocreated protected',
    ],
    ['other short words', '[a:B] ord mix\n- x (Long) man aut pro mul\n+ y = nt:folder man aut pro sns'],
  ])('takes %s', (_name, cnd) => {
    const type = only(cnd);
    expect(type).toMatchObject({ orderable: true, mixin: true, abstract: false });
    const attributes = { mandatory: true, autocreated: true, protected: true };
    expect(type.properties).toMatchObject([{ name: 'x', type: 'Long', multiple: true, ...attributes }]);
    expect(type.children).toMatchObject([{ name: 'y', defaultType: 'nt:folder', ...attributes }]);
  });

  it('tells constraints of the last property from a namespace that follows', () => {
    const { namespaces, types } = parseCnd("[a:B]\n- x < 'y'\n<'c'='http://c'>\n[c:D]\n- z\n<'e'='http://e'>");
    expect([...namespaces.keys()]).toEqual(['c', 'e']);
    expect(types.map(({ properties }) => properties.map(({ constraints }) => constraints))).toEqual([[['y']], [[]]]);
  });

  it.each([
    ['[a:B', 1, '"]" is missing before the end'],
    ['[a:B]\n\n- x (strin)', 3, '"strin" is no property type'],
    ['// one\n[a:B]\n- * mandatory', 3, 'cannot be mandatory'],
    ['[a:B]\n[a:B]', 2, 'defined twice'],
    ['[a:B]\n- x\n- x', 3, 'twice'],
    ["<'a'='one'>\n<'a'='two'>", 2, 'two URIs'],
    ["[a:B]\n- x = 'one', 'two'", 2, 'single but has 2 defaults'],
    ["[a:B]\n- x = 'open", 2, 'is no part of a definition'],
    ['[a:B]\nwhatever', 2, '"[" is missing before "whatever"'],
    ["['a/b']", 1, 'holds one of'],
  ])('%j is INVALID_NODE_TYPE at line %i', (cnd, line, problem) => {
    expect(() => parseCnd(cnd)).toThrow(
      expect.objectContaining({ code: 'INVALID_NODE_TYPE', line, message: expect.stringContaining(problem) as string }),
    );
  });
});

describe('writing CND text', () => {
  /** What is read back; the lines are those of the text. */
  const written = (given: NodeTypeDocument) => {
    const { namespaces, types } = parseCnd(writeCnd(given));
    return { namespaces, types };
  };

  it('keeps every built-in type', () => {
    const { namespaces, types } = builtInTypes;
    expect(written(builtInTypes)).toEqual({ namespaces, types });
  });

  it('keeps whatever a definition may hold', () => {
    const word = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_ .'"<>=()-]{0,8}[a-zA-Z0-9]$/);
    const name = fc.oneof(
      word,
      fc.tuple(fc.stringMatching(/^[a-z]{1,4}$/), word).map((parts) => parts.join(':')),
    );
    const text = fc.string({ unit: 'grapheme' });
    const item = {
      onParentVersion: fc.constantFrom(...onParentVersionActions),
      protected: fc.boolean(),
      mandatory: fc.boolean(),
      autocreated: fc.boolean(),
    };
    const property: fc.Arbitrary<PropertyDefinition> = fc
      .record({
        ...item,
        name,
        type: fc.constantFrom<PropertyDefinition['type'][]>('String', 'Long', 'WeakReference', 'URI', 'Undefined'),
        multiple: fc.boolean(),
        defaults: fc.array(text, { maxLength: 2 }),
        constraints: fc.array(text, { maxLength: 3 }),
        queryOperators: fc.option(fc.uniqueArray(fc.constantFrom('=', '<>', 'LIKE'), { minLength: 1 }), {
          nil: undefined,
        }),
        fullTextSearchable: fc.boolean(),
        queryOrderable: fc.boolean(),
      })
      .map((drawn) => ({ ...drawn, defaults: drawn.multiple ? drawn.defaults : drawn.defaults.slice(0, 1) }));
    const child: fc.Arbitrary<ChildDefinition> = fc.record({
      ...item,
      name,
      requiredTypes: fc.array(name, { minLength: 1, maxLength: 2 }),
      defaultType: fc.option(name, { nil: undefined }),
    });
    const residual: ChildDefinition = {
      name: '*',
      requiredTypes: ['nt:base'],
      defaultType: undefined,
      mandatory: false,
      autocreated: false,
      protected: false,
      onParentVersion: 'VERSION',
    };
    const type: fc.Arbitrary<NodeTypeDefinition> = fc.record({
      name,
      supertypes: fc.array(name, { maxLength: 2 }),
      mixin: fc.boolean(),
      abstract: fc.boolean(),
      orderable: fc.boolean(),
      queryable: fc.boolean(),
      primaryItem: fc.option(name, { nil: undefined }),
      properties: fc.uniqueArray(property, { selector: (drawn) => drawn.name, maxLength: 3 }),
      children: fc
        .uniqueArray(child, { selector: (drawn) => drawn.name, maxLength: 3 })
        .map((children) => [...children, residual]),
    });
    const document = fc.record({
      namespaces: fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), text, { maxKeys: 3 }),
      types: fc.uniqueArray(type, { selector: (drawn) => drawn.name, maxLength: 3 }),
    });
    fc.assert(
      fc.property(document, ({ namespaces, types }) => {
        const given = { namespaces: new Map(Object.entries(namespaces)), types };
        expect(written(given)).toEqual(given);
      }),
    );
  });
});
