/**
 * Installs one content package (FileVault ZIP): everything in one save, or nothing. Documents are parsed in memory, bytes
 * of binaries stream straight into the blob store. package-manager.ts adds what outlives the installation: a record of it,
 * what it replaced, packages inside the package.
 */
import type { Session } from '../api.js';
import { RepositoryError } from '../errors.js';
import type { AccessControlHandling } from './access-control.js';
import { applyPackage, type AppliedPackage, type InstallProgress, type LeftOut } from './apply-package.js';
import type { ContentTree } from './content-tree.js';
import { openPackage, type PackageFile } from './package-file.js';
import { defaultPackageLimits, type PackageLimits } from './package-limits.js';

export type { InstallProgress } from './apply-package.js';

export interface InstallReport extends AppliedPackage {
  readonly group: string;
  readonly name: string;
  readonly version: string;
}

export interface InstallOptions {
  /** Without unsaved changes; it is saved, and after an error left without changes. */
  readonly session: Session;
  readonly file: string;
  /** Over what the package says. */
  readonly accessControl?: AccessControlHandling;
  /** Default: `defaultPackageLimits`. */
  readonly limits?: Partial<PackageLimits>;
  readonly onProgress?: (progress: InstallProgress) => void;
}

/**
 * @throws INVALID_PACKAGE: damaged, hostile, or holding what the repository does not take; nothing was changed.
 * Other codes as `Session.save`.
 */
export async function installPackage(options: InstallOptions): Promise<InstallReport> {
  const { session, file, accessControl, onProgress } = options;
  const limits = { ...defaultPackageLimits, ...options.limits };
  return refusedAsPackage(session, async () => {
    const opened = await openPackage(file, { limits });
    try {
      const tree = await opened.readTree();
      const applied = await applyPackage({
        session,
        root: tree.root,
        filters: opened.filters,
        accessControl: accessControl ?? opened.accessControl,
        limits,
        totalBytes: opened.totalBytes,
        onProgress,
      });
      await session.save();
      const alone = [
        ...opened.nodeTypes.map(({ entry }) => ({ path: entry, reason: 'node types are not registered by this' })),
        ...opened.subPackages.map(({ entry }) => ({
          path: entry,
          reason: 'a nested package is not installed by this',
        })),
      ];
      return { ...opened.id, ...applied, skipped: [...leftOut(opened, tree), ...alone, ...applied.skipped] };
    } finally {
      opened.close();
    }
  });
}

/** Parts of a package that FileVault acts on and nothing here does, and binaries without bytes. */
export function leftOut({ hooks }: PackageFile, { missingBinaries }: ContentTree): LeftOut[] {
  return [
    ...hooks.map((path) => ({ path, reason: 'install hooks are code and not run' })),
    ...missingBinaries.map(({ path, property, file }) => ({
      path: `/${path}`,
      reason: `${file} declares the binary "${property}" but no file has its bytes`,
    })),
  ];
}

/** Runs work that fills the session. Whatever fails, the session has no changes afterwards. */
export async function refusedAsPackage<T>(session: Session, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await session.refresh();
    throw asPackageError(error);
  }
}

/** What is wrong with content is wrong with the package; rights, conflicts and full disks are not. */
function asPackageError(error: unknown): unknown {
  const ofContent = ['INVALID_CONTENT_FILE', 'INVALID_PATH', 'INVALID_VALUE', 'CONSTRAINT_VIOLATION'];
  if (!(error instanceof RepositoryError) || !ofContent.includes(error.code)) return error;
  const { paths, file, line } = error;
  return new RepositoryError('INVALID_PACKAGE', `The package does not install: ${error.message}`, {
    paths,
    cause: error,
    ...(file !== undefined && { file }),
    ...(line !== undefined && { line }),
  });
}
