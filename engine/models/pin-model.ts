/** Turns a model as it was found into the pinned form that one instance runs, and says everything that is wrong with it. */
import { createHash } from 'node:crypto';
import type { AnyStep } from '../../activities/define-step.js';
import { majorOf, type StepRegistry } from '../../activities/registry.js';
import type { MergedResource } from '../../repository/overlay/api.js';
import type { Property } from '../../repository/value.js';
import { nearestName } from '../../workflows/contract/nearest-name.js';
import type {
  JsonObject,
  JsonValue,
  PinnedBranch,
  PinnedModel,
  PinnedNode,
  PinnedStep,
} from '../../workflows/contract/model.js';
import { checkFlow, type FlowItem } from './check-flow.js';
import { kindByType, kinds, modelDescription, type NodeKind } from './descriptions.js';
import { declaredTypes, type FoundModel } from './find-model.js';
import type { ModelProblem } from './problems.js';
import { readProperties, type ReadProperties, type Report } from './read-properties.js';

export interface PinServices {
  readonly registry: StepRegistry;
  /** A model that another one names. */
  readonly find: (id: string) => Promise<FoundModel | undefined>;
  /** Collects what is wrong. */
  readonly problems: ModelProblem[];
}

/** Splits and containers in one another. */
const maxDepth = 8;
const defaultGotoMaximum = 10;
const defaultExternalSeconds = 86_400;

/** @param within ids of the models around it */
export async function pinModel(
  found: FoundModel,
  services: PinServices,
  completion?: PinnedModel,
  within: readonly string[] = [],
): Promise<PinnedModel> {
  const { id, resource } = found;
  const report = reportOn(found, resource, services);
  services.problems.push(...found.problems);
  readProperties(resource, modelDescription.properties, report);
  const pin = new ModelPin(found, services, [...within, id]);
  const items = await pin.sequence(resource, '', 0);
  // Without its nodes, what a classic model cannot say is said already.
  if (items.length === 0 && found.problems.length === 0)
    report('no-steps', 'has no steps; add a child of type satchel:WorkflowStep with the property "step"');
  checkFlow(items, report);
  const content = {
    id,
    title: resource.text('jcr:title') ?? id,
    layers: resource.layers,
    transient: resource.boolean('transient') ?? false,
    steps: items.flatMap(({ node }) => node ?? []),
    ...(completion && { completion }),
  };
  return { ...content, version: createHash('sha256').update(JSON.stringify(content)).digest('hex') };
}

function reportOn(found: FoundModel, node: MergedResource, { problems }: PinServices): Report {
  return (kind, problem, property) => {
    const source = property === undefined ? undefined : node.properties.get(property)?.source;
    problems.push({ kind, path: source ?? found.pathOf(node), problem });
  };
}

class ModelPin {
  readonly #found: FoundModel;
  readonly #services: PinServices;
  readonly #within: readonly string[];

  constructor(found: FoundModel, services: PinServices, within: readonly string[]) {
    this.#found = found;
    this.#services = services;
    this.#within = within;
  }

