/** Finds workflow models by id, of Satchel's form and of AEM's classic one, and lists them. */
import type { Session } from '../../repository/api.js';
import type { Layer, MergedResource, OverlayResolver, Tenant } from '../../repository/overlay/api.js';
import { loadLayers } from '../../repository/overlay/load-layers.js';
import { mergeLayers } from '../../repository/overlay/merge.js';
import { joinPath } from '../../repository/path.js';
import { readClassicModel } from './classic-model.js';
import { modelType } from './descriptions.js';
import type { ModelProblem } from './problems.js';

/** Below `settings`. */
export const modelsPath = 'workflow/models';

/** Where AEM keeps models: as they run (6.4 and later), and as they were before. */
export const classicRoots = ['/var/workflow/models', '/etc/workflow/models'] as const;

export interface FoundModel {
  readonly id: string;
  /** In Satchel's form. */
  readonly resource: MergedResource;
  /** The node in the lowest layer that has it: the right to launch is read there. */
  readonly path: string;
  /** Made of AEM's nodes and transitions. */
  readonly classic: boolean;
  /** What could not be taken over from a classic model. */
  readonly problems: readonly ModelProblem[];
  /** Path of a node of the resource in the topmost layer that holds it. */
  readonly pathOf: (node: MergedResource) => string;
}

/**
 * @param id `dam/download-asset`; or a path as AEM's launchers have it, `/var/workflow/models/dam/update_asset`
 * @returns `undefined` where there is none that the session may read
 */
export async function findModel(
  overlay: OverlayResolver,
  session: Session,
  tenant: Tenant,
  id: string,
): Promise<FoundModel | undefined> {
  const wanted = modelIdOf(id);
  const resource = await overlay.settings(session, tenant, joinPath(modelsPath, wanted));
  const found = resource && asModel(resource, wanted, overlay.settingsLayers(tenant));
  if (found) return found;
  for (const root of classicRoots) {
    const layer = { root, label: root };
    const below = mergeLayers(await loadLayers(session, [layer], wanted))?.descendant(wanted);
    const classic = below && asModel(below, wanted, [layer]);
    if (classic) return classic;
  }
  return undefined;
}

/** All models that a tenant has and the session may read, by id. @param classic what `listClassicModels` answered */
export async function listModels(
  overlay: OverlayResolver,
  session: Session,
  tenant: Tenant,
  classic: readonly FoundModel[],
): Promise<readonly FoundModel[]> {
  const settings = await overlay.settings(session, tenant, modelsPath);
  const own = settings ? modelsIn(settings, '', overlay.settingsLayers(tenant)) : [];
  const ids = new Set(own.map(({ id }) => id));
  return [...own, ...classic.filter(({ id }) => !ids.has(id))].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Those that AEM keeps apart from its settings; the same for all tenants. */
export async function listClassicModels(session: Session): Promise<readonly FoundModel[]> {
  const models = new Map<string, FoundModel>();
  for (const root of classicRoots) {
    const layer = { root, label: root };
    const all = mergeLayers(await loadLayers(session, [layer], ''));
    for (const model of all ? modelsIn(all, '', [layer]) : []) if (!models.has(model.id)) models.set(model.id, model);
  }
  return [...models.values()];
}

function modelsIn(resource: MergedResource, id: string, layers: readonly Layer[]): readonly FoundModel[] {
  const found = id === '' ? undefined : asModel(resource, id, layers);
  if (found) return [found];
  return resource.children.flatMap((child) =>
    child.name.includes(':') ? [] : modelsIn(child, id === '' ? child.name : `${id}/${child.name}`, layers),
  );
}

const modelPath =
  /^\/(?:(?:libs|apps|conf\/.+?)\/settings|var|etc)\/workflow\/models\/(.+?)(?:\/jcr:content(?:\/model)?)?$/;

/** The id of a model that is named by its path: `/etc/workflow/models/x/jcr:content/model` → `x`. */
export function modelIdOf(named: string): string {
  return modelPath.exec(named)?.[1] ?? named;
}

function asModel(resource: MergedResource, id: string, layers: readonly Layer[]): FoundModel | undefined {
  const roots = new Map(layers.map(({ label, root }) => [label, root]));
  const inLayer = (node: MergedResource, label: string | undefined) =>
    joinPath(roots.get(label ?? '') ?? '/', node.path);
  const found = {
    id,
    path: inLayer(resource, resource.layers[0]),
    pathOf: (node: MergedResource) => inLayer(node, node.layers.at(-1)),
  };
  if (hasType(resource, modelType)) return { ...found, resource, classic: false, problems: [] };
  // As it runs, or on the page that the editor of AEM shows. A page without it is only the drawing of one below /var.
  const nodes = hasType(resource, classicType) ? resource : resource.descendant('jcr:content/model');
  if (!nodes || !hasType(nodes, classicType)) return undefined;
  const title = resource.child('jcr:content')?.text('jcr:title');
  return { ...found, ...readClassicModel(nodes, title, found.pathOf), classic: true };
}

const classicType = 'cq:WorkflowModel';

/** In any layer: who changes one step need not repeat what the model is. */
function hasType(resource: MergedResource, wanted: string): boolean {
  return declaredTypes(resource).includes(wanted);
}

/** The primary types that the layers give a node, topmost first. */
export function declaredTypes(resource: MergedResource): readonly string[] {
  const type = resource.properties.get('jcr:primaryType');
  const declared = [...(type?.overrides ?? []), ...(type ? [type] : [])];
  return declared.reverse().flatMap(({ property }) => property.values.filter((value) => typeof value === 'string'));
}
