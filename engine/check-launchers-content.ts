/** Launchers in content files: what is wrong with them, at file and line. */
import type { StepRegistry } from '../activities/registry.js';
import type { Session } from '../repository/api.js';
import type { ContentRule } from '../repository/content-rules.js';
import type { ContentChange, ContentProblem } from '../repository/content/import-content-folder.js';
import type { OverlayResolver, Tenant } from '../repository/overlay/api.js';
import { SatchelError } from '../workflows/contract/errors.js';
import { lineOfProperty } from './check-settings-content.js';
import { createLauncherCatalog, launcherFolders } from './launchers/launcher-catalog.js';
import { wrongLauncherProperties, type LauncherProblem } from './launchers/launcher-definition.js';
import { loadModel } from './model-loader.js';

/** `/conf/aurora/settings/workflow/launchers/name`: whose node it is. */
const launcherPath = new RegExp(`^/(?:conf|apps|libs)/(?:.+/)?settings/(?:${launcherFolders.join('|')})/([^/]+)$`, 'u');

/** A save that writes a launcher with a property that cannot be is refused. */
export const launcherRule: ContentRule = {
  appliesTo: (path) => launcherPath.test(path),
  check: ({ properties, changed }) => wrongLauncherProperties(properties).find(({ property }) => changed.has(property)),
};

export interface LaunchersCheck {
  /** Found where they are: properties of the changed nodes. */
  readonly placed: readonly ContentProblem[];
  /** Of launchers as tenants see them. */
  readonly merged: readonly LauncherProblem[];
}

export function isLauncherChange({ path }: ContentChange): boolean {
  return launcherPath.test(path);
}

/**
 * @param changes those of launchers
 * @param session holds the changes
 * @param tenants all of them
 */
export async function checkLaunchersContent(
  { overlay, registry }: { readonly overlay: OverlayResolver; readonly registry: StepRegistry },
  session: Session,
  tenants: readonly Tenant[],
  changes: readonly ContentChange[],
): Promise<LaunchersCheck> {
  const placed: ContentProblem[] = [];
  const nodes = await session.findNodes(changes.map(({ path }) => path));
  for (const [index, change] of changes.entries()) {
    for (const { property, problem } of wrongLauncherProperties(nodes[index]?.properties ?? new Map())) {
      const line = await lineOfProperty(change, property);
      placed.push({ file: change.file, line, message: `${change.path}: "${property}" ${problem}` });
    }
  }
  // What the properties alone are wrong about is said already.
  if (placed.length > 0) return { placed, merged: [] };
  const names = new Set(changes.map(({ path }) => launcherPath.exec(path)?.[1] ?? ''));
  const merged = new Map<string, LauncherProblem>();
  const catalog = createLauncherCatalog(overlay);
  for (const tenant of tenants) {
    const { launchers, problems } = await catalog.forTenant(session, tenant);
    const found = problems.filter(({ path }) => names.has(path.split('/').at(-1) ?? ''));
    for (const { path, name, model, enabled } of launchers) {
      if (!enabled || !names.has(name)) continue;
      await loadModel({ overlay, registry }, session, tenant, model).catch((error: unknown) => {
        if (!(error instanceof SatchelError)) throw error;
        // Said once, of the first tenant for which it is so.
        if (!merged.has(`${path} ${model}`))
          merged.set(`${path} ${model}`, { path, problem: `launches nothing: ${error.message}` });
      });
    }
    for (const problem of found) merged.set(`${problem.path} ${problem.problem}`, problem);
  }
  return { placed, merged: [...merged.values()] };
}
