/** Turns a workflow model, as the overlay shows it to a tenant, into the pinned form that one instance runs. */
import { createHash } from 'node:crypto';
import type { AnyStep } from '../activities/define-step.js';
import { majorOf, type StepRegistry } from '../activities/registry.js';
import { notifyOnComplete } from '../dam/settings/definitions.js';
import { createSettings } from '../dam/settings/settings.js';
import type { Settings } from '../dam/settings/settings.js';
import type { Session } from '../repository/api.js';
import type { MergedResource, OverlayResolver, Tenant } from '../repository/overlay/api.js';
import type { Property } from '../repository/value.js';
import { SatchelError } from '../workflows/contract/errors.js';
import {
  maxPinnedModelBytes,
  type JsonObject,
  type JsonValue,
  type PinnedModel,
  type PinnedStep,
} from '../workflows/contract/model.js';

/** Below `settings`. */
export const modelsPath = 'workflow/models';
const modelType = 'satchel:WorkflowModel';
const defaultCompletionModel = 'dam/transient-completed';

export interface ModelProblem {
  /** The node it is about. */
  readonly path: string;
  readonly problem: string;
}

export interface LoadedModel {
  readonly model: PinnedModel;
  /** The node in the lowest layer that has it: the right to launch is read there. */
  readonly path: string;
}

interface LoaderServices {
  readonly overlay: OverlayResolver;
  /** Default: those of the overlay alone, where the deployment says nothing. */
  readonly settings?: Settings;
  readonly registry: StepRegistry;
}

/**
 * @param id e.g. `dam/download-asset`
 * @throws SatchelError UNKNOWN_MODEL; INVALID_MODEL with every problem in the message and in `details.problems`
 */
export async function loadModel(
  { overlay, settings = createSettings({ overlay }), registry }: LoaderServices,
  session: Session,
  tenant: Tenant,
  id: string,
): Promise<LoadedModel> {
  const find = async (wanted: string): Promise<{ resource: MergedResource; path: string }> => {
    const resource = await overlay.settings(session, tenant, `${modelsPath}/${wanted}`);
    const layer = overlay.settingsLayers(tenant).find(({ label }) => label === resource?.layers[0]);
    if (!resource || !layer || !isModel(resource)) {
      throw new SatchelError('UNKNOWN_MODEL', `There is no workflow model "${wanted}" for tenant ${tenant.name}.`, {
        details: { model: wanted, tenant: tenant.name },
      });
    }
    return { resource, path: `${layer.root}/${modelsPath}/${wanted}` };
  };
  const { resource, path } = await find(id);
  const transient = resource.boolean('transient') ?? false;
  const notify =
    transient &&
    (resource.boolean('notifyOnComplete') ?? (await settings.read(session, tenant, notifyOnComplete)).value);
  const completion = notify ? await find(resource.text('completionModel') ?? defaultCompletionModel) : undefined;
  const problems: ModelProblem[] = [];
  const pinnedCompletion =
    completion && pin(completion.resource, modelId(completion.path), completion.path, registry, problems);
  const model = pin(resource, id, path, registry, problems, pinnedCompletion);
  const bytes = Buffer.byteLength(JSON.stringify(model));
  if (bytes > maxPinnedModelBytes) {
    problems.push({ path, problem: `takes ${bytes} bytes with its configuration, more than ${maxPinnedModelBytes}` });
  }
  if (problems.length === 0) return { model, path };
  const list = problems.map((problem) => `${problem.path} ${problem.problem}`).join('; ');
  throw new SatchelError(
    'INVALID_MODEL',
    `The workflow model "${id}" is not valid for tenant ${tenant.name}: ${list}.`,
    {
      details: { model: id, tenant: tenant.name, problems },
    },
  );
}

/** In any layer: who changes one step need not repeat what the model is. */
function isModel(resource: MergedResource): boolean {
  const type = resource.properties.get('jcr:primaryType');
  const declared = [...(type?.overrides ?? []), ...(type ? [type] : [])];
  return declared.some(({ property }) => property.values.includes(modelType));
}

