/** The ways in which people name a resource of the overlay, as one. */
import { SatchelError } from '../workflows/contract/errors.js';

export type OverlayPath =
  /** Below `settings`, merged for a tenant: named by the path itself when it was below /conf/<tenant>. */
  | { readonly kind: 'settings'; readonly path: string; readonly tenant: string | undefined }
  /** Merged `/apps` over `/libs`. */
  | { readonly kind: 'searchPath'; readonly path: string };

/**
 * - `/libs/settings/X`, `/apps/settings/X`, `/conf/<tenant>/settings/X`, `settings/X`, `X` → settings X
 * - `/libs/X`, `/apps/X`, `/mnt/overlay/X` (the mount of Sling's resource merger) → search path X
 *
 * @throws SatchelError INVALID_REQUEST for any other absolute path
 */
export function parseOverlayPath(typed: string): OverlayPath {
  const path = typed.replace(/\/+$/, '');
  const conf = /^\/conf\/(?<tenant>.+?)\/settings(?:\/(?<path>.+))?$/.exec(path);
  if (conf?.groups) return { kind: 'settings', path: conf.groups['path'] ?? '', tenant: conf.groups['tenant'] };
  const below = /^\/(?:libs|apps|mnt\/overlay)\/(?<path>.+)$/.exec(path)?.groups?.['path'];
  const relative = below ?? path;
  if (relative === 'settings' || relative.startsWith('settings/')) {
    return { kind: 'settings', path: relative.slice('settings/'.length), tenant: undefined };
  }
  if (below !== undefined) return { kind: 'searchPath', path: below };
  if (!path.startsWith('/') && path !== '') return { kind: 'settings', path, tenant: undefined };
  throw new SatchelError(
    'INVALID_REQUEST',
    `"${typed}" is no path of the overlay: name it below /libs, /apps, /conf/<tenant>/settings, or as settings/….`,
  );
}
