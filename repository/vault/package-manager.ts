/**
 * Installs packages so that they can be uninstalled: the package is kept, and what it replaces. An installation is two commits.
 * The first says that it is under way and keeps what was there; the second is the content, of the package and of those inside
 * it, and says that it is installed (docs/decisions/0025). Between them nothing of it is there.
 */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Repository, Session } from '../api.js';
import { RepositoryError } from '../errors.js';
import { joinPath } from '../path.js';
import type { BinaryValue } from '../value.js';
import { applyPackage, type AppliedPackage, type LeftOut } from './apply-package.js';
import { fulfils, parseDependencies } from './dependencies.js';
import type { FilterSet } from './filter.js';
import { refusedAsPackage } from './install.js';
import { openPackage } from './package-file.js';
import { formatPackageId, snapshotPath, type PackageId } from './package-id.js';
import {
  PackageInstallation,
  thisInstaller,
  type ManagedInstallOptions,
  type ManagedInstallReport,
} from './package-installation.js';
import { defaultPackageLimits, type PackageLimits } from './package-limits.js';
import {
  findPackage,
  listPackages,
  packageBinary,
  readPackage,
  writePackageRecord,
  type PackageRecord,
} from './package-record.js';
import { compareVersions } from './package-version.js';
import { preparePackages, type PreparedPackage } from './prepare-packages.js';
import { writePackage } from './write-package.js';

export interface PackageManagerOptions {
  readonly repository: Repository;
  /** Whose rights count. */
  readonly userId: string;
  /** For packages while they are read; what is left in it after a crash may be removed. */
  readonly temporaryFolder: string;
  /** Default: `defaultPackageLimits`. */
  readonly limits?: Partial<PackageLimits>;
}

export interface VerifiedPackage extends PackageId {
  readonly files: number;
  /** Unpacked. */
  readonly bytes: number;
  readonly roots: readonly string[];
  readonly subPackages: readonly string[];
}

export class PackageManager {
  readonly #repository: Repository;
  readonly #limits: PackageLimits;

  constructor(private readonly options: PackageManagerOptions) {
    this.#repository = options.repository;
    this.#limits = { ...defaultPackageLimits, ...options.limits };
  }

  /**
   * @throws INVALID_PACKAGE (see `installPackage`), PACKAGE_DEPENDENCY, and what `Session.save` throws. The content is then as it
   * was, and there is no record of a package that had none.
   */
  async install(file: string, options: ManagedInstallOptions = {}): Promise<ManagedInstallReport> {
    return this.#inFolder(async (folder) =>
      this.#withSession(async (session) => {
        const prepared = await refusedAsPackage(session, () => preparePackages(file, { limits: this.#limits, folder }));
        try {
          const { packages, skipped } = prepared;
          const records = await allRecords(session);
          const passedOver = packages.flatMap((one) => newerThan(one, records) ?? []);
          const chosen = packages.filter((one) => newerThan(one, records) === undefined);
          const missing = missingDependencies(chosen, records);
          if (missing.length > 0 && options.dependencies === 'strict') {
            throw new RepositoryError(
              'PACKAGE_DEPENDENCY',
              `The package needs ${missing.join(', ')}; install that first.`,
            );
          }
          const installation = new PackageInstallation(
            this.#repository,
            session,
            this.#limits,
            folder,
            chosen,
            options,
          );
          const done = options.dryRun ? await installation.tryOut() : await installation.run();
          return { ...done, missingDependencies: missing, skipped: [...skipped, ...passedOver, ...done.skipped] };
        } finally {
          prepared.close();
        }
      }),
    );
  }

  /** Installs a package that was uploaded or built. @throws PATH_NOT_FOUND, PACKAGE_STATE, and as `install` */
  async installRecorded(text: string, options: ManagedInstallOptions = {}): Promise<ManagedInstallReport> {
    return this.#withRecordedFile(text, async (file) => this.install(file, options));
  }

