import { Environment } from '@marcbachmann/cel-js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conditionBudget } from '../../activities/satchel/condition/evaluate-condition.js';
import { checkCondition, createConditions, evaluateConditions } from '../../activities/satchel/conditions.js';
import { bootstrapRepository } from '../../activities/satchel/bootstrap-repository.js';
import { grant } from '../../repository/access/policy.js';
import { adminUser } from '../../repository/api.js';
import { openRepository } from '../../repository/repository.js';
import { createUser } from '../../repository/users.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import type { ConditionInput, JsonObject } from '../../workflows/contract/model.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';

const metadata: JsonObject = {
  approved: true,
  count: 3,
  ratio: 2.5,
  title: 'Spring',
  tags: ['red', 'blue'],
  people: [{ name: 'Ada', level: 2 }, { name: 'Bob' }],
  nothing: null,
};
const results: JsonObject = { 'approval/yes/package': { parts: 2, bytes: 5_000_000_000 } };
const payloadOfTests: JsonObject = {
  path: '/content/dam/a',
  type: 'dam:Asset',
  properties: { 'jcr:created': '2024-01-01T00:00:00.000Z' },
};

const input = (...conditions: string[]): ConditionInput => ({
  conditions,
  node: 'approval',
  workflow: {
    id: 'w',
    model: 'acme/model',
    modelVersion: 'v',
    request: '/r',
    payload: '/content/dam/a',
    tenant: 'aurora',
    initiator: 'ada',
  },
  scope: { metadata, results, visits: { again: 2 } },
});
const holds = (condition: string) => evaluateConditions(input(condition), payloadOfTests) === 0;

