/** Reads what a request selects, with the rights of who asks, and plans the download. */
import { batchesOf } from '../repository/batches.js';
import type { Session } from '../repository/api.js';
import { RepositoryError } from '../repository/errors.js';
import type { OverlayResolver, Tenant } from '../repository/overlay/api.js';
import { isDescendantOrSelf, parentOf } from '../repository/path.js';
import type { DownloadRequest } from '../workflows/contract/download-request.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { DownloadPlan, RenditionSpec } from '../workflows/contract/plan.js';
import { readAssets } from './asset.js';
import type { Asset } from './asset.js';
import { readLimits, strictestLimits, tooManyAssets } from './limits.js';
import type { DownloadLimits } from './limits.js';
import { planDownload } from './plan-download.js';
import { checkPaths, resolveSelection, selectAssets } from './selection.js';
import { settingName } from './settings/define-setting.js';
import { dynamicRenditions } from './settings/definitions.js';
import { offeredImagePresets } from './settings/image-presets.js';
import { readRenditionVisibility } from './settings/rendition-visibility.js';
import type { RenditionVisibility } from './settings/rendition-visibility.js';
import type { ResolvedSetting, Settings } from './settings/settings.js';

export interface PrepareOptions {
  /** Of the initiator: what it does not show is not selected. */
  readonly session: Session;
  /** Reads configuration, which the initiator need not see. */
  readonly serviceSession: Session;
  readonly overlay: OverlayResolver;
  readonly settings: Settings;
  readonly request: DownloadRequest;
  /** `Renderer.version` */
  readonly renderer: string;
}

/** Beyond this many times the limit nobody waits for the exact number. */
const countFactor = 10;
/** Enough for few calls, few enough to hold in memory whatever is selected. */
const assetsPerRead = 100;

/**
 * @throws SatchelError as `planDownload`, and PATH_NOT_FOUND, INVALID_REQUEST (malformed path, a preset that is not offered),
 * UNKNOWN_TENANT, NOT_ALLOWED (dynamic renditions where a tenant has none), INVALID_CONFIGURATION (a setting)
 */
export async function prepareDownloadPlan(options: PrepareOptions): Promise<DownloadPlan> {
  const { session, serviceSession, overlay, settings, request, renderer } = options;
  checkPaths(request.paths);
  const { paths: selected, skipped } = await resolveSelection(session, request.paths);
  const chosen = await downloadTenant(serviceSession, overlay, { tenant: request.tenant, paths: selected });
  const tenants = new Map<string, TenantRules>();
  const rulesOf = async (tenant: Tenant): Promise<TenantRules> => {
    const known = tenants.get(tenant.name);
    if (known) return known;
    const rules = await readRules(serviceSession, settings, tenant);
    if (wantsDynamic(request) && !rules.dynamic.value) throw noDynamicRenditions(tenant, rules.dynamic);
    tenants.set(tenant.name, rules);
    return rules;
  };
  const chosenRules = await rulesOf(chosen);
  const presets = await presetSpecs(options, chosen);
  /** By the path of the asset, what its own tenant shows of it. */
  const shownByOwner = new Map<string, RenditionVisibility>();
  const assets: Asset[] = [];
  let downloadable = 0;
  for await (const nodes of batchesOf(selectAssets(session, selected, request), assetsPerRead)) {
    const paths = nodes.map(({ path }) => path);
    for (const [index, tenant] of (await overlay.tenantsOf(serviceSession, paths)).entries()) {
      const { isVisible } = await rulesOf(tenant);
      if (downloadable <= chosenRules.limits.assets.value) shownByOwner.set(paths[index] ?? '', isVisible);
    }
    const { assets: limit } = limitsOf(tenants);
    for (const asset of await readAssets(session, nodes)) {
      if (!asset.notDownloadable) downloadable += 1;
      // Refused already; read on only to say how many there are.
      if (downloadable <= limit.value) assets.push(asset);
      else if (downloadable > limit.value * countFactor) throw tooManyAssets(downloadable - 1, limit, true);
    }
  }
  const limits = limitsOf(tenants);
  if (downloadable > limits.assets.value) throw tooManyAssets(downloadable, limits.assets);
  return planDownload({
    request: { ...request, dynamic: [...request.dynamic, ...presets] },
    selected,
    skipped,
    assets,
    tenant: chosen.name,
    tenants: [...tenants.keys()],
    limits,
    isVisible: ({ path }, name) => chosenRules.isVisible(name) && (shownByOwner.get(path)?.(name) ?? true),
    renderer,
  });
}

