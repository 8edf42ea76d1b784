/**
 * Reads a model of AEM (`cq:WorkflowModel`: `nodes`, and `transitions` from one to the other) into the form of Satchel. The graph is
 * walked from its start: splits end at the join that all their branches lead to, a transition back becomes a goto. What has no
 * counterpart is a problem of the node it stands at, never left out unsaid.
 */
import type { MergedResource } from '../../repository/overlay/api.js';
import { nearestName } from '../../workflows/contract/nearest-name.js';
import { classicProcesses, counterpartsOf } from './classic-processes.js';
import { kinds, modelType } from './descriptions.js';
import { plainResource } from './plain-resource.js';
import type { ModelProblem, ModelProblemKind } from './problems.js';

export interface ClassicModel {
  readonly resource: MergedResource;
  readonly problems: readonly ModelProblem[];
}

/**
 * @param model the node of type cq:WorkflowModel @param pageTitle of the page it lies on
 * @param pathOf for problems
 */
export function readClassicModel(
  model: MergedResource,
  pageTitle: string | undefined,
  pathOf: (node: MergedResource) => string,
): ClassicModel {
  const walk = new ClassicWalk(model, pathOf);
  const children = walk.run();
  const meta = model.child('metaData');
  const transient = model.boolean('transient') ?? meta?.boolean('transient');
  const notifyOnComplete = model.boolean('notifyOnComplete') ?? meta?.boolean('notifyOnComplete');
  const title = model.text('title') ?? model.text('jcr:title') ?? pageTitle;
  const properties = { 'jcr:title': title, transient, notifyOnComplete };
  const resource = plainResource({ name: model.name, type: modelType, properties, children }, model, pathOf(model));
  return { resource, problems: walk.problems };
}

interface Transition {
  readonly to: string;
  readonly node: MergedResource;
  /** What its rule always says; `undefined` for a script. */
  readonly rule: boolean | undefined;
}

/** Steps one after the other, and the node that they lead to. */
interface Sequence {
  readonly steps: readonly MergedResource[];
  /** Name of a join or end; `undefined` where the walk could not go on. */
  readonly end: string | undefined;
}

/** Deeper nesting is refused when the model is pinned; this only keeps the walk from going on for ever. */
const maxDepth = 50;
const defaultExternalSeconds = 86_400;

class ClassicWalk {
  readonly problems: ModelProblem[] = [];
  readonly #nodes: ReadonlyMap<string, MergedResource>;
  readonly #transitions = new Map<string, Transition[]>();
  readonly #visited = new Set<string>();
  readonly #model: MergedResource;
  readonly #pathOf: (node: MergedResource) => string;

