import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the installation: the folder with package.json and the content folders, above this file, compiled or not. */
export const packageRoot = findPackageRoot(path.dirname(fileURLToPath(import.meta.url)));

function findPackageRoot(folder: string): string {
  if (existsSync(path.join(folder, 'package.json')) && existsSync(path.join(folder, 'templates'))) return folder;
  const parent = path.dirname(folder);
  if (parent === folder) throw new Error('the installation is not complete: no package.json above its code');
  return findPackageRoot(parent);
}