describe('a condition', () => {
  it.each([
    ['metadata.approved', true],
    ['metadata.count == 3 && metadata.count + 1 > 3', true],
    ['metadata.count + 0.5 == 3.5', true],
    ['metadata.ratio * 2.0 == 5.0', true],
    ['7 / 2 == 3 && 7 % 2 == 1 && -7 / 2 == -3', true],
    ['results["approval/yes/package"].parts > 1', true],
    ['results["approval/yes/package"].bytes > 4294967296', true],
    ['visits.again < 2', false],
    ['tenant in ["aurora", "ember"]', true],
    ['initiator.startsWith("a") && initiator.endsWith("a") && !initiator.contains("x")', true],
    ['metadata.title.lowerAscii() == "spring" && size(metadata.title) == 6', true],
    ['"red" in metadata.tags && metadata.tags[1] == "blue" && metadata.tags.size() == 2', true],
    ['metadata.people.exists(person, has(person.level) && person.level > 1)', true],
    ['metadata.people.all(person, person.name != "")', true],
    ['metadata.people.filter(person, person.name == "Bob").map(person, person.name) == ["Bob"]', true],
    ['metadata.people.exists_one(person, has(person.level))', true],
    ['has(metadata.missing)', false],
    ['"missing" in metadata', false],
    ['metadata.nothing == null', true],
    ['metadata.title == 3', false],
    ['metadata.missing || metadata.approved', true],
    ['metadata.missing && false', false],
    ['payload.type == "dam:Asset" && payload.path.startsWith("/content")', true],
    ['payload.properties["jcr:created"] < "2024-06"', true],
    ['(metadata.approved ? "yes" : "no") == "yes"', true],
    ['int("42") == 42 && double("1.5") == 1.5 && string(42) == "42"', true],
  ])('%s is %s', (condition, expected) => {
    expect(checkCondition(condition)).toBeUndefined();
    expect(holds(condition)).toBe(expected);
  });

  it('gives the first that is true, in order, or -1', () => {
    const of = (...conditions: string[]) => evaluateConditions(input(...conditions), {});
    expect(of('metadata.count > 5', 'metadata.count > 2', 'metadata.count > 1')).toBe(1);
    expect(of('metadata.count > 5')).toBe(-1);
    expect(of()).toBe(-1);
  });

  it.each([
    ['', 'is empty'],
    ['metadata.count ==', 'does not parse at character 18'],
    ['metdata.count == 1', 'unknown variable "metdata"; did you mean "metadata"?'],
    ['tenant.startWith("a")', 'unknown function "startWith"; did you mean "startsWith"?'],
    ['tenant.matches("(a+)+$")', 'unknown function "matches"'],
    ['timestamp("2024-01-01T00:00:00Z") == 1', 'unknown function "timestamp"'],
    ['cel.bind(x, 1, x == 1)', 'unknown function "bind"'],
    ['tenant + 1 == 2', 'no such overload: string + int'],
    ['tenant', 'gives a value of type string'],
    ['{"a": 1}.a == 1', '"{…}"'],
    ['b"a" == b"a"', 'bytes'],
    ['metadata.tags.exists(tenant, true)', 'which is the name of a variable'],
    ['metadata.tags.exists(tenant.a, true)', ''],
    ['constructor == 1', 'unknown variable "constructor"'],
    ['__proto__ == 1', 'Reserved identifier'],
    [`tenant == "${'x'.repeat(1000)}"`, 'more than 1000'],
    [`${'!'.repeat(900)}true`, 'maxAstNodes'],
    [`${'('.repeat(400)}true${')'.repeat(400)}`, 'maxDepth'],
  ])('that says %s is refused', (condition, problem) => {
    expect(checkCondition(condition)).toContain(problem);
    expect(() => holds(condition)).toThrow(expect.objectContaining({ code: 'INVALID_CONDITION' }) as Error);
  });

  it.each([
    ['metadata.missing', 'there is no "missing"; ask has(….missing)'],
    ['metadata.count', 'must be true or false'],
    ['metadata.count / 0 == 1', 'divides by zero'],
    ['metadata.tags[2] == "x"', 'has no position 2'],
    ['metadata.title < 3', 'have no order'],
    ['metadata.constructor == 1', 'there is no "constructor"'],
    ['metadata["__proto__"] == 1', 'there is no "__proto__"'],
    ['metadata.tags["length"] == 2', 'is no position in a list'],
    ['metadata.title.length == 6', 'has no "length"'],
    ['metadata.count * 9223372036854775807 > 0', 'more than 64 bits'],
  ])('that asks %s fails by name', (condition, message) => {
    expect(() => holds(condition)).toThrow(
      expect.objectContaining({
        code: 'CONDITION_FAILED',
        message: expect.stringContaining(`of acme/model/approval failed: `) as string,
      }) as Error,
    );
    expect(() => holds(condition)).toThrow(message);
  });

  it.each([
    ['nested comprehensions', 'l.all(a, l.all(b, l.all(c, l.all(d, l.all(e, true)))))'],
    ['a text that doubles', `["x"]${'.map(x, x + x)'.repeat(28)}.size() == 1`],
    ['a list that doubles', `[[1]]${'.map(x, x + x)'.repeat(28)}.size() == 1`],
    ['lists in lists that are compared', `[1]${'.map(x, [x, x])'.repeat(28)} == [1]${'.map(x, [x, x])'.repeat(28)}`],
    ['a long text in a long text', `metadata.text.contains(metadata.text + "b")`],
    ['every element with every other', 'l.filter(a, l.exists(b, a + b == -1)) == l'],
  ])('ends, whatever it asks: %s', (_, text) => {
    const condition = text.replaceAll(/\bl\b/g, 'metadata.l');
    expect(checkCondition(condition)).toBeUndefined();
    const big = { l: Array.from({ length: 1_000 }, (_unused, index) => index), text: 'a'.repeat(200_000) };
    const run = () => evaluateConditions({ ...input(condition), scope: { metadata: big, results, visits: {} } }, {});
    expect(run).toThrow(`it takes more than ${conditionBudget} steps`);
  });
});

/** Pieces that look like CEL, and some that attack it. */
const atoms = fc.constantFrom(
  ...[
    'metadata',
    'metadata.count',
    'metadata.tags',
    'metadata.people',
    'metadata.title',
    'results',
    'visits',
    'tenant',
  ],
  ...[
    'x',
    'x.name',
    '1',
    '2.5',
    '"a"',
    '"__proto__"',
    'null',
    'true',
    '[1, 2]',
    '["a", "b"]',
    '{"a": 1}',
    'b"x"',
    '3u',
  ],
  ...['metadata.constructor', 'metadata["__proto__"]', 'constructor', 'globalThis', 'process', 'this', '__proto__'],
);
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    atoms,
    fc
      .tuple(
        tie('expression'),
        fc.constantFrom(...['+', '-', '*', '/', '%', '==', '!=', '<', '>=', '&&', '||', 'in']),
        tie('expression'),
      )
      .map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc
      .tuple(tie('expression'), fc.constantFrom('all', 'exists', 'exists_one', 'map', 'filter'), tie('expression'))
      .map(([a, name, b]) => `${a}.${name}(x, ${b})`),
    fc
      .tuple(
        tie('expression'),
        fc.constantFrom('contains', 'startsWith', 'matches', 'split', 'join', 'constructor'),
        tie('expression'),
      )
      .map(([a, name, b]) => `${a}.${name}(${b})`),
    fc.tuple(tie('expression'), tie('expression'), tie('expression')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `${a}[${b}]`),
    fc
      .tuple(
        fc.constantFrom('!', '-', 'size', 'has', 'int', 'string', 'type', 'dyn', 'bytes', 'duration'),
        tie('expression'),
      )
      .map(([f, a]) => `${f}(${a})`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `[${a}, ${b}]`),
  ),
}));

