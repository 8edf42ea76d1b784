/** Reads what a request selects, with the rights of who asks, and plans the download. */
import { batchesOf } from '../repository/batches.js';
import type { Session } from '../repository/api.js';
import { RepositoryError } from '../repository/errors.js';
import type { OverlayResolver, Tenant } from '../repository/overlay/api.js';
import { isDescendantOrSelf, parentOf } from '../repository/path.js';
import type { DownloadRequest } from '../workflows/contract/download-request.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { DownloadPlan } from '../workflows/contract/plan.js';
import { readAssets } from './asset.js';
import type { Asset } from './asset.js';
import { readLimits, strictestLimits, tooManyAssets } from './limits.js';
import type { DownloadLimits } from './limits.js';
import { planDownload } from './plan-download.js';
import { checkPaths, resolveSelection, selectAssets } from './selection.js';

export interface PrepareOptions {
  /** Of the initiator: what it does not show is not selected. */
  readonly session: Session;
  /** Reads configuration, which the initiator need not see. */
  readonly serviceSession: Session;
  readonly overlay: OverlayResolver;
  readonly request: DownloadRequest;
  /** `Renderer.version` */
  readonly renderer: string;
}

/** Beyond this many times the limit nobody waits for the exact number. */
const countFactor = 10;
/** Enough for few calls, few enough to hold in memory whatever is selected. */
const assetsPerRead = 100;

/**
 * @throws SatchelError as `planDownload`, and PATH_NOT_FOUND, INVALID_REQUEST (malformed path), UNKNOWN_TENANT,
 * INVALID_CONFIGURATION (a limit)
 */
export async function prepareDownloadPlan(options: PrepareOptions): Promise<DownloadPlan> {
  const { session, serviceSession, overlay, request, renderer } = options;
  checkPaths(request.paths);
  const { paths: selected, skipped } = await resolveSelection(session, request.paths);
  const chosen = await downloadTenant(serviceSession, overlay, { tenant: request.tenant, paths: selected });
  const tenants = new Map<string, DownloadLimits>();
  const addTenant = async (tenant: Tenant) => {
    if (!tenants.has(tenant.name)) tenants.set(tenant.name, await readLimits(serviceSession, overlay, tenant));
  };
  await addTenant(chosen);
  const assets: Asset[] = [];
  let downloadable = 0;
  for await (const nodes of batchesOf(selectAssets(session, selected, request), assetsPerRead)) {
    const paths = nodes.map(({ path }) => path);
    for (const tenant of await overlay.tenantsOf(serviceSession, paths)) await addTenant(tenant);
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
    request,
    selected,
    skipped,
    assets,
    tenant: chosen.name,
    tenants: [...tenants.keys()],
    limits,
    renderer,
  });
}

function limitsOf(tenants: ReadonlyMap<string, DownloadLimits>): DownloadLimits {
  const [first, ...others] = tenants.values();
  if (!first) throw new Error('a download touches at least one tenant');
  return strictestLimits(first, ...others);
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