  /**
   * Puts back what was there before the package was installed, below the roots of its filter.
   * @param force also when other packages need it
   * @throws PATH_NOT_FOUND, PACKAGE_STATE, PACKAGE_DEPENDENCY, and what `Session.save` throws
   */
  async uninstall(text: string, { force = false } = {}): Promise<{ readonly id: PackageId } & AppliedPackage> {
    return this.#inFolder(async (folder) =>
      this.#withSession(async (session) => {
        const record = await findPackage(session, text);
        const snapshot = await this.#assertUninstallable(session, record, force);
        const file = join(folder, 'snapshot.zip');
        await pipeline(session.openBinary(snapshot), createWriteStream(file, { flags: 'wx' }));
        await writePackageRecord(session, record.id, { state: 'uninstalling', installer: thisInstaller() });
        await session.save();
        const opened = await openPackage(file, { limits: this.#limits, binaryReferences: true });
        try {
          const { root } = await opened.readTree();
          const applied = await applyPackage({
            session,
            root,
            filters: opened.filters,
            accessControl: 'overwrite',
            limits: this.#limits,
            totalBytes: opened.totalBytes,
          });
          for (const id of await this.#partsOf(session, record)) {
            await writePackageRecord(session, id, {
              state: 'uploaded',
              unpacked: false,
              installer: null,
              installedBy: null,
            });
          }
          await session.remove(snapshotPath(record.id));
          await session.save();
          return { id: record.id, ...applied };
        } catch (error) {
          await session.refresh();
          await writePackageRecord(session, record.id, { state: 'installed', installer: null });
          await session.save();
          throw error;
        } finally {
          opened.close();
        }
      }),
    );
  }

  /**
   * Makes, or makes anew, a package of the repository from the content that its filter takes.
   * @param filters default: those of the last time
   * @throws PACKAGE_STATE without a filter
   */
  async build(
    id: PackageId,
    filters: readonly FilterSet[],
    onProgress?: (progress: { nodes: number; bytes: number; path: string }) => void,
  ): Promise<PackageRecord> {
    return this.#withSession(async (session) => {
      const existing = await readPackage(session, id);
      const taken = filters.length > 0 ? filters : (existing?.filters ?? []);
      if (taken.length === 0) {
        throw new RepositoryError('PACKAGE_STATE', `The package ${formatPackageId(id)} has no filter yet; name one.`);
      }
      const properties = { acHandling: 'overwrite', createdBy: session.userId };
      const source = writePackage({ session, id, filters: taken, properties, ...(onProgress && { onProgress }) });
      const binary = await session.createBinary(source);
      // What is installed stays so: its snapshot is of before, whatever the package holds now.
      await writePackageRecord(session, id, { state: existing?.state ?? 'uploaded', binary, filters: taken });
      await session.save();
      const built = await readPackage(session, id);
      if (!built) throw new RepositoryError('PATH_NOT_FOUND', `The package ${formatPackageId(id)} is gone.`);
      return built;
    });
  }

  /**
   * Reads all of a package, and of those in it, as an installation would: every name, size, checksum and document.
   * @throws INVALID_PACKAGE
   */
  async verify(file: string): Promise<VerifiedPackage> {
    return this.#inFolder(async (folder) =>
      this.#withSession(async (session) => {
        const prepared = await refusedAsPackage(session, () => preparePackages(file, { limits: this.#limits, folder }));
        try {
          let files = 0;
          let bytes = 0;
          for (const { opened } of prepared.packages) {
            for (const entry of opened.files) {
              files++;
              for await (const chunk of entry.open()) bytes += chunk.byteLength;
            }
          }
          const [outer, ...inner] = prepared.packages.map(({ opened }) => opened);
          return {
            ...(outer?.id ?? { group: '', name: '', version: '' }),
            files,
            bytes,
            roots: outer?.filters.map(({ root }) => root) ?? [],
            subPackages: inner.map(({ id }) => formatPackageId(id)),
          };
        } finally {
          prepared.close();
        }
      }),
    );
  }

  /** @throws PATH_NOT_FOUND, PACKAGE_STATE, INVALID_PACKAGE */
  async verifyRecorded(text: string): Promise<VerifiedPackage> {
    return this.#withRecordedFile(text, async (file) => this.verify(file));
  }

  async #withRecordedFile<T>(text: string, work: (file: string) => Promise<T>): Promise<T> {
    return this.#inFolder(async (folder) => {
      const file = join(folder, 'package.zip');
      await this.#withSession(async (session) => {
        const { id } = await findPackage(session, text);
        const binary = await packageBinary(session, id);
        if (!binary) throw new RepositoryError('PACKAGE_STATE', `${formatPackageId(id)} was not built yet.`);
        await pipeline(session.openBinary(binary), createWriteStream(file, { flags: 'wx' }));
      });
      return work(file);
    });
  }

  /** @returns the snapshot */
  async #assertUninstallable(session: Session, record: PackageRecord, force: boolean): Promise<BinaryValue> {
    const name = formatPackageId(record.id);
    if (record.state !== 'installed') throw new RepositoryError('PACKAGE_STATE', `${name} is not installed.`);
    if (record.installedBy !== undefined) {
      throw new RepositoryError('PACKAGE_STATE', `${name} came in ${record.installedBy}; uninstall that.`);
    }
    const parts = new Set([name, ...record.subPackages]);
    for await (const other of listPackages(session)) {
      if (force || other.state !== 'installed' || parts.has(formatPackageId(other.id))) continue;
      const needed = other.dependencies.flatMap(parseDependencies).find((dependency) => fulfils(record.id, dependency));
      if (needed) {
        throw new RepositoryError('PACKAGE_DEPENDENCY', `${formatPackageId(other.id)} needs ${needed.text}.`);
      }
    }
    const content = await session.findNode(joinPath(snapshotPath(record.id), 'jcr:content'));
    const snapshot = content?.binary('jcr:data');
    if (snapshot) return snapshot;
    throw new RepositoryError('PACKAGE_STATE', `${name} has no snapshot of what was there before, so it stays.`);
  }

  async #partsOf(session: Session, { id, subPackages }: PackageRecord): Promise<PackageId[]> {
    const parts = [id];
    for await (const other of listPackages(session)) {
      if (subPackages.includes(formatPackageId(other.id)) && other.installedBy === formatPackageId(id)) {
        parts.push(other.id);
      }
    }
    return parts;
  }

  async #withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#repository.withSession(this.options.userId, work);
  }

  async #inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(join(this.options.temporaryFolder, 'package-'));
    try {
      return await work(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

async function allRecords(session: Session): Promise<PackageRecord[]> {
  const records: PackageRecord[] = [];
  for await (const record of listPackages(session)) records.push(record);
  return records;
}

/** Packages inside the package of which a newer version is installed stay out, as in FileVault. */
function newerThan(
  { opened, container, option }: PreparedPackage,
  records: readonly PackageRecord[],
): LeftOut | undefined {
  if (container === undefined || (option !== 'install' && option !== 'extract')) return undefined;
  const { group, name, version } = opened.id;
  const newer = records.find(
    ({ id, state }) =>
      state === 'installed' && id.group === group && id.name === name && compareVersions(id.version, version) > 0,
  );
  return (
    newer && {
      path: formatPackageId(opened.id),
      reason: `${formatPackageId(newer.id)} is installed, which is newer`,
    }
  );
}

/** Dependencies that are neither installed nor among the packages. */
function missingDependencies(packages: readonly PreparedPackage[], records: readonly PackageRecord[]): string[] {
  const there = [
    ...records.filter(({ state }) => state === 'installed').map(({ id }) => id),
    ...packages.filter(({ option }) => option !== 'add').map(({ opened }) => opened.id),
  ];
  const needed = packages.filter(({ option }) => option !== 'add').flatMap(({ opened }) => opened.dependencies);
  const missing = needed.filter((dependency) => !there.some((id) => fulfils(id, dependency)));
  return [...new Set(missing.map(({ text }) => text))];
}
