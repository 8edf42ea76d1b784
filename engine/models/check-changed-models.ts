/** Checks the models that a change of content concerns: those it changes, and those that run them, for the tenants that see it. */
import type { Session } from '../../repository/api.js';
import type { MergedResource, OverlayResolver, Tenant } from '../../repository/overlay/api.js';
import { defaultCompletionModel, examineModel, type LoaderServices } from '../model-loader.js';
import { kinds } from './descriptions.js';
import { findUnknownAssignees } from './find-unknown-assignees.js';
import {
  classicRoots,
  declaredTypes,
  listClassicModels,
  listModels,
  modelsPath,
  type FoundModel,
} from './find-model.js';
import type { ModelProblem } from './problems.js';

export interface CheckedModels {
  readonly problems: readonly ModelProblem[];
  readonly warnings: readonly ModelProblem[];
}

/** Whether a node may be a part of a model. */
export function isModelPath(path: string): boolean {
  return path.includes(`/settings/${modelsPath}/`) || classicRoots.some((root) => path.startsWith(`${root}/`));
}

/** @param session holds the changes */
export async function checkModels(
  services: LoaderServices,
  session: Session,
  tenants: readonly Tenant[],
  changes: readonly { readonly path: string }[],
): Promise<CheckedModels> {
  const classic = await listClassicModels(session);
  const problems = new Map<string, ModelProblem>();
  const warnings = new Map<string, ModelProblem>();
  for (const tenant of tenants) {
    const changed = changedIds(services.overlay, tenant, changes);
    if (changed.length === 0) continue;
    const models = await listModels(services.overlay, session, tenant, classic);
    for (const { id } of concerned(models, changed)) {
      const examined = await examineModel(services, session, tenant, id);
      for (const problem of examined.problems) problems.set(`${problem.path} ${problem.problem}`, problem);
      const strangers = await findUnknownAssignees(session, examined);
      for (const warning of [...examined.warnings, ...strangers])
        warnings.set(`${warning.path} ${warning.problem}`, warning);
    }
  }
  return { problems: [...problems.values()], warnings: [...warnings.values()] };
}

/** Paths below the models' root, of changes that a tenant sees: of models, folders of models, and nodes in models. */
function changedIds(overlay: OverlayResolver, tenant: Tenant, changes: readonly { readonly path: string }[]): string[] {
  const roots = [...overlay.settingsLayers(tenant).map(({ root }) => `${root}/${modelsPath}`), ...classicRoots];
  return changes.flatMap(({ path }) => {
    const root = roots.find((candidate) => path.startsWith(`${candidate}/`));
    return root === undefined ? [] : [path.slice(root.length + 1)];
  });
}

/** The models that changed, and those that run them, in turn. */
function concerned(models: readonly FoundModel[], changed: readonly string[]): readonly FoundModel[] {
  const isChanged = (id: string) =>
    changed.some((path) => path === id || path.startsWith(`${id}/`) || id.startsWith(`${path}/`));
  const found = new Set(models.filter(({ id }) => isChanged(id)));
  for (let before = -1; before < found.size;) {
    before = found.size;
    const ids = new Set([...found].map(({ id }) => id));
    for (const model of models) {
      if (!found.has(model) && referencesOf(model).some((id) => isChanged(id) || ids.has(id))) found.add(model);
    }
  }
  return [...found];
}

function referencesOf({ resource }: FoundModel): readonly string[] {
  const contained = (node: MergedResource): string[] => [
    ...(declaredTypes(node).includes(kinds.container.nodeType) ? node.texts('model') : []),
    ...node.children.flatMap(contained),
  ];
  const completion = resource.boolean('transient') ? [resource.text('completionModel') ?? defaultCompletionModel] : [];
  return [...completion, ...contained(resource)];
}
