/** Content for property tests: odd names, every type, lists, binaries, order. */
import fc from 'fast-check';
import type { Session } from '../../repository/api.js';
import { toProperty } from '../../repository/convert-value.js';
import { joinPath, nameProblem } from '../../repository/path.js';
import type { Property, PropertyType, Value } from '../../repository/value.js';

const oddNames = [
  'a',
  'A',
  'ä',
  'a\u0308',
  '_a_b',
  '__',
  'x.dir',
  'x',
  'x.binary',
  'x.xml',
  '.content.xml',
  'xml:a',
  'a:b',
  'a_b:c',
  'jcr:content',
  '1',
  '100%',
  'a b',
  '"<&>\'',
  '\\',
  '_x0041_',
  '\u{1f600}',
  'CON',
  'x[1'.replace('[', '('),
  'constructor',
];

const letters = fc.oneof(
  fc.string({ minLength: 1, maxLength: 6, unit: 'binary' }),
  fc.string({
    minLength: 1,
    maxLength: 8,
    unit: fc.constantFrom(...Array.from('ab_x0:%.-\\<&"\'AÄß\u0308\u{1f600}\ufffd ')),
  }),
);

export const randomName: fc.Arbitrary<string> = fc
  .oneof(fc.constantFrom(...oddNames), letters)
  .filter((name) => nameProblem(name) === undefined);

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }).filter((value) => value.isWellFormed()),
  fc.string({ unit: fc.constantFrom(...Array.from('\\,[]{}0u\t\n\r"<&\u0000\ufffe')), maxLength: 8 }),
  fc.constantFrom('', '{Long}1', '[a]', '\\0', '\\u0041', ']', ' '),
);

const byType: Readonly<Record<Exclude<PropertyType, 'Binary'>, fc.Arbitrary<Value>>> = {
  String: text,
  Long: fc.oneof(fc.integer(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  Double: fc.double(),
  Decimal: fc.constantFrom('0', '-1.50', '1e300', '123456789012345678901234567890.1'),
  Date: fc
    .date({ noInvalidDate: true, min: new Date('0001-01-01'), max: new Date('9999-12-31') })
    .map((date) => date.toISOString()),
  Boolean: fc.boolean(),
  Name: randomName,
  Path: fc.array(randomName, { minLength: 1, maxLength: 3 }).map((names) => `/${names.join('/')}`),
  Reference: fc.uuid(),
  WeakReference: fc.uuid(),
  URI: fc.constantFrom('https://example.com/a,b?c=[d]', 'urn:x'),
};

function propertyOf(types: readonly Exclude<PropertyType, 'Binary'>[]): fc.Arbitrary<Property> {
  return fc
    .constantFrom(...types)
    .chain((type) =>
      fc.oneof(
        byType[type].map((value) => ({ type, multiple: false, values: [value] })),
        fc.array(byType[type], { maxLength: 3 }).map((values) => ({ type, multiple: true, values })),
      ),
    )
    .map((property) => toProperty('p', property));
}

const types = Object.keys(byType) as Exclude<PropertyType, 'Binary'>[];

export const valuesForModel: fc.Arbitrary<Property> = propertyOf(types);

export interface RandomNode {
  readonly type: string;
  readonly referenceable: boolean;
  readonly properties: ReadonlyMap<string, Property>;
  /** Lengths of binary values; a list for several. */
  readonly binaries: ReadonlyMap<string, number | readonly number[]>;
  readonly children: ReadonlyMap<string, RandomNode>;
}

/** A Reference must lead somewhere, so there is none. */
const storedTypes = types.filter((type) => type !== 'Reference');
const isFree = (name: string) => !/^(?:jcr|rep|sling|cq|oak|nt|mix):/.test(name);
const size = fc.constantFrom(0, 3, 5_000, 100_000);

const { node } = fc.letrec<{ node: RandomNode }>((tie) => ({
  node: fc.record({
    type: fc.constantFrom(
      'nt:unstructured',
      'nt:unstructured',
      'sling:OrderedFolder',
      'sling:Folder',
      'oak:Unstructured',
      'nt:file',
      'foreign:Type',
    ),
    referenceable: fc.boolean(),
    properties: fc
      .array(fc.tuple(randomName.filter(isFree), propertyOf(storedTypes)), { maxLength: 4 })
      .map((entries) => new Map(entries)),
    binaries: fc
      .array(fc.tuple(randomName.filter(isFree), fc.oneof(size, fc.array(size, { maxLength: 2 }))), { maxLength: 1 })
      .map((entries) => new Map(entries)),
    children: fc
      .oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constant([]),
        fc.array(
          fc.tuple(
            randomName.filter((name) => name === 'jcr:content' || isFree(name)),
            tie('node'),
          ),
          {
            maxLength: 5,
          },
        ),
      )
      .map((entries) => new Map(entries)),
  }),
}));

export const randomTree: fc.Arbitrary<RandomNode> = node;

/** Saves the tree at a path; its root is an nt:unstructured. */
export async function writeTree(session: Session, path: string, tree: RandomNode): Promise<void> {
  await session.ensureNode('/content');
  await addTree(session, path, { ...tree, type: 'nt:unstructured' });
  await session.save();
}

async function addTree(
  session: Session,
  path: string,
  { type, referenceable, properties, binaries, children }: RandomNode,
) {
  const mixins = referenceable ? ['mix:referenceable'] : [];
  if (type === 'nt:file') {
    // A file holds a resource and nothing else; what the tree says of it is its content.
    const xml = '<?xml version="1.0"?><jcr:root xmlns:jcr="http://www.jcp.org/jcr/1.0"/>';
    const data = await session.createBinary(path.endsWith('.xml') ? xml : Buffer.alloc(4_500, path));
    await session.addNode(path, { primaryType: type, mixins });
    await session.addNode(`${path}/jcr:content`, {
      primaryType: referenceable ? 'oak:Resource' : 'nt:resource',
      properties: { 'jcr:data': data, ...(properties.size % 2 === 0 && { 'jcr:mimeType': 'own/type' }) },
    });
    return;
  }
  const given: Record<string, Property> = type.endsWith('Folder') ? {} : Object.fromEntries(properties);
  for (const [name, sizes] of type.endsWith('Folder') ? [] : binaries) {
    const binary = async (length: number) => session.createBinary(Buffer.alloc(length, `${name}${length}`));
    const values = typeof sizes === 'number' ? [await binary(sizes)] : await Promise.all(sizes.map(binary));
    given[name] = { type: 'Binary', multiple: typeof sizes !== 'number', values };
  }
  await session.addNode(path, { primaryType: type, mixins, properties: given });
  for (const [name, child] of children) {
    await addTree(session, joinPath(path, name), {
      ...child,
      ...(name === 'jcr:content' && { type: 'nt:unstructured' }),
    });
  }
}

/** Every node with its properties in a plain form, in the order of the content. */
export async function contentOf(session: Session, path: string): Promise<Map<string, Record<string, Property>>> {
  const content = new Map<string, Record<string, Property>>();
  const root = await session.findNode(path);
  if (root && path !== '/content') content.set(path, plain(root.properties));
  for await (const { path: below, properties } of session.descendants(path)) content.set(below, plain(properties));
  return content;
}

function plain(properties: ReadonlyMap<string, Property>): Record<string, Property> {
  return Object.fromEntries([...properties].sort(([a], [b]) => (a < b ? -1 : 1)));
}