  constructor(model: MergedResource, pathOf: (node: MergedResource) => string) {
    this.#model = model;
    this.#pathOf = pathOf;
    this.#nodes = new Map(model.child('nodes')?.children.map((node) => [node.name, node]));
    for (const node of model.child('transitions')?.children ?? []) {
      const from = node.text('from') ?? '';
      const to = node.text('to') ?? '';
      if (!this.#nodes.has(from) || !this.#nodes.has(to)) {
        this.#report(
          'classic-structure',
          node,
          `leads from "${from}" to "${to}", of which one is no node of the model`,
        );
        continue;
      }
      const rule = constantRule(node.text('rule') ?? '');
      if (rule === undefined) {
        this.#report(
          'classic-rule',
          node,
          `has the rule ${JSON.stringify((node.text('rule') ?? '').slice(0, 100))}, a script; scripts are not run: make it true or false, or write the condition in CEL in a model of Satchel`,
        );
      }
      this.#transitions.set(from, [...(this.#transitions.get(from) ?? []), { to, node, rule }]);
    }
  }

  run(): readonly MergedResource[] {
    const starts = [...this.#nodes.values()].filter((node) => node.text('type') === 'START');
    const [start] = starts;
    if (!start || starts.length > 1) {
      this.#report('classic-structure', this.#model, `has ${starts.length} nodes of type START, and needs one`);
      return [];
    }
    const { steps, end } = this.#sequence(start.name, 0);
    const last = end === undefined ? undefined : this.#nodes.get(end);
    if (last && last.text('type') !== 'END') {
      this.#report('classic-structure', last, 'joins branches that no split before it has opened');
    }
    for (const [name, node] of this.#nodes) {
      if (this.problems.length > 0 || this.#visited.has(name) || node.text('type') === 'END') continue;
      this.#report('unreachable', node, 'is not led to by any transition; remove it, or let one lead to it');
    }
    return steps;
  }

  #sequence(from: string, depth: number): Sequence {
    const steps: MergedResource[] = [];
    /** The first step that each node of this sequence became, for gotos. */
    const placed = new Map<string, string | undefined>();
    let at: string | undefined = from;
    while (at !== undefined) {
      const node: MergedResource | undefined = this.#nodes.get(at);
      if (!node) return { steps, end: undefined };
      const type = node.text('type') ?? '';
      if (type === 'END' || type === 'AND_JOIN' || type === 'OR_JOIN') return { steps, end: at };
      if (this.#visited.has(at) || depth > maxDepth) {
        this.#report('classic-structure', node, 'is led to from several places that no split opens and no join closes');
        return { steps, end: undefined };
      }
      this.#visited.add(at);
      placed.set(at, undefined);
      const first = steps.length;
      const next: string | undefined =
        type === 'AND_SPLIT' || type === 'OR_SPLIT'
          ? this.#split(node, type, steps, placed, depth)
          : this.#plain(node, steps, placed);
      placed.set(at, steps[first]?.name);
      at = next;
    }
    return { steps, end: undefined };
  }

  /** @returns what comes next */
  #plain(node: MergedResource, steps: MergedResource[], placed: Map<string, string | undefined>): string | undefined {
    const made = this.#stepsOf(node);
    steps.push(...made);
    placed.set(node.name, made[0]?.name);
    const { forward, back } = this.#ways(node, placed);
    this.#goBack(node, back, steps, placed);
    const [next] = forward;
    if (!next) {
      this.#report('classic-structure', node, 'leads nowhere; let a transition lead to the node of type END');
    } else if (forward.length > 1) {
      const names = forward.map(({ to }) => to).join(', ');
      this.#report(
        'classic-structure',
        node,
        `leads to several nodes (${names}), and only a split may; put an OR split after it`,
      );
    }
    return next?.to;
  }

  #split(
    node: MergedResource,
    type: 'AND_SPLIT' | 'OR_SPLIT',
    steps: MergedResource[],
    placed: Map<string, string | undefined>,
    depth: number,
  ): string | undefined {
    const { forward, back } = this.#ways(node, placed, type === 'AND_SPLIT');
    if (type === 'AND_SPLIT' && back.length > 0) {
      this.#report('classic-structure', node, 'leads back from an AND split; only an OR split may');
    } else this.#goBack(node, back, steps, placed);
    const [only] = forward;
    if (!only) {
      this.#report('classic-structure', node, 'leads nowhere; let transitions lead to its branches');
      return undefined;
    }
    // The way on of a loop, not a branch.
    if (forward.length === 1 && back.length > 0) return only.to;
    const branches = forward.map(({ to }) => this.#sequence(to, depth + 1));
    const ends = new Set(branches.flatMap(({ end }) => end ?? []));
    const [end] = ends;
    if (ends.size > 1) {
      const where = [...ends].join(', ');
      this.#report(
        'classic-structure',
        node,
        `has branches that end at different nodes (${where}); lead them all to one join`,
      );
    }
    if (type === 'OR_SPLIT') this.#conditionsOf(node, forward);
    const kind = type === 'AND_SPLIT' ? kinds.and : kinds.or;
    const children = branches.map((branch, index) => {
      const last = index === branches.length - 1;
      const { rule, node: transition } = forward[index] ?? { node };
      // The last one that is always taken is what is taken when no other is.
      const condition = type === 'AND_SPLIT' || (rule !== false && last) ? undefined : String(rule ?? false);
      return this.#make(
        { name: `branch${index + 1}`, type: kinds.branch.nodeType, properties: { condition }, children: branch.steps },
        transition,
      );
    });
    steps.push(
      this.#make({ name: node.name, type: kind.nodeType, properties: { 'jcr:title': titleOf(node) }, children }, node),
    );
    const join = end === undefined ? undefined : this.#nodes.get(end);
    if (!join || join.text('type') === 'END') return end;
    this.#visited.add(join.name);
    const joined = join.text('type');
    if (joined !== type.replace('SPLIT', 'JOIN')) {
      this.#report('classic-structure', join, `is of type ${joined ?? ''}, and joins what an ${type} has opened`);
    }
    const [next, ...others] = this.#transitions.get(join.name) ?? [];
    if (!next || others.length > 0) this.#report('classic-structure', join, 'must lead to one node');
    return next?.to;
  }

  #conditionsOf(node: MergedResource, forward: readonly Transition[]): void {
    const always = forward.findIndex(({ rule }) => rule === true);
    const never = forward[always + 1];
    if (always < 0 || !never || forward.some(({ rule }) => rule === undefined)) return;
    this.#report(
      'classic-ignored',
      node,
      `always takes its branch to "${forward[always]?.to ?? ''}", so that those after it never run`,
    );
  }

  /** The transitions that may be taken, to where the walk was in this sequence and to where it was not. */
  #ways(node: MergedResource, placed: ReadonlyMap<string, string | undefined>, all = false) {
    const isSplit = node.text('type') === 'OR_SPLIT';
    const ways = (this.#transitions.get(node.name) ?? []).filter(({ rule }) => all || isSplit || rule !== false);
    const back = ways.filter(({ to, rule }) => placed.has(to) && rule !== false);
    return { back, forward: ways.filter(({ to }) => !placed.has(to)) };
  }

  #goBack(
    node: MergedResource,
    back: readonly Transition[],
    steps: MergedResource[],
    placed: ReadonlyMap<string, string | undefined>,
  ): void {
    for (const [index, transition] of back.entries()) {
      const names = [...placed.keys()];
      const candidates = names.slice(names.indexOf(transition.to)).map((name) => placed.get(name));
      const target = candidates.find((name) => name !== undefined);
      if (target === undefined) {
        this.#report('classic-structure', transition.node, 'leads back to a place where nothing runs');
        continue;
      }
      const name = `${node.name}-back${index === 0 ? '' : index + 1}`;
      const condition = transition.rule === undefined ? 'false' : undefined;
      steps.push(this.#make({ name, type: kinds.goto.nodeType, properties: { target, condition } }, transition.node));
    }
  }

  #stepsOf(node: MergedResource): MergedResource[] {
    const meta = node.child('metaData') ?? node;
    const timeout = Number(meta.text('timeoutMillis') ?? NaN);
    const advances = (meta.text('timeoutHandler') ?? '').endsWith('AutoAdvancer');
    const common = {
      'jcr:title': titleOf(node),
      timeoutSeconds: timeout > 0 ? Math.ceil(timeout / 1_000) : undefined,
      // The timeout handler of AEM that goes on.
      onError: advances ? 'continue' : undefined,
    };
    const type = node.text('type') ?? '';
    switch (type) {
      case 'START':
        return [];
      case 'PROCESS':
        return this.#process(node, meta, meta.text('PROCESS'), common);
      case 'PARTICIPANT': {
        const properties = {
          ...common,
          assignee: meta.text('PARTICIPANT'),
          'jcr:description': meta.text('DESCRIPTION') ?? node.text('description'),
        };
        return [this.#make({ name: node.name, type: kinds.participant.nodeType, properties }, node)];
      }
      case 'DYNAMIC_PARTICIPANT': {
        const chooser = meta.text('DYNAMIC_PARTICIPANT') ?? meta.text('PARTICIPANT_CHOOSER') ?? '';
        this.#report(
          'classic-participant',
          node,
          `lets "${chooser}" choose the person; make it a PARTICIPANT with the user or group in metaData/PARTICIPANT`,
        );
        return [];
      }
      case 'CONTAINER': {
        const { 'jcr:title': title, onError } = common;
        const model = meta.text('CONTAINER') ?? meta.text('WORKFLOW_MODEL') ?? meta.text('model');
        const properties = { 'jcr:title': title, onError, model };
        return [this.#make({ name: node.name, type: kinds.container.nodeType, properties }, node)];
      }
      case 'EXTERNAL_PROCESS': {
        const [start] = this.#process(node, meta, meta.text('EXTERNAL_PROCESS') ?? meta.text('PROCESS'), {}, 'start');
        const { 'jcr:title': title, onError, timeoutSeconds = defaultExternalSeconds } = common;
        const properties = { 'jcr:title': title, onError, timeoutSeconds };
        const children = start ? [start] : [];
        return [this.#make({ name: node.name, type: kinds.external.nodeType, properties, children }, node)];
      }
      default:
        this.#report('classic-structure', node, `is of the type "${type}", which is not known`);
        return [];
    }
  }

  #process(
    node: MergedResource,
    meta: MergedResource,
    process: string | undefined,
    properties: Readonly<Record<string, string | number | undefined>>,
    name = node.name,
  ): MergedResource[] {
    const counterparts = process === undefined ? undefined : counterpartsOf(process.trim());
    if (!counterparts) {
      const known = Object.keys(classicProcesses);
      const className = (process ?? '').slice((process ?? '').lastIndexOf('.') + 1);
      const nearest = nearestName(className, known);
      const hint = nearest === undefined ? `known are ${known.join(', ')}` : `did you mean "${nearest}"?`;
      this.#report(
        'classic-process',
        node,
        `names the process "${process ?? ''}", which has no counterpart here (${hint}); write a step for it and put its id, as acme/step, into metaData/PROCESS`,
      );
      return [];
    }
    const args = meta.text('PROCESS_ARGS');
    if (args !== undefined && args.trim() !== '')
      this.#report('classic-ignored', node, `has PROCESS_ARGS, which ${counterparts[0]?.step ?? ''} does not read`);
    if (meta.boolean('PROCESS_AUTO_ADVANCE') === false)
      this.#report(
        'classic-ignored',
        node,
        'has PROCESS_AUTO_ADVANCE false; the workflow goes on when the step has ended',
      );
    return counterparts.map(({ suffix, title, step, major, config }) => {
      const children = config
        ? [this.#make({ name: 'config', type: 'nt:unstructured', properties: config }, node)]
        : [];
      const own = { ...properties, step, major, ...(title !== undefined && { 'jcr:title': title }) };
      return this.#make(
        {
          name: suffix === undefined ? name : `${name}-${suffix}`,
          type: kinds.process.nodeType,
          properties: own,
          children,
        },
        node,
      );
    });
  }

  #make(node: Parameters<typeof plainResource>[0], origin: MergedResource): MergedResource {
    return plainResource(node, origin, this.#pathOf(origin));
  }

  #report(kind: ModelProblemKind, node: MergedResource, problem: string): void {
    this.problems.push({ kind, path: this.#pathOf(node), problem });
  }
}

function titleOf(node: MergedResource): string | undefined {
  const title = node.text('title') ?? node.text('jcr:title');
  return title === undefined || title.trim() === '' ? undefined : title;
}

const constant = /^(?:function\s+check\s*\(\s*\)\s*\{\s*return\s+(true|false)\s*;?\s*\}\s*;?|(true|false))?$/;

/** `function check() { return true; }`, as AEM writes rules; none is one that is always true. */
function constantRule(rule: string): boolean | undefined {
  if (rule.length > 2_000) return undefined;
  const code = rule.replaceAll(/\/\*[^]*?\*\/|\/\/[^\n]*/g, '').trim();
  const match = constant.exec(code);
  return match ? (match[1] ?? match[2]) !== 'false' : undefined;
}
