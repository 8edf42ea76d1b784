/** The launchers that count for a tenant, as the overlay shows them. */
import type { Session } from '../../repository/api.js';
import type { MergedResource, OverlayResolver, Tenant } from '../../repository/overlay/api.js';
import { findTenants } from '../../dam/tenants/list-tenants.js';
import { isLauncher, readLauncher, type Launcher, type LauncherProblem } from './launcher-definition.js';

/** Below `settings`: ours, and where AEM's lie. The first that has a name counts. */
export const launcherFolders = ['workflow/launchers', 'workflow/launcher/config'] as const;

export interface TenantLaunchers {
  /** Disabled ones too. */
  readonly launchers: readonly Launcher[];
  /** Of those that do not count, because something is wrong with them. */
  readonly problems: readonly LauncherProblem[];
}

export interface LauncherCatalog {
  forTenant(session: Session, tenant: Tenant): Promise<TenantLaunchers>;
  /** Paths at or below which all lies that an enabled launcher of any tenant is about. Without repeats, sorted. */
  bases(session: Session): Promise<readonly string[]>;
}

/** Whether a path is that of a launcher or of something in or above one, in any layer. */
export function mayHoldLaunchers(path: string): boolean {
  if (!/^\/(conf|apps|libs)(\/|$)/u.test(path)) return path === '/';
  const [, below] = path.split('/settings', 2);
  if (below === undefined) return true;
  const inside = below.slice(1);
  return (
    launcherFolders.some((folder) => `${folder}/`.startsWith(`${inside}/`) || inside.startsWith(`${folder}/`)) ||
    inside === ''
  );
}

export function createLauncherCatalog(overlay: OverlayResolver): LauncherCatalog {
  // The overlay keeps what it resolved until it changes, and so does this.
  const read = new WeakMap<MergedResource, TenantLaunchers>();

  async function forTenant(session: Session, tenant: Tenant): Promise<TenantLaunchers> {
    const launchers: Launcher[] = [];
    const problems: LauncherProblem[] = [];
    for (const folder of launcherFolders) {
      const resource = await overlay.settings(session, tenant, folder);
      if (!resource) continue;
      let found = read.get(resource);
      if (!found) read.set(resource, (found = readFolder(overlay, tenant, folder, resource)));
      const known = new Set(launchers.map(({ name }) => name));
      launchers.push(...found.launchers.filter(({ name }) => !known.has(name)));
      problems.push(...found.problems);
    }
    return { launchers, problems };
  }

  return {
    forTenant,
    async bases(session) {
      const bases = new Set<string>();
      for await (const tenant of findTenants(session)) {
        const { launchers } = await forTenant(session, tenant);
        for (const { enabled, pattern } of launchers) if (enabled) bases.add(pattern.base);
      }
      return [...bases].sort();
    },
  };
}

function readFolder(
  overlay: OverlayResolver,
  tenant: Tenant,
  folder: string,
  resource: MergedResource,
): TenantLaunchers {
  const roots = new Map(overlay.settingsLayers(tenant).map(({ label, root }) => [label, root]));
  const launchers: Launcher[] = [];
  const problems: LauncherProblem[] = [];
  for (const child of resource.children) {
    if (child.name.startsWith('rep:') || child.name.startsWith('jcr:')) continue;
    const pathIn = (layer: string) => `${roots.get(layer) ?? ''}/${folder}/${child.name}`;
    if (!isLauncher(child)) {
      const [top = ''] = child.layers.slice(-1);
      problems.push({
        path: pathIn(top),
        problem: 'is no launcher: its type is neither satchel:WorkflowLauncher nor cq:WorkflowLauncher',
      });
      continue;
    }
    const read = readLauncher(child, pathIn);
    if ('launcher' in read) launchers.push(read.launcher);
    else problems.push(...read.problems);
  }
  return { launchers, problems };
}
