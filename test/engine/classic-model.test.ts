import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readClassicModel } from '../../engine/models/classic-model.js';
import { modelIdOf } from '../../engine/models/find-model.js';
import { plainResource } from '../../engine/models/plain-resource.js';
import type { MergedResource } from '../../repository/overlay/api.js';
import { propertyTexts } from '../../repository/property-text.js';
import { parseDocView } from '../../repository/vault/docview.js';
import type { NodeDeclaration } from '../../repository/vault/node-declaration.js';
import type { PinnedNode } from '../../workflows/contract/model.js';
import { model, modelRoot, modelWorld, step, type ModelWorld, type Tree } from './model-world.js';

/** A model in the notation of content packages, as AEM writes it: nodes by name and type, transitions `a→b` or `a→b: rule`. */
function classicXml(
  nodes: Readonly<Record<string, string>>,
  transitions: readonly string[],
  { title = 'Classic', metaData = '' } = {},
): string {
  const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  const node = ([name, text]: [string, string]) => {
    const [type = '', ...meta] = text.split('|');
    return `<${name} jcr:primaryType="cq:WorkflowNode" title="${name}" type="${type}">
      <metaData jcr:primaryType="nt:unstructured" ${meta.join(' ')}/>
    </${name}>`;
  };
  const transition = (text: string, index: number) => {
    const [, from = '', to = '', rule = ''] = /^(\w+)→(\w+)(?:: (.*))?$/s.exec(text) ?? [];
    return `<node_x0023_${index} jcr:primaryType="cq:WorkflowTransition" from="${from}" rule="${escape(rule)}" to="${to}">
      <metaData jcr:primaryType="nt:unstructured"/>
    </node_x0023_${index}>`;
  };
  return `<?xml version="1.0" encoding="UTF-8"?>
<jcr:root xmlns:cq="http://www.day.com/jcr/cq/1.0" xmlns:jcr="http://www.jcp.org/jcr/1.0" xmlns:nt="http://www.jcp.org/jcr/nt/1.0"
    jcr:primaryType="cq:WorkflowModel" title="${title}" description="As AEM has it">
  <metaData jcr:primaryType="nt:unstructured" ${metaData}/>
  <nodes jcr:primaryType="nt:unstructured">${Object.entries(nodes).map(node).join('\n')}</nodes>
  <transitions jcr:primaryType="nt:unstructured">${transitions.map(transition).join('\n')}</transitions>
</jcr:root>`;
}

const treeOf = ({ properties, children }: NodeDeclaration): Tree => ({
  ...Object.fromEntries(properties),
  'jcr:primaryType': propertyTexts(properties.get('jcr:primaryType'))[0] ?? 'nt:unstructured',
  ...Object.fromEntries(children.map((child) => [child.name, treeOf(child)])),
});

async function treeOfXml(xml: string): Promise<Tree> {
  async function* bytes() {
    yield await Promise.resolve(Buffer.from(xml));
  }
  const declaration = await parseDocView(bytes(), { file: '.content.xml', optional: false });
  if (!declaration) throw new Error('no document');
  return treeOf(declaration);
}

const always = 'function check(){\n    return true;\n}';
const never = 'function check() { return false }';
const plain = 'PROCESS|PROCESS="test/plain" PROCESS_AUTO_ADVANCE="true"';
const packageName = 'com.day.cq.dam.core.process';

/** The model of AEM "Download Asset", and of its notification. */
const downloadXml = classicXml(
  {
    node0: 'START',
    node1: `PROCESS|PROCESS="${packageName}.DownloadAssetProcess" PROCESS_AUTO_ADVANCE="true"`,
    node2: `PROCESS|PROCESS="${packageName}.SendDownloadAssetEmailProcess" PROCESS_AUTO_ADVANCE="true" timeoutMillis="{Long}90500"`,
    node3: 'END',
  },
  ['node0→node1', 'node1→node2', 'node2→node3'],
  { title: 'DAM Download Asset', metaData: 'transient="{Boolean}false" tags="dam"' },
);

const at = '/var/workflow/models/acme/classic';
const world = async (xml: string, path = at): Promise<ModelWorld> => modelWorld({ [path]: await treeOfXml(xml) });