/** What a tenant says about downloads. */
interface TenantRules {
  readonly limits: DownloadLimits;
  readonly isVisible: RenditionVisibility;
  readonly dynamic: ResolvedSetting<boolean>;
}

async function readRules(session: Session, settings: Settings, tenant: Tenant): Promise<TenantRules> {
  return {
    limits: await readLimits(session, settings, tenant),
    isVisible: await readRenditionVisibility(session, settings, tenant),
    dynamic: await settings.read(session, tenant, dynamicRenditions),
  };
}

function limitsOf(tenants: ReadonlyMap<string, TenantRules>): DownloadLimits {
  const [first, ...others] = [...tenants.values()].map(({ limits }) => limits);
  if (!first) throw new Error('a download touches at least one tenant');
  return strictestLimits(first, ...others);
}

function wantsDynamic({ dynamic, presets }: DownloadRequest): boolean {
  return dynamic.length > 0 || presets.length > 0;
}

function noDynamicRenditions({ name }: Tenant, { layer }: ResolvedSetting): SatchelError {
  return new SatchelError(
    'NOT_ALLOWED',
    `Tenant "${name}" has no dynamic renditions (${settingName(dynamicRenditions)} from ${layer}). Ask for originals or static renditions.`,
    { details: { tenant: name, layer, setting: settingName(dynamicRenditions) } },
  );
}

/** The sizes behind the presets of the request, as the tenant has them now. @throws SatchelError INVALID_REQUEST */
async function presetSpecs(
  { serviceSession, overlay, request }: PrepareOptions,
  tenant: Tenant,
): Promise<RenditionSpec[]> {
  if (request.presets.length === 0) return [];
  const offered = await offeredImagePresets(serviceSession, overlay, tenant);
  return request.presets.map((wanted) => {
    const preset = offered.find(({ name }) => name === wanted);
    if (preset) return preset.spec;
    const names = offered.map(({ name }) => name);
    throw new SatchelError(
      'INVALID_REQUEST',
      `presets: tenant "${tenant.name}" offers no image preset "${wanted}"; it offers ${names.join(', ') || 'none'}.`,
      { details: { tenant: tenant.name, preset: wanted, offered: names } },
    );
  });
}

/** The tenant asked for, else the one of the nearest common ancestor of all paths. @throws SatchelError UNKNOWN_TENANT */
export async function downloadTenant(
  session: Session,
  overlay: OverlayResolver,
  { tenant, paths }: Pick<DownloadRequest, 'tenant'> & { readonly paths: readonly string[] },
): Promise<Tenant> {
  if (tenant === undefined) return overlay.tenantOf(session, commonAncestor(paths));
  try {
    return await overlay.tenant(session, tenant);
  } catch (error) {
    if (!(error instanceof RepositoryError) || !['PATH_NOT_FOUND', 'INVALID_PATH'].includes(error.code)) throw error;
    throw new SatchelError('UNKNOWN_TENANT', `There is no tenant "${tenant}": /conf/${tenant} does not exist.`, {
      details: { tenant },
      cause: error,
    });
  }
}

/** The deepest path that all paths equal or lie below. */
function commonAncestor(paths: readonly string[]): string {
  const [first = '/', ...others] = paths;
  let ancestor = first;
  for (const other of others) while (!isDescendantOrSelf(other, ancestor)) ancestor = parentOf(ancestor);
  return ancestor;
}