  /** @param path of the parent below the model, `approval/yes` */
  async sequence(parent: MergedResource, path: string, depth: number): Promise<FlowItem[]> {
    const items: FlowItem[] = [];
    const siblings = contentOf(parent);
    for (const node of siblings) items.push(await this.#item(node, below(path, node.name), siblings, depth));
    return items;
  }

  async #item(
    node: MergedResource,
    name: string,
    siblings: readonly MergedResource[],
    depth: number,
  ): Promise<FlowItem> {
    const report = reportOn(this.#found, node, this.#services);
    const kind = kindOf(node);
    const item = { name, report };
    if (kind === 'branch') {
      report('wrong-place', 'is a branch, which only a split has; put it into one, or give its steps to its parent');
      return item;
    }
    if (depth > maxDepth) {
      report('too-deep', `lies in more than ${maxDepth} splits; move a part into a model of its own, for a container`);
      return item;
    }
    const values = readProperties(node, kinds[kind].properties, report);
    const onError = values.text('onError') as 'fail' | 'continue' | 'compensate' | undefined;
    const base = {
      name,
      title: values.text('jcr:title') ?? node.name,
      layer: node.layers[0] ?? '',
      ...(onError !== undefined && onError !== 'fail' && { onError }),
    };
    switch (kind) {
      case 'process': {
        this.#noOthers(node, kind, report);
        const pinned = this.#step(node, name, report, values);
        if (!pinned) return item;
        const compensation = this.#part(node, 'compensate', name);
        return { ...item, node: { ...pinned, ...(compensation && { compensation }) } };
      }
      case 'and':
      case 'or': {
        const branches = await this.#branches(node, kind, name, report, depth);
        const sequences = branches.map(({ items }) => items);
        return { ...item, sequences, node: { ...base, kind, branches: branches.map(({ branch }) => branch) } };
      }
      case 'goto': {
        this.#noOthers(node, kind, report);
        const target = this.#target(node, name, values, siblings, report);
        if (target === undefined) return item;
        const condition = values.text('condition');
        const maximum = values.number('maximum') ?? defaultGotoMaximum;
        return { ...item, node: { ...base, kind, target, maximum, ...(condition !== undefined && { condition }) } };
      }
      case 'participant': {
        this.#noOthers(node, kind, report);
        const assignee = values.text('assignee');
        if (assignee === undefined) return item;
        const pinned: PinnedNode = {
          ...base,
          kind,
          assignee,
          description: values.text('jcr:description') ?? '',
          ...present('dueSeconds', values.number('dueSeconds')),
          ...present('reminderSeconds', values.number('reminderSeconds')),
          ...present('timeoutSeconds', values.number('timeoutSeconds')),
          notify: values.boolean('notify') ?? true,
        };
        return { ...item, node: pinned };
      }
      case 'container': {
        this.#noOthers(node, kind, report);
        const model = await this.#contained(values.text('model'), report);
        return { ...item, ...(model && { node: { ...base, kind, model } }) };
      }
      case 'external': {
        this.#noOthers(node, kind, report);
        const start = this.#part(node, 'start', name);
        const timeoutSeconds = values.number('timeoutSeconds') ?? defaultExternalSeconds;
        return { ...item, node: { ...base, kind, timeoutSeconds, ...(start && { start }) } };
      }
    }
  }

  async #branches(
    node: MergedResource,
    kind: 'and' | 'or',
    path: string,
    report: Report,
    depth: number,
  ): Promise<{ branch: PinnedBranch; items: FlowItem[] }[]> {
    const branches: { branch: PinnedBranch; items: FlowItem[] }[] = [];
    for (const child of contentOf(node)) {
      const name = below(path, child.name);
      const reportChild = reportOn(this.#found, child, this.#services);
      const declared = declaredKind(child);
      if (declared !== undefined && declared !== 'branch') {
        const { title } = kinds[declared];
        reportChild(
          'wrong-place',
          `is a ${title.toLowerCase()} directly in a split; put it into a child of type satchel:WorkflowBranch`,
        );
        continue;
      }
      const values = readProperties(child, kinds.branch.properties, reportChild);
      const condition = values.text('condition');
      if (kind === 'and' && child.properties.has('condition'))
        reportChild(
          'unknown-property',
          'has a "condition" in an AND split, which runs all branches; make it an OR split',
          'condition',
        );
      const items = await this.sequence(child, name, depth + 1);
      // A transition from a split of AEM to its join is a branch in which nothing is to do.
      if (items.length === 0 && !this.#found.classic)
        reportChild('empty-branch', 'has no steps; add one, or remove the branch');
      const branch = {
        name,
        title: values.text('jcr:title') ?? child.name,
        layer: child.layers[0] ?? '',
        steps: items.flatMap((item) => item.node ?? []),
        ...(kind === 'or' && condition !== undefined && { condition }),
      };
      branches.push({ branch, items });
    }
    if (branches.length === 0)
      report('no-branches', 'has no branches; add children of type satchel:WorkflowBranch with steps in them');
    // One whose condition is wrong has one nevertheless.
    const open = kind === 'or' ? contentOf(node).filter((child) => !child.properties.has('condition')) : [];
    if (open.length > 1)
      report(
        'two-defaults',
        `has several branches without a condition (${open.map((child) => child.name).join(', ')}); give all but one a condition`,
      );
    return branches;
  }

  #target(
    node: MergedResource,
    name: string,
    values: ReadProperties,
    siblings: readonly MergedResource[],
    report: Report,
  ): string | undefined {
    const wanted = values.text('target');
    if (wanted === undefined) return undefined;
    const parent = name.slice(0, name.length - node.name.length);
    const sibling = wanted.startsWith(parent) ? wanted.slice(parent.length) : wanted;
    if (sibling === node.name) {
      report('goto-itself', 'goes to itself; name another node of the same sequence', 'target');
      return undefined;
    }
    const names = siblings.map((candidate) => candidate.name).filter((candidate) => candidate !== node.name);
    if (names.includes(sibling)) return parent + sibling;
    const elsewhere = this.#found.resource.descendant(wanted)
      ? ', which stands in another sequence'
      : ', which is no node beside it';
    const nearest = nearestName(sibling, names);
    const hint = nearest === undefined ? `beside it are ${names.join(', ') || 'none'}` : `did you mean "${nearest}"?`;
    report('unknown-target', `goes to "${wanted}"${elsewhere}; ${hint}`, 'target');
    return undefined;
  }

  async #contained(id: string | undefined, report: Report): Promise<PinnedModel | undefined> {
    if (id === undefined) return undefined;
    const found = await this.#services.find(id);
    if (!found) {
      report(
        'unknown-model',
        `names the model "${id}", which does not exist for this tenant; "satchel workflow models" lists those that do`,
        'model',
      );
      return undefined;
    }
    if (this.#within.includes(found.id)) {
      report(
        'model-cycle',
        `contains itself: ${[...this.#within, found.id].join(' → ')}; take one of the containers out`,
        'model',
      );
      return undefined;
    }
    if (this.#within.length >= maxDepth) {
      report('too-deep', `lies in more than ${maxDepth} containers; bring its steps up`, 'model');
      return undefined;
    }
    return pinModel(found, this.#services, undefined, this.#within);
  }

  /** A step that a node has beside its own, as a child of that name. */
  #part(parent: MergedResource, part: string, path: string): PinnedStep | undefined {
    const node = parent.child(part);
    if (!node) return undefined;
    const report = reportOn(this.#found, node, this.#services);
    const kind = kindOf(node);
    if (kind !== 'process') {
      report('wrong-place', `is a ${kinds[kind].title.toLowerCase()} where a process step must stand`);
      return undefined;
    }
    this.#noOthers(node, 'process', report, ['config']);
    return this.#step(node, below(path, part), report, readProperties(node, kinds.process.properties, report));
  }

  /** @param allowed default: what the kind has */
  #noOthers(node: MergedResource, kind: NodeKind, report: Report, allowed?: readonly string[]): void {
    const { title, children } = kinds[kind];
    const parts = allowed ?? (children.are === 'parts' ? Object.keys(children.parts) : []);
    for (const { name } of contentOf(node)) {
      if (parts.includes(name)) continue;
      const nearest = nearestName(name, parts);
      const hint = nearest === undefined ? 'remove it, or put it beside' : `did you mean "${nearest}"?`;
      report('unknown-child', `has a child "${name}", which a ${title.toLowerCase()} does not read; ${hint}`);
    }
  }