describe('whatever is written as a condition', () => {
  const endsInACode = (text: string) => {
    const before = JSON.stringify(metadata);
    try {
      const answer = evaluateConditions(input(text), payloadOfTests);
      expect([0, -1]).toContain(answer);
      expect(checkCondition(text)).toBeUndefined();
    } catch (error) {
      expect(error).toBeInstanceOf(SatchelError);
      expect(['INVALID_CONDITION', 'CONDITION_FAILED']).toContain((error as SatchelError).code);
    }
    expect(JSON.stringify(metadata)).toBe(before);
    expect(Object.keys(Object.prototype)).toEqual([]);
  };

  it('gives an answer or a code, from anything that looks like an expression', () => {
    fc.assert(fc.property(expression, endsInACode), { numRuns: 3_000 });
  });

  it('gives an answer or a code, from any text', () => {
    fc.assert(fc.property(fc.string({ maxLength: 200, unit: 'grapheme' }), endsInACode), { numRuns: 1_000 });
    const signs = fc.constantFrom(
      ...Array.from('()[]{}.,:?!-+*/%<>=&|"\'\\ abrx01u\n'),
      'in',
      'has',
      'true',
      'metadata',
      'all',
    );
    fc.assert(
      fc.property(
        fc.array(signs, { maxLength: 60 }).map((parts) => parts.join('')),
        endsInACode,
      ),
      { numRuns: 3_000 },
    );
  });

  it('means what the library that parses it means by it', () => {
    const declared = ['metadata', 'results', 'payload'].reduce(
      (environment, name) => environment.registerVariable(name, 'map<string, dyn>'),
      new Environment({}).registerVariable('visits', 'map<string, int>').registerVariable('tenant', 'string'),
    );
    const whole = (value: unknown): unknown => {
      if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
      if (Array.isArray(value)) return value.map(whole);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, whole(member)]));
    };
    const { scope, workflow } = input();
    const context = whole({ ...scope, payload: payloadOfTests, tenant: workflow.tenant }) as Record<string, unknown>;
    let compared = 0;
    fc.assert(
      fc.property(expression, (text) => {
        fc.pre(checkCondition(text) === undefined);
        let theirs: unknown;
        try {
          theirs = declared.evaluate(text, context);
        } catch {
          return;
        }
        if (typeof theirs !== 'boolean') return;
        compared++;
        expect(holds(text)).toBe(theirs);
      }),
      { numRuns: 2_000, maxSkipsPerRun: 1_000 },
    );
    expect(compared).toBeGreaterThan(100);
  });
});

describe('the payload in a condition', () => {
  it('shows what the initiator may read, and nothing to those who may not', async () => {
    const repository = await openRepository({ nodes: createMemoryNodeStore(), blobs: createMemoryBlobStore() });
    await bootstrapRepository(repository);
    await repository.withSession(adminUser, async (session) => {
      await createUser(session, { id: 'ada', email: 'ada@example.com' });
      await createUser(session, { id: 'eve', email: 'eve@example.com' });
      const path = '/content/dam/a';
      await session.ensureNode(path, { primaryType: 'nt:unstructured', properties: { 'jcr:title': 'A' } });
      const sizes = [1, 2n ** 60n];
      await session.ensureNode(`${path}/jcr:content`, { primaryType: 'nt:unstructured', properties: { sizes } });
      await grant(session, path, 'ada', ['jcr:read']);
      await session.save();
    });
    const evaluate = createConditions(repository);
    const of = (initiator: string, ...conditions: string[]) =>
      evaluate({ ...input(...conditions), workflow: { ...input().workflow, initiator } });
    expect(await of('ada', 'payload.properties["jcr:title"] == "A" && payload.type == "nt:unstructured"')).toBe(0);
    expect(await of('ada', 'payload.content.properties.sizes[0] == 1')).toBe(0);
    expect(await of('eve', 'has(payload.type)', 'payload.path == "/content/dam/a"')).toBe(1);
    expect(await of('nobody', 'has(payload.type)', 'payload.path == "/content/dam/a"')).toBe(1);
    await expect(of('eve', 'payload.type == "x"')).rejects.toMatchObject({ code: 'CONDITION_FAILED' });
    await repository.close();
  });
});
