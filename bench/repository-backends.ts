/** The backends by name. */
import type { Backend } from './repository-backend.js';
import { levelBackend } from './repository-level.js';

/** @throws TypeError for a name that is none */
export function chooseBackend({ backend, folder }: { readonly backend: string; readonly folder: string }): Backend {
  if (backend === 'level') return levelBackend(folder);
  throw new TypeError(`there is no backend ${backend}; there is level`);
}