  #step(node: MergedResource, name: string, report: Report, values: ReadProperties): PinnedStep | undefined {
    const id = values.text('step');
    const owner = node.properties.get('step');
    if (!owner || id === undefined) return undefined;
    const { registry } = this.#services;
    const major = values.number('major');
    const step = major === undefined ? registry.newest(id) : registry.get(id, major);
    if (!step) {
      const known = [...new Set(registry.list().map((registered) => registered.step.id))];
      const nearest = nearestName(id, known);
      const wanted = major === undefined ? id : `${id}@${major}`;
      const hint = nearest === undefined || nearest === id ? '' : `did you mean "${nearest}"? `;
      report(
        'unknown-step',
        `names the step ${wanted}, which is not loaded; ${hint}loaded are ${known.join(', ')}`,
        'step',
      );
      return undefined;
    }
    const config = this.#config(node, id, step, report);
    const onError = values.text('onError') as 'fail' | 'continue' | 'compensate' | undefined;
    const local = values.boolean('local') ?? step.local ?? false;
    if (local && !step.local)
      report(
        'local-not-allowed',
        `asks for "local", which ${id} does not allow: it is not short and idempotent; remove it`,
        'local',
      );
    const queue = (values.text('queue') as 'heavy' | undefined) ?? step.queue;
    if (local && queue !== undefined)
      report(
        'local-not-allowed',
        'has a "queue", and runs locally, where there is none; set "local" to false or remove "queue"',
        'queue',
      );
    return {
      name,
      id,
      major: majorOf(step),
      title: values.text('jcr:title') ?? step.title,
      config,
      layer: owner.layer,
      local,
      chunked: step.chunks !== undefined,
      parallel: values.number('parallel') ?? step.parallel ?? 2,
      timeoutSeconds: values.number('timeoutSeconds') ?? step.timeoutSeconds ?? 600,
      maximumAttempts: values.number('maximumAttempts') ?? step.maximumAttempts ?? 5,
      ...(onError !== undefined && onError !== 'fail' && { onError }),
      ...queueOf(queue, step, local),
    };
  }

  #config(node: MergedResource, id: string, step: AnyStep, report: Report): JsonObject {
    const held = node.child('config');
    const before = this.#services.problems.length;
    const config = configOf(held, (name, type) =>
      report('wrong-configuration', `has a configuration with "${name}", a ${type} that JSON cannot hold`, 'step'),
    );
    if (this.#services.problems.length > before) return config;
    const parsed = step.config.safeParse(config);
    for (const { path, message } of parsed.error?.issues ?? []) {
      const place = held?.descendant(path.slice(0, -1).join('/')) ?? held;
      const source = place?.properties.get(String(path.at(-1)))?.source;
      const problem = `has a configuration that ${id} does not take: config/${path.join('/')}: ${message}`;
      const path_ = source?.replace(/\/config(?:\/.*)?$/, '') ?? node.properties.get('step')?.source;
      this.#services.problems.push({
        kind: 'wrong-configuration',
        path: path_ ?? this.#found.pathOf(node),
        problem,
      });
    }
    return config;
  }
}

