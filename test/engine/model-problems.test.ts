/** Makes every problem of a model happen, and holds the table in docs/workflows.md to the one in the code. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { findUnknownAssignees } from '../../engine/models/find-unknown-assignees.js';
import { modelProblems, warningKinds, type ModelProblemKind } from '../../engine/models/problems.js';
import {
  and,
  branch,
  container,
  external,
  goto,
  model,
  modelRoot,
  modelWorld,
  or,
  participant,
  step,
  type Tree,
} from './model-world.js';

const plain = step({ step: 'test/plain' });
const classic = (nodes: Tree, transitions: Tree): Tree => ({
  'jcr:primaryType': 'cq:WorkflowModel',
  nodes,
  transitions,
});
const start = { type: 'START' };
const end = { type: 'END' };
const deep = (levels: number): Tree => (levels === 0 ? plain : and({ b: branch({ s: deep(levels - 1) }) }));

interface Case {
  readonly kind: ModelProblemKind;
  readonly title: string;
  /** The model test/model, or what lies below its models' root. */
  readonly nodes: Tree;
  /** Below the model. */
  readonly at: string;
  /** What the message must say. */
  readonly says: string;
  readonly also?: Readonly<Record<string, Tree>>;
}

const cases: readonly Case[] = [
  { kind: 'no-steps', title: 'no nodes', nodes: {}, at: '', says: 'add a child of type satchel:WorkflowStep' },
  {
    kind: 'missing-property',
    title: 'a step that names none',
    nodes: { a: step({}) },
    at: '/a',
    says: 'has no property "step"',
  },
  {
    kind: 'missing-property',
    title: 'a participant step for nobody',
    nodes: { a: participant({}) },
    at: '/a',
    says: 'has no property "assignee"',
  },
  {
    kind: 'missing-property',
    title: 'a goto to nowhere',
    nodes: { a: goto({}) },
    at: '/a',
    says: 'has no property "target"',
  },
  {
    kind: 'missing-property',
    title: 'a container of nothing',
    nodes: { a: container({}) },
    at: '/a',
    says: 'has no property "model"',
  },
  {
    kind: 'unknown-property',
    title: 'a misspelt property',
    nodes: { a: step({ step: 'test/plain', timeoutSecond: 3 }) },
    at: '/a',
    says: 'has a property "timeoutSecond", which nothing reads; did you mean "timeoutSeconds"?',
  },
  {
    kind: 'unknown-property',
    title: 'a misspelt property of the model',
    nodes: { transent: true, a: plain },
    at: '',
    says: 'did you mean "transient"?',
  },
  {
    kind: 'unknown-property',
    title: 'a condition in an AND split',
    nodes: { a: and({ b: branch({ condition: 'true', s: plain }) }) },
    at: '/a/b',
    says: 'make it an OR split',
  },
  {
    kind: 'wrong-value',
    title: 'a number too small',
    nodes: { a: step({ step: 'test/plain', parallel: 0 }) },
    at: '/a',
    says: 'a whole number from 1 to 64',
  },
  {
    kind: 'wrong-value',
    title: 'a fraction',
    nodes: { a: external({ timeoutSeconds: 1.5 }) },
    at: '/a',
    says: 'has "timeoutSeconds" 1.5',
  },
  {
    kind: 'wrong-value',
    title: 'a goto too often',
    nodes: { a: plain, b: goto({ target: 'a', maximum: 5_000 }) },
    at: '/b',
    says: 'a whole number from 1 to 1000',
  },
  {
    kind: 'wrong-value',
    title: 'no such choice',
    nodes: { a: step({ step: 'test/plain', onError: 'retry' }) },
    at: '/a',
    says: 'must be "fail" or "continue" or "compensate"',
  },
  {
    kind: 'wrong-value',
    title: 'neither true nor false',
    nodes: { transient: 'yes', a: plain },
    at: '',
    says: 'which must be true or false',
  },
  {
    kind: 'wrong-value',
    title: 'a list',
    nodes: { a: step({ step: ['test/plain', 'test/quick'] }) },
    at: '/a',
    says: 'has "step" a list of 2',
  },
  {
    kind: 'unknown-child',
    title: 'a misspelt child',
    nodes: { a: step({ step: 'test/plain', confg: { x: 1 } }) },
    at: '/a',
    says: 'has a child "confg", which a process step does not read; did you mean "config"?',
  },
  {
    kind: 'unknown-child',
    title: 'a step in a step',
    nodes: { a: participant({ assignee: 'admin', b: plain }) },
    at: '/a',
    says: 'put it beside',
  },
  {
    kind: 'wrong-place',
    title: 'a branch beside steps',
    nodes: { a: branch({ s: plain }), b: plain },
    at: '/a',
    says: 'which only a split has',
  },
  {
    kind: 'wrong-place',
    title: 'a step directly in a split',
    nodes: { a: or({ s: plain, b: branch({ s: plain }) }) },
    at: '/a/s',
    says: 'put it into a child of type satchel:WorkflowBranch',
  },
  {
    kind: 'wrong-place',
    title: 'a person who compensates',
    nodes: { a: step({ step: 'test/plain', compensate: participant({ assignee: 'admin' }) }) },
    at: '/a/compensate',
    says: 'where a process step must stand',
  },
  {
    kind: 'unknown-step',
    title: 'an unknown step',
    nodes: { a: step({ step: 'test/plian' }) },
    at: '/a',
    says: 'did you mean "test/plain"? loaded are',
  },
  {
    kind: 'unknown-step',
    title: 'an unknown major version',
    nodes: { a: step({ step: 'test/plain', major: 7 }) },
    at: '/a',
    says: 'names the step test/plain@7',
  },
  {
    kind: 'wrong-configuration',
    title: 'a wrong configuration',
    nodes: { a: step({ step: 'test/sized', config: { width: 'wide' } }) },
    at: '/a',
    says: 'config/width',
  },
  {
    kind: 'local-not-allowed',
    title: 'a long step that asks to be local',
    nodes: { a: step({ step: 'test/plain', local: true }) },
    at: '/a',
    says: 'remove it',
  },
  {
    kind: 'local-not-allowed',
    title: 'a local step with a queue',
    nodes: { a: step({ step: 'test/quick', queue: 'heavy' }) },
    at: '/a',
    says: 'remove "queue"',
  },
  {
    kind: 'no-branches',
    title: 'a split without branches',
    nodes: { a: and({}) },
    at: '/a',
    says: 'add children of type satchel:WorkflowBranch',
  },
  {
    kind: 'empty-branch',
    title: 'a branch without steps',
    nodes: { a: or({ b: branch({ condition: 'true' }), c: branch({ s: plain }) }) },
    at: '/a/b',
    says: 'add one, or remove the branch',
  },
  {
    kind: 'two-defaults',
    title: 'two branches without a condition',
    nodes: { a: or({ b: branch({ s: plain }), c: branch({ s: plain }) }) },
    at: '/a',
    says: '(b, c); give all but one a condition',
  },
  {
    kind: 'wrong-condition',
    title: 'a condition that does not parse',
    nodes: { a: or({ b: branch({ condition: 'metadata.x ==', s: plain }) }) },
    at: '/a/b',
    says: 'does not parse at character',
  },
  {
    kind: 'wrong-condition',
    title: 'an unknown variable',
    nodes: { a: plain, b: goto({ target: 'a', condition: 'metdata.x' }) },
    at: '/b',
    says: 'did you mean "metadata"?',
  },
  {
    kind: 'unknown-target',
    title: 'a goto to what is not there',
    nodes: { a: plain, b: goto({ target: 'aa' }) },
    at: '/b',
    says: 'did you mean "a"?',
  },
  {
    kind: 'unknown-target',
    title: 'a goto into a branch',
    nodes: { a: and({ b: branch({ s: plain }) }), c: goto({ target: 'a/b/s' }) },
    at: '/c',
    says: 'which stands in another sequence',
  },
  {
    kind: 'goto-itself',
    title: 'a goto to itself',
    nodes: { a: plain, b: goto({ target: 'b' }) },
    at: '/b',
    says: 'name another node',
  },
  {
    kind: 'endless-loop',
    title: 'gotos that go back too often together',
    nodes: { a: plain, b: goto({ target: 'a', maximum: 600 }), c: goto({ target: 'a', maximum: 600 }) },
    at: '',
    says: 'may go back 1200 times in all, more than 1000; lower the "maximum"',
  },
  {
    kind: 'unreachable',
    title: 'what a goto always passes over',
    nodes: { a: goto({ target: 'c' }), b: plain, c: plain },
    at: '/b',
    says: 'remove it, or give the goto a condition',
  },
  {
    kind: 'unknown-model',
    title: 'a container of an unknown model',
    nodes: { a: container({ model: 'test/none' }) },
    at: '/a',
    says: '"satchel workflow models" lists',
  },
  {
    kind: 'unknown-model',
    title: 'an unknown completion model',
    nodes: { transient: true, notifyOnComplete: true, completionModel: 'test/none', a: plain },
    at: '',
    says: 'names the completion model "test/none"',
  },
  {
    kind: 'model-cycle',
    title: 'a model that contains itself through another one',
    nodes: { a: container({ model: 'test/other' }) },
    also: { 'test/other': model({ b: container({ model: 'test/model' }) }) },
    at: '/../other/b',
    says: 'contains itself: test/model → test/other → test/model',
  },
  {
    kind: 'unknown-assignee',
    title: 'an assignee nobody knows',
    nodes: { a: participant({ assignee: 'legal' }) },
    at: '/a',
    says: 'is for "legal", who is neither a user nor a group',
  },
  {
    kind: 'too-deep',
    title: 'splits in splits',
    nodes: { s: deep(9) },
    at: `/s${'/b/s'.repeat(9)}`,
    says: 'more than 8 splits',
  },
  {
    kind: 'too-large',
    title: 'too much configuration',
    nodes: { a: step({ step: 'test/sized', config: { text: 'x'.repeat(70_000) } }) },
    at: '',
    says: 'more than 65536; shorten',
  },
  {
    kind: 'classic-structure',
    title: 'no start',
    nodes: classic({ n: end }, {}),
    at: '',
    says: 'has 0 nodes of type START',
  },
  {
    kind: 'classic-structure',
    title: 'a transition to nowhere',
    nodes: classic({ a: start, b: end }, { t: { from: 'a', to: 'x' } }),
    at: '/transitions/t',
    says: 'of which one is no node',
  },
  {
    kind: 'classic-structure',
    title: 'two ways on without a split',
    nodes: classic(
      { a: start, b: { type: 'PROCESS', metaData: { PROCESS: 'test/plain' } }, c: end, d: end },
      { t: { from: 'a', to: 'b' }, u: { from: 'b', to: 'c' }, v: { from: 'b', to: 'd' } },
    ),
    at: '/nodes/b',
    says: 'put an OR split after it',
  },
  {
    kind: 'classic-rule',
    title: 'a rule that is a script',
    nodes: classic(
      {
        a: start,
        b: { type: 'OR_SPLIT' },
        c: { type: 'PROCESS', metaData: { PROCESS: 'test/plain' } },
        d: { type: 'OR_JOIN' },
        e: end,
      },
      {
        t1: { from: 'a', to: 'b' },
        t2: { from: 'b', to: 'c', rule: 'function check(){ return workflowData.getMetaDataMap().get("x") == 1; }' },
        t3: { from: 'b', to: 'd', rule: 'function check(){ return true; }' },
        t4: { from: 'c', to: 'd' },
        t5: { from: 'd', to: 'e' },
      },
    ),
    at: '/transitions/t2',
    says: 'scripts are not run',
  },
  {
    kind: 'classic-process',
    title: 'a process without a counterpart',
    nodes: classic(
      { a: start, b: { type: 'PROCESS', metaData: { PROCESS: 'com.acme.Watermark' } }, c: end },
      { t: { from: 'a', to: 'b' }, u: { from: 'b', to: 'c' } },
    ),
    at: '/nodes/b',
    says: 'names the process "com.acme.Watermark"',
  },
  {
    kind: 'classic-participant',
    title: 'a person chosen by a script',
    nodes: classic(
      { a: start, b: { type: 'DYNAMIC_PARTICIPANT', metaData: { DYNAMIC_PARTICIPANT: 'com.acme.Chooser' } }, c: end },
      { t: { from: 'a', to: 'b' }, u: { from: 'b', to: 'c' } },
    ),
    at: '/nodes/b',
    says: 'lets "com.acme.Chooser" choose',
  },
  {
    kind: 'classic-ignored',
    title: 'arguments that nothing reads',
    nodes: classic(
      { a: start, b: { type: 'PROCESS', metaData: { PROCESS: 'test/plain', PROCESS_ARGS: 'x=1' } }, c: end },
      { t: { from: 'a', to: 'b' }, u: { from: 'b', to: 'c' } },
    ),
    at: '/nodes/b',
    says: 'has PROCESS_ARGS',
  },
];

