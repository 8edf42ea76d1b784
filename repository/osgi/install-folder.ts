/**
 * Which folders hold configurations, and which of two counts, as Sling's JCR installer has it by default
 * (org.apache.sling.installer.provider.jcr): folders named `config` or `install`, at most four names deep, with run modes behind
 * dots; /apps before /libs, then more run modes before fewer.
 */
import { metRunModes } from './run-modes.js';

export const installRoots = ['/libs', '/apps'] as const;

const rootPriority: Readonly<Record<string, number>> = { '/libs': 100, '/apps': 200 };

/** Names in the path of an install folder: `/apps/brand/main/config` has four. */
export const maxInstallFolderDepth = 4;

export interface InstallFolder {
  readonly path: string;
  /** What stands behind `config.`: `author.dev`; `''` for none. */
  readonly runModes: string;
}

/** The install folder that a path is or lies in, the outermost one. */
export function installFolderOf(path: string): InstallFolder | undefined {
  const names = path.slice(1).split('/');
  if (rootPriority[`/${names[0] ?? ''}`] === undefined) return undefined;
  for (let depth = 2; depth <= Math.min(names.length, maxInstallFolderDepth); depth++) {
    const match = /^(?:config|install)(?:\.(.+))?$/.exec(names[depth - 1] ?? '');
    if (match) return { path: `/${names.slice(0, depth).join('/')}`, runModes: match[1] ?? '' };
  }
  return undefined;
}

/** @returns 0 where the run modes of the folder are not active; else the more, the earlier it counts */
export function folderPriority({ path, runModes }: InstallFolder, active: ReadonlySet<string>): number {
  const root = rootPriority[path.slice(0, path.indexOf('/', 1))] ?? 0;
  if (runModes === '') return root;
  const met = metRunModes(runModes, active);
  return met === 0 ? 0 : root + met;
}

/** Whether an install folder may lie below a path. */
export function mayHoldInstallFolders(path: string): boolean {
  const names = path.slice(1).split('/');
  return rootPriority[`/${names[0] ?? ''}`] !== undefined && names.length < maxInstallFolderDepth;
}
