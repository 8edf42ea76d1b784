/** Turns a workflow model, as the overlay shows it to a tenant, into the pinned form that one instance runs. */
import type { StepRegistry } from '../activities/registry.js';
import { notifyOnComplete } from '../dam/settings/definitions.js';
import { createSettings } from '../dam/settings/settings.js';
import type { Settings } from '../dam/settings/settings.js';
import type { Session } from '../repository/api.js';
import type { OverlayResolver, Tenant } from '../repository/overlay/api.js';
import { SatchelError } from '../workflows/contract/errors.js';
import { maxPinnedModelBytes, type PinnedModel } from '../workflows/contract/model.js';
import { findModel, type FoundModel } from './models/find-model.js';
import { pinModel } from './models/pin-model.js';
import { warningKinds, type ModelProblem } from './models/problems.js';

export const defaultCompletionModel = 'dam/transient-completed';

export interface LoadedModel {
  readonly model: PinnedModel;
  /** The node in the lowest layer that has it: the right to launch is read there. */
  readonly path: string;
}

export interface ExaminedModel extends LoadedModel {
  readonly found: FoundModel;
  /** With any of these it does not run. */
  readonly problems: readonly ModelProblem[];
  /** What stops nothing. */
  readonly warnings: readonly ModelProblem[];
}

export interface LoaderServices {
  readonly overlay: OverlayResolver;
  /** Default: those of the overlay alone, where the deployment says nothing. */
  readonly settings?: Settings;
  readonly registry: StepRegistry;
}

/**
 * @param id e.g. `dam/download-asset`; of a classic model also its path
 * @throws SatchelError UNKNOWN_MODEL; INVALID_MODEL with every problem in the message and in `details.problems`
 */
export async function loadModel(
  services: LoaderServices,
  session: Session,
  tenant: Tenant,
  id: string,
): Promise<LoadedModel> {
  const { model, path, problems } = await examineModel(services, session, tenant, id);
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

/**
 * The model with everything that is wrong with it; what is wrong is left out of the pinned form.
 * @throws SatchelError UNKNOWN_MODEL
 */
export async function examineModel(
  { overlay, settings = createSettings({ overlay }), registry }: LoaderServices,
  session: Session,
  tenant: Tenant,
  id: string,
): Promise<ExaminedModel> {
  const find = (wanted: string) => findModel(overlay, session, tenant, wanted);
  const found = await find(id);
  if (!found) {
    throw new SatchelError('UNKNOWN_MODEL', `There is no workflow model "${id}" for tenant ${tenant.name}.`, {
      details: { model: id, tenant: tenant.name },
    });
  }
  const all: ModelProblem[] = [];
  const services = { registry, find, problems: all };
  const { resource } = found;
  const transient = resource.boolean('transient') ?? false;
  const notify =
    transient &&
    (resource.boolean('notifyOnComplete') ?? (await settings.read(session, tenant, notifyOnComplete)).value);
  let completion: PinnedModel | undefined;
  if (notify) {
    const wanted = resource.text('completionModel') ?? defaultCompletionModel;
    const named = await find(wanted);
    if (named) completion = await pinModel(named, services);
    else {
      const path = resource.properties.get('completionModel')?.source ?? found.pathOf(resource);
      const problem = `names the completion model "${wanted}", which does not exist for this tenant; name another one, or set "notifyOnComplete" to false`;
      all.push({ kind: 'unknown-model', path, problem });
    }
  }
  const model = await pinModel(found, services, completion);
  const bytes = Buffer.byteLength(JSON.stringify(model));
  if (bytes > maxPinnedModelBytes) {
    const problem = `takes ${bytes} bytes with its configuration and the models it contains, more than ${maxPinnedModelBytes}; shorten the configuration of its steps`;
    all.push({ kind: 'too-large', path: found.pathOf(resource), problem });
  }
  const isWarning = ({ kind }: ModelProblem) => warningKinds.includes(kind);
  return {
    model,
    path: found.path,
    found,
    problems: all.filter((problem) => !isWarning(problem)),
    warnings: all.filter(isWarning),
  };
}
