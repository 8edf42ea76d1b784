/** Which folders of files are content, and where in the repository it goes. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ContentMount } from '../repository/content/import-content-folder.js';

const builtIn: readonly { readonly folder: string; readonly target: string }[] = [
  { folder: 'dam/default-settings', target: '/libs/settings/dam' },
  { folder: 'templates', target: '/libs/settings/dam/workflow/notification/email' },
  { folder: 'workflows/models', target: '/libs/settings/workflow/models' },
  { folder: 'workflows/launchers', target: '/libs/settings/workflow/launchers' },
];

/**
 * The product's own content first, what overlays it later, so that each is checked against what it is laid over.
 * @param packageRoot folder of Satchel's package.json
 * @param overlays absolute folders with `apps/` and `conf/`
 * @param ofPlugins further folders, absolute, and where they go
 */
export function contentMounts(
  packageRoot: string,
  overlays: readonly string[],
  ofPlugins: readonly { readonly folder: string; readonly target: string }[] = [],
): ContentMount[] {
  const own = builtIn.map(({ folder, target }) => ({ folder: join(packageRoot, folder), target }));
  const plugged = ofPlugins.map(({ folder, target }) => ({ folder, target, mount: `plugin-${keyOf(folder)}` }));
  const laidOver = overlays.flatMap((overlay) => {
    // Several overlays have the same targets; each keeps a record of its own.
    const key = keyOf(overlay);
    return ['apps', 'conf'].map((name) => ({
      folder: join(overlay, name),
      target: `/${name}`,
      mount: `overlay-${key}-${name}`,
    }));
  });
  return [...own, ...plugged, ...laidOver].filter(({ folder }) => existsSync(folder));
}

function keyOf(folder: string): string {
  return createHash('sha256').update(folder).digest('hex').slice(0, 12);
}
