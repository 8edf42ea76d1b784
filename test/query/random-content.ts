/** Random trees, rights and queries over few names and values, so that they often meet. */
import fc from 'fast-check';
import { deny, grant } from '../../repository/access/policy.js';
import type { Repository, Session } from '../../repository/api.js';
import type { Condition, Query, QueryDepth, QueryValue } from '../../repository/query/query.js';
import { createUser } from '../../repository/users.js';
import type { PropertyInput } from '../../repository/value.js';

export interface RandomNode {
  readonly path: string;
  readonly primaryType: string;
  readonly mixins: readonly string[];
  readonly properties: Readonly<Record<string, PropertyInput>>;
}

const names = ['a', 'a-x', 'b', 'jcr:content', 'metadata', 'é'];
const texts = [
  '',
  'lake',
  'Lake',
  'lake mountain',
  'mountain',
  '5',
  'true',
  'x\0y',
  'x',
  '\u{1f600}',
  '\uffee',
  'y'.repeat(160),
];
const moments = ['2024-01-01T00:00:00.000Z', '2024-01-01T02:00:00.000+02:00', '2023-06-01T00:00:00.000Z'];

const value: fc.Arbitrary<PropertyInput> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...texts) },
  fc.constantFrom(-3, 0, 5, 2.5, 1e20),
  fc.boolean(),
  fc.constantFrom(...moments).map((moment): PropertyInput => ({ type: 'Date', multiple: false, values: [moment] })),
);
const property: fc.Arbitrary<PropertyInput> = fc.oneof(
  { weight: 4, arbitrary: value },
  fc.array(fc.constantFrom(...texts), { maxLength: 3 }),
  fc.array(fc.constantFrom(-3, 0, 5, 7), { maxLength: 3 }),
);

const path = fc
  .array(fc.constantFrom(...names), { minLength: 1, maxLength: 4 })
  .map((steps) => `/content/${steps.join('/')}`);

export const randomNodes: fc.Arbitrary<RandomNode[]> = fc.array(
  fc.record({
    path,
    primaryType: fc.constantFrom('nt:unstructured', 'dam:Asset', 'x:Thing'),
    mixins: fc.subarray(['mix:title', 'x:Mark']),
    properties: fc.dictionary(fc.constantFrom('p', 'q', 'title'), property, { maxKeys: 3 }),
  }),
  { minLength: 1, maxLength: 25 },
);

const queryValue: fc.Arbitrary<QueryValue> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<QueryValue>(...texts, ...moments) },
  fc.constantFrom<QueryValue>(-3, 0, 5, 2.5, true, false, new Date(moments[0] ?? '')),
);
const propertyPath = fc.constantFrom('p', 'q', 'title', 'jcr:content/p', 'jcr:content/metadata/q', 'a/q');

const comparison: fc.Arbitrary<Condition> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ property: propertyPath, op: fc.constant('=' as const), value: queryValue }) },
  ...(['!=', '<', '<=', '>', '>='] as const).map((op) =>
    fc.record({ property: propertyPath, op: fc.constant(op), value: queryValue }),
  ),
  fc.record({
    property: propertyPath,
    op: fc.constant('in' as const),
    value: fc.array(queryValue, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    property: propertyPath,
    op: fc.constant('between' as const),
    from: fc.record({ value: queryValue, open: fc.boolean() }),
    to: fc.record({ value: queryValue, open: fc.boolean() }),
  }),
  fc.record({ property: propertyPath, op: fc.constant('exists' as const) }),
  fc.record({ property: propertyPath, op: fc.constant('missing' as const) }),
  fc.record({
    property: propertyPath,
    op: fc.constant('like' as const),
    value: fc.constantFrom('l%', '%e', 'la_e', 'x%', '%', 'lake', 'y%'),
  }),
);

const scope = fc.record({
  path: fc.oneof(fc.constant('/content'), fc.constant('/'), path),
  depth: fc.constantFrom('self' as const, 'children' as const, 'descendants' as const, 'subtree' as const, 2),
});

const fullText = fc.constantFrom('lake', 'lake mountain', 'lake -mountain', 'a', 'metadata');

const condition: fc.Arbitrary<Condition> = fc.letrec<{ any: Condition }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 2, depthSize: 'small' },
    { weight: 6, arbitrary: comparison },
    { weight: 1, arbitrary: fc.constantFrom(...names).map((name) => ({ name })) },
    { weight: 1, arbitrary: fc.constantFrom('dam:Asset', 'x:Mark').map((type) => ({ type })) },
    { weight: 1, arbitrary: scope },
    { weight: 1, arbitrary: fullText.map((text) => ({ fullText: text })) },
    { weight: 2, arbitrary: fc.array(tie('any'), { minLength: 1, maxLength: 3 }).map((and) => ({ and })) },
    { weight: 2, arbitrary: fc.array(tie('any'), { minLength: 1, maxLength: 3 }).map((or) => ({ or })) },
    { weight: 1, arbitrary: tie('any').map((not) => ({ not })) },
  ),
})).any;

export const randomQuery: fc.Arbitrary<Query> = fc.record(
  {
    path: fc.oneof({ weight: 3, arbitrary: fc.constantFrom('/', '/content') }, path),
    depth: fc.constantFrom<QueryDepth>('self', 'children', 'descendants', 'subtree', 2),
    type: fc.constantFrom('dam:Asset', 'x:Thing', 'x:Mark'),
    where: condition,
    fullText: fc.oneof(fullText, fc.record({ fullText, property: fc.constantFrom('title', 'jcr:content/title') })),
    order: fc.array(
      fc.record({ property: propertyPath, direction: fc.constantFrom('ascending' as const, 'descending' as const) }),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
);

export const deniedPaths = fc.array(path, { maxLength: 3 });

/** Adds what is missing above, too; names that repeat are the first of them. */
export async function addNodes(session: Session, nodes: readonly RandomNode[]): Promise<void> {
  for (const { path: target, primaryType, mixins, properties } of nodes) {
    if ((await session.findNode(target)) === undefined) {
      await session.ensureNode(target, { primaryType, mixins, properties });
    }
  }
}

/** `reader` may read everything but what is denied. */
export async function addReader(repository: Repository, denied: readonly string[]): Promise<void> {
  const session = await repository.login('admin');
  await createUser(session, { id: 'reader' });
  await grant(session, '/', 'reader', ['jcr:read']);
  for (const target of denied) {
    if ((await session.findNode(target)) !== undefined) await deny(session, target, 'reader', ['jcr:read']);
  }
  await session.save();
  await session.close();
}

export async function defineIndex(
  session: Session,
  name: string,
  type: 'property' | 'fulltext',
  propertyNames: readonly string[] = [],
): Promise<void> {
  const listed: PropertyInput = { type: 'Name', multiple: true, values: propertyNames };
  await session.addNode(`/oak:index/${name}`, { properties: { type, propertyNames: listed } });
}