/** `a`, `[x & y]` for all branches, `[c? x | y]` for one of them, `a>b` for a goto from a to b, `(…)` in a branch. */
const sketch = (nodes: readonly PinnedNode[]): string =>
  nodes
    .map((node) => {
      switch (node.kind) {
        case 'and':
        case 'or':
          return `[${node.branches
            .map(({ condition, steps }) => `${condition === undefined ? '' : `${condition}? `}${sketch(steps)}`)
            .join(node.kind === 'and' ? ' & ' : ' | ')}]`;
        case 'goto':
          return `${node.name}>${node.target}`;
        default:
          return node.name.slice(node.name.lastIndexOf('/') + 1);
      }
    })
    .join(' ');

const sketchOf = async (nodes: Readonly<Record<string, string>>, transitions: readonly string[]) => {
  const {
    model: pinned,
    problems,
    warnings,
  } = await (await world(classicXml(nodes, transitions))).examine('acme/classic');
  return { sketch: sketch(pinned.steps), problems: problems.map(({ problem }) => problem), warnings };
};

describe('a classic model', () => {
  it('of any shape is read to its end, or refused', () => {
    const types = ['START', 'END', 'PROCESS', 'AND_SPLIT', 'AND_JOIN', 'OR_SPLIT', 'OR_JOIN', 'PARTICIPANT', ''];
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const name = fc.constantFrom(...names);
    const nodes = fc.tuple(...names.map(() => fc.constantFrom(...types)));
    const transition = fc.record({ from: name, to: name, rule: fc.constantFrom('', always, never, 'x') });
    const pathOf = ({ path }: MergedResource) => path;
    const origin = { path: '/m', layers: ['/var'] } as unknown as MergedResource;
    fc.assert(
      fc.property(nodes, fc.array(transition, { maxLength: 16 }), (kinds, transitions) => {
        const folder = (child: string, children: readonly MergedResource[]) =>
          plainResource({ name: child, type: 'nt:unstructured', children }, origin, '/m');
        const typed = kinds.map((type, index) =>
          plainResource({ name: names[index] ?? '', type: 'cq:WorkflowNode', properties: { type } }, origin, '/m'),
        );
        const ways = transitions.map((properties, index) =>
          plainResource({ name: `t${index}`, type: 'cq:WorkflowTransition', properties }, origin, '/m'),
        );
        const root = plainResource(
          { name: 'm', type: 'cq:WorkflowModel', children: [folder('nodes', typed), folder('transitions', ways)] },
          origin,
          '/m',
        );
        const { resource, problems } = readClassicModel(root, undefined, pathOf);
        // Every node is somewhere, or something is said.
        if (problems.length > 0) return;
        expect(kinds.filter((type) => type === 'START')).toHaveLength(1);
        const made: string[] = [];
        const visit = (node: MergedResource): void => {
          made.push(node.name);
          for (const child of node.children) visit(child);
        };
        visit(resource);
        const left = names.filter((_, index) => kinds[index]?.endsWith('_SPLIT') && !made.includes(names[index] ?? ''));
        // A split that is only the way back of a loop leaves a goto.
        expect(left.filter((split) => !made.includes(`${split}-back`))).toEqual([]);
      }),
      { numRuns: 5_000 },
    );
  });

  it('of a download runs our steps', async () => {
    const { model: pinned, problems, warnings, path } = await (await world(downloadXml)).examine('acme/classic');
    expect([...problems, ...warnings]).toEqual([]);
    expect(path).toBe(at);
    expect(pinned).toMatchObject({ id: 'acme/classic', title: 'DAM Download Asset', transient: false });
    expect(pinned.steps).toMatchObject([
      { name: 'node1-plan', id: 'dam/plan-download' },
      { name: 'node1-render', id: 'dam/render' },
      { name: 'node1-package', id: 'dam/package' },
      { name: 'node1-deliver', id: 'dam/deliver' },
      { name: 'node2', id: 'notify/email', title: 'node2', config: { template: 'downloadasset' }, timeoutSeconds: 91 },
    ]);
  });

  it('that is transient keeps no record, and tells of its end', async () => {
    const notification = `PROCESS|PROCESS="com.day.cq.dam.core.impl.process.SendTransientWorkflowCompletedEmailProcess"`;
    const xml = classicXml({ a: 'START', b: notification, c: 'END' }, ['a→b', 'b→c'], { metaData: 'transient="true"' });
    const completed = model({ only: step({ step: 'test/plain' }) });
    const both = await modelWorld({ [at]: await treeOfXml(xml), [`${modelRoot}/dam/transient-completed`]: completed });
    const { model: pinned, problems } = await both.examine('acme/classic');
    expect(problems).toEqual([]);
    expect(pinned).toMatchObject({
      transient: true,
      steps: [{ id: 'notify/email', config: { template: 'transientworkflowcompleted' } }],
      completion: { id: 'dam/transient-completed' },
    });
  });

  it.each([
    ['/conf/global/settings/workflow/models/acme/classic/jcr:content/model', 'acme/classic'],
    ['/conf/aurora/settings/workflow/models/acme/classic/jcr:content/model', 'acme/classic'],
    ['/var/workflow/models/acme/classic', '/var/workflow/models/acme/classic'],
    ['/etc/workflow/models/classic/jcr:content/model', '/etc/workflow/models/classic/jcr:content/model'],
  ])('is found at %s', async (path, id) => {
    const { model: pinned, problems } = await (await world(downloadXml, path)).examine(id);
    expect(problems).toEqual([]);
    expect(pinned.steps).toHaveLength(5);
    expect(pinned.id).toBe(modelIdOf(path));
  });

  it('whose page is only its drawing is the one below /var', async () => {
    const page: Tree = {
      'jcr:primaryType': 'cq:Page',
      'jcr:content': { 'jcr:primaryType': 'cq:PageContent', flow: {} },
    };
    const both = await modelWorld({
      '/conf/global/settings/workflow/models/acme/classic': page,
      [at]: await treeOfXml(downloadXml),
    });
    expect((await both.examine('acme/classic')).path).toBe(at);
  });

  it('runs its branches at once between AND_SPLIT and AND_JOIN, splits in splits too', async () => {
    const nodes = {
      s: 'START',
      x: 'AND_SPLIT',
      a: plain,
      y: 'OR_SPLIT',
      b: plain,
      c: plain,
      z: 'OR_JOIN',
      j: 'AND_JOIN',
      d: plain,
      e: 'END',
    };
    const transitions = [
      's→x',
      'x→a',
      'x→y',
      `y→b: ${never}`,
      `y→c: ${always}`,
      'b→z',
      'c→z',
      'z→j',
      'a→j',
      'j→d',
      'd→e',
    ];
    expect(await sketchOf(nodes, transitions)).toEqual({
      sketch: '[a & [false? b | c]] d',
      problems: [],
      warnings: [],
    });
  });

  it('takes the first branch whose rule is true, and may do nothing in one', async () => {
    const nodes = { s: 'START', y: 'OR_SPLIT', b: plain, z: 'OR_JOIN', e: 'END' };
    const answer = await sketchOf(nodes, ['s→y', `y→b: ${never}`, `y→z: ${always}`, 'b→z', 'z→e']);
    expect(answer).toEqual({ sketch: '[false? b | ]', problems: [], warnings: [] });
    const other = await sketchOf({ ...nodes, c: plain }, [
      's→y',
      `y→b: ${always}`,
      `y→c: ${always}`,
      'b→z',
      'c→z',
      'z→e',
    ]);
    expect(other).toMatchObject({ sketch: '[true? b | c]', problems: [] });
    expect(other.warnings).toMatchObject([{ kind: 'classic-ignored', path: `${at}/nodes/y` }]);
  });

  it('goes back where a transition does', async () => {
    const nodes = { s: 'START', a: plain, b: plain, y: 'OR_SPLIT', c: plain, e: 'END' };
    const loop = await sketchOf(nodes, ['s→a', 'a→b', 'b→y', `y→a: ${always}`, `y→c: ${always}`, 'c→e']);
    expect(loop).toEqual({ sketch: 'a b y-back>a c', problems: [], warnings: [] });
    const direct = await sketchOf({ s: 'START', a: plain, e: 'END' }, ['s→a', 'a→a', 'a→e']);
    expect(direct).toEqual({ sketch: 'a a-back>a', problems: [], warnings: [] });
  });

  it('has people, containers and waits', async () => {
    const nodes = {
      s: 'START',
      ask: 'PARTICIPANT|PARTICIPANT="administrators" DESCRIPTION="Look at it" timeoutMillis="{Long}1000" timeoutHandler="com.adobe.granite.workflow.core.job.AutoAdvancer"',
      inner: 'CONTAINER|CONTAINER="/var/workflow/models/acme/inner"',
      wait: 'EXTERNAL_PROCESS|EXTERNAL_PROCESS="test/plain" timeoutMillis="{Long}60000"',
      e: 'END',
    };
    const both = await modelWorld({
      [at]: await treeOfXml(classicXml(nodes, ['s→ask', 'ask→inner', 'inner→wait', 'wait→e'])),
      '/var/workflow/models/acme/inner': await treeOfXml(downloadXml),
    });
    const { model: pinned, problems } = await both.examine('acme/classic');
    expect(problems).toEqual([]);
    expect(pinned.steps).toMatchObject([
      {
        kind: 'participant',
        assignee: 'administrators',
        description: 'Look at it',
        timeoutSeconds: 1,
        onError: 'continue',
      },
      { kind: 'container', model: { id: 'acme/inner' } },
      { kind: 'external', timeoutSeconds: 60, start: { name: 'wait/start', id: 'test/plain' } },
    ]);
  });

  it.each<[string, Readonly<Record<string, string>>, readonly string[], string]>([
    [
      'that joins nothing',
      { s: 'START', a: plain, j: 'AND_JOIN', e: 'END' },
      ['s→a', 'a→j', 'j→e'],
      'joins branches that no split',
    ],
    ['with an unknown type', { s: 'START', a: 'LOOP', e: 'END' }, ['s→a', 'a→e'], 'is of the type "LOOP"'],
    ['that leads nowhere', { s: 'START', a: plain }, ['s→a'], 'leads nowhere'],
    [
      'with a node nothing leads to',
      { s: 'START', a: plain, b: plain, e: 'END' },
      ['s→a', 'a→e', 'b→e'],
      'is not led to by any transition',
    ],
    [
      'that joins with the other kind',
      { s: 'START', x: 'AND_SPLIT', a: plain, b: plain, j: 'OR_JOIN', e: 'END' },
      ['s→x', 'x→a', 'x→b', 'a→j', 'b→j', 'j→e'],
      'is of type OR_JOIN',
    ],
    [
      'whose branches do not meet',
      { s: 'START', x: 'AND_SPLIT', a: plain, b: plain, j: 'AND_JOIN', e: 'END' },
      ['s→x', 'x→a', 'x→b', 'a→j', 'b→e', 'j→e'],
      'lead them all to one join',
    ],
    [
      'whose branches cross',
      { s: 'START', x: 'AND_SPLIT', a: plain, b: plain, j: 'AND_JOIN', e: 'END' },
      ['s→x', 'x→a', 'x→b', 'a→b', 'b→j', 'j→e'],
      'is led to from several places',
    ],
    [
      'that goes back out of a branch',
      { s: 'START', z: plain, x: 'OR_SPLIT', a: plain, b: plain, j: 'OR_JOIN', e: 'END' },
      ['s→z', 'z→x', `x→a: ${never}`, 'x→b', 'a→z', 'b→j', 'j→e'],
      'is led to from several places',
    ],
  ])('%s is refused by name', async (_, nodes, transitions, problem) => {
    const answer = await sketchOf(nodes, transitions);
    expect(answer.problems).toContainEqual(expect.stringContaining(problem));
  });

  it('refuses rules that only look constant', async () => {
    const rules = [
      'return true;',
      'function check(){ return true || x; }',
      'function check(){ steal(); return true; }',
      '/etc/workflow/scripts/x.ecma',
    ];
    for (const rule of rules) {
      const answer = await sketchOf({ s: 'START', y: 'OR_SPLIT', b: plain, c: plain, z: 'OR_JOIN', e: 'END' }, [
        's→y',
        `y→b: ${rule}`,
        'y→c',
        'b→z',
        'c→z',
        'z→e',
      ]);
      expect(answer.problems).toEqual([expect.stringContaining('scripts are not run')]);
    }
  });
});