describe('what is wrong with a model', () => {
  it.each(cases)('$kind: $title', async ({ kind, nodes, at, says, also = {} }) => {
    const root = `${modelRoot}/test/model`;
    const world = await modelWorld({
      [root]: 'jcr:primaryType' in nodes ? nodes : model(nodes),
      ...Object.fromEntries(Object.entries(also).map(([id, tree]) => [`${modelRoot}/${id}`, tree])),
    });
    const examined = await world.examine('test/model');
    const warnings = [...examined.warnings, ...(await findUnknownAssignees(world.session, examined))];
    const path = `${root}${at}`.replace(/\/[^/]+\/\.\.\//, '/');
    expect(warningKinds.includes(kind) ? warnings : examined.problems).toContainEqual({
      kind,
      path,
      problem: expect.stringContaining(says) as string,
    });
    if (!warningKinds.includes(kind)) return;
    expect(examined.problems).toEqual([]);
  });

  it('is in a table that tells of each, and has a test that makes it happen', async () => {
    const text = await readFile(new URL('../../docs/workflows.md', import.meta.url), 'utf8');
    const [, table = ''] = text.split('## What is checked');
    const rows = [...(table.split('## Models of AEM')[0] ?? '').matchAll(/^\| `([a-z-]+)` \| ([^|]+) \|$/gm)].map(
      ([, kind, meaning]) => [kind, meaning?.trim()],
    );
    expect(rows).toEqual(Object.entries(modelProblems));
    expect(new Set(cases.map(({ kind }) => kind))).toEqual(new Set(Object.keys(modelProblems)));
  });

  it('is not that a goto passes over what a loop reaches after all', async () => {
    const nodes = { a: goto({ target: 'c', maximum: 1 }), b: plain, c: plain, d: goto({ target: 'a', maximum: 2 }) };
    const world = await modelWorld({ [`${modelRoot}/test/model`]: model(nodes) });
    expect((await world.examine('test/model')).problems).toEqual([]);
  });

  it('is not that a property has a namespace, or a node is the repository’s own', async () => {
    const nodes = { 'cq:lastModified': '2024', 'rep:policy': { 'jcr:primaryType': 'rep:ACL' }, a: plain };
    const world = await modelWorld({ [`${modelRoot}/test/model`]: model(nodes) });
    expect((await world.examine('test/model')).problems).toEqual([]);
  });
});