function modelId(path: string): string {
  return path.slice(path.indexOf(`/${modelsPath}/`) + modelsPath.length + 2);
}

function pin(
  resource: MergedResource,
  id: string,
  path: string,
  registry: StepRegistry,
  problems: ModelProblem[],
  completion?: PinnedModel,
): PinnedModel {
  // Access control entries are children too, and no steps.
  const nodes = resource.children.filter(({ name }) => !name.startsWith('rep:') && !name.startsWith('jcr:'));
  const steps = nodes.flatMap((node) => pinStep(node, `${path}/${node.name}`, registry, problems) ?? []);
  if (nodes.length === 0) problems.push({ path, problem: 'has no steps' });
  const content = {
    id,
    title: resource.text('jcr:title') ?? id,
    layers: resource.layers,
    transient: resource.boolean('transient') ?? false,
    steps,
    ...(completion && { completion }),
  };
  return { ...content, version: createHash('sha256').update(JSON.stringify(content)).digest('hex') };
}

function pinStep(
  node: MergedResource,
  path: string,
  registry: StepRegistry,
  problems: ModelProblem[],
): PinnedStep | undefined {
  const owner = node.properties.get('step');
  const report = (problem: string) => problems.push({ path: owner?.source ?? path, problem });
  const id = node.text('step');
  if (!owner || id === undefined) {
    report('has no property "step" that names the step to run');
    return undefined;
  }
  const major = node.number('major');
  const step = major === undefined ? registry.newest(id) : registry.get(id, major);
  if (!step) {
    const known = [...new Set(registry.list().map((registered) => registered.step.id))].join(', ');
    report(`names the step ${major === undefined ? id : `${id}@${major}`}, which is not loaded; loaded are ${known}`);
    return undefined;
  }
  const config = configOf(node.child('config'), report);
  const parsed = step.config.safeParse(config);
  for (const issue of parsed.error?.issues ?? []) {
    report(`has a configuration that ${id} does not take: config/${issue.path.join('/')}: ${issue.message}`);
  }
  const bounded = (name: string, fallback: number, most: number) => {
    const value = node.properties.has(name) ? node.number(name) : fallback;
    if (value !== undefined && Number.isInteger(value) && value >= 1 && value <= most) return value;
    report(`has "${name}" ${node.text(name) ?? ''}, which must be a whole number from 1 to ${most}`);
    return fallback;
  };
  return {
    name: node.name,
    id,
    major: majorOf(step),
    title: node.text('jcr:title') ?? step.title,
    config,
    layer: owner.layer,
    local: runsLocally(node, step, report),
    chunked: step.chunks !== undefined,
    parallel: bounded('parallel', step.parallel ?? 2, 64),
    timeoutSeconds: bounded('timeoutSeconds', step.timeoutSeconds ?? 600, 86_400),
    maximumAttempts: bounded('maximumAttempts', step.maximumAttempts ?? 5, 1_000),
  };
}

function runsLocally(node: MergedResource, step: AnyStep, report: (problem: string) => void): boolean {
  const local = node.boolean('local') ?? step.local ?? false;
  if (local && !step.local) report(`asks for "local", which ${step.id} does not allow: it is not short and idempotent`);
  return local;
}

/** Properties as JSON values, child nodes as objects; keys in a fixed order, so that equal configurations are equal text. */
function configOf(node: MergedResource | undefined, report: (problem: string) => void): JsonObject {
  const config: JsonObject = {};
  if (!node) return config;
  const names = [...node.properties.keys()].filter((name) => !name.startsWith('jcr:')).sort();
  for (const name of names) {
    const merged = node.properties.get(name);
    if (!merged) continue;
    const value = jsonOf(merged.property);
    if (value === undefined)
      report(`has a configuration with "${name}", a ${merged.property.type} that JSON cannot hold`);
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