function below(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`;
}

/** Access control entries, and whatever else the repository keeps, are children too. */
function contentOf(node: MergedResource): readonly MergedResource[] {
  return node.children.filter(({ name }) => !name.includes(':'));
}

/** What the topmost layer with a type of Satchel's says. */
function declaredKind(node: MergedResource): NodeKind | undefined {
  for (const type of declaredTypes(node)) {
    const kind = kindByType.get(type);
    if (kind !== undefined) return kind;
  }
  return undefined;
}

/** A process step without a type, too. */
function kindOf(node: MergedResource): NodeKind {
  return declaredKind(node) ?? 'process';
}

function present<Name extends string>(name: Name, value: number | undefined): { [key in Name]?: number } {
  return value === undefined ? {} : ({ [name]: value } as { [key in Name]?: number });
}

/** Properties as JSON values, child nodes as objects; keys in a fixed order, so that equal configurations are equal text. */
function configOf(node: MergedResource | undefined, report: (name: string, type: string) => void): JsonObject {
  const config: JsonObject = {};
  if (!node) return config;
  const names = [...node.properties.keys()].filter((name) => !name.startsWith('jcr:')).sort();
  for (const name of names) {
    const merged = node.properties.get(name);
    if (!merged) continue;
    const value = jsonOf(merged.property);
    if (value === undefined) report(name, merged.property.type);
    else config[name] = value;
  }
  for (const child of [...node.children].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!child.name.startsWith('rep:')) config[child.name] = configOf(child, report);
  }
  return config;
}

function jsonOf({ values, multiple }: Property): JsonValue | undefined {
  const items: JsonValue[] = [];
  for (const value of values) {
    if (typeof value === 'bigint' || typeof value === 'object') return undefined;
    items.push(value);
  }
  return multiple ? items : items[0];
}

/** The node's own choice, else the step's; local steps have no queue. */
function queueOf(own: 'heavy' | undefined, step: AnyStep, local: boolean): Pick<PinnedStep, 'queue'> {
  const queue = local ? undefined : (own ?? step.queue);
  return queue === undefined ? {} : { queue };
}
