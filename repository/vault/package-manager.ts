/**
 * Installs packages so that they can be uninstalled: the package is kept, and what it replaces. An installation is two commits.
 * The first says that it is under way and keeps what was there; the second is the content, of the package and of those inside
 * it, and says that it is installed (docs/decisions/0025). Between them nothing of it is there.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import type { Repository, Session } from '../api.js';
import { blobListProperty } from '../blob-list.js';
import { RepositoryError } from '../errors.js';
import { isDescendantOrSelf, joinPath } from '../path.js';
import type { BinaryValue } from '../value.js';
import type { AccessControlHandling } from './access-control.js';
import {
  applyPackage,
  type AppliedPackage,
  type InstallChange,
  type InstallProgress,
  type LeftOut,
} from './apply-package.js';
import { fulfils, parseDependencies } from './dependencies.js';
import type { FilterSet } from './filter.js';
import { leftOut, refusedAsPackage, type InstallReport } from './install.js';
import { openPackage } from './package-file.js';
import { formatPackageId, packagesRoot, snapshotPath, type PackageId } from './package-id.js';
import { defaultPackageLimits, type PackageLimits } from './package-limits.js';
import {
  findPackage,
  listPackages,
  missingFolders,
  packageBinary,
  readPackage,
  removePackage,
  writePackage as writeRecord,
  type PackageRecord,
} from './package-record.js';
import { compareVersions } from './package-version.js';
import { createPattern } from './pattern.js';
import { preparePackages, type PreparedPackage } from './prepare-packages.js';
import { registerPackageTypes } from './register-package-types.js';
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

export interface ManagedInstallOptions {
  /** `strict` refuses a package whose dependencies are not installed, `tolerant` reports them. Default `tolerant`. */
  readonly dependencies?: 'strict' | 'tolerant';
  /** Over what the package says. */
  readonly accessControl?: AccessControlHandling;
  /** Only says what would change. */
  readonly dryRun?: boolean;
  readonly onChange?: (change: InstallChange) => void;
  readonly onProgress?: (progress: InstallProgress) => void;
}

export interface ManagedInstallReport extends InstallReport {
  /** Those of the packages inside it that were installed, in this order. */
  readonly subPackages: readonly InstallReport[];
  readonly nodeTypes: readonly string[];
  readonly missingDependencies: readonly string[];
  /** Whether it can be uninstalled. */
  readonly hasSnapshot: boolean;
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
          const installation = new Installation(this.#repository, session, this.#limits, folder, chosen, options);
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
        await writeRecord(session, record.id, { state: 'uninstalling', installer: thisInstaller() });
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
            await writeRecord(session, id, { state: 'uploaded', unpacked: false, installer: null, installedBy: null });
          }
          await session.remove(snapshotPath(record.id));
          await session.save();
          return { id: record.id, ...applied };
        } catch (error) {
          await session.refresh();
          await writeRecord(session, record.id, { state: 'installed', installer: null });
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
    given: readonly FilterSet[],
    onProgress?: (progress: { nodes: number; bytes: number; path: string }) => void,
  ): Promise<PackageRecord> {
    return this.#withSession(async (session) => {
      const existing = await readPackage(session, id);
      const filters = given.length > 0 ? given : (existing?.filters ?? []);
      if (filters.length === 0) {
        throw new RepositoryError('PACKAGE_STATE', `The package ${formatPackageId(id)} has no filter yet; name one.`);
      }
      const properties = { acHandling: 'overwrite', createdBy: session.userId };
      const source = writePackage({ session, id, filters, properties, ...(onProgress && { onProgress }) });
      const binary = await session.createBinary(source);
      // What is installed stays so: its snapshot is of before, whatever the package holds now.
      await writeRecord(session, id, { state: existing?.state ?? 'uploaded', binary, filters });
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

/** One installation of a package with those in it. */
class Installation {
  readonly #outer: PreparedPackage;
  readonly #skipped: LeftOut[] = [];

  constructor(
    private readonly repository: Repository,
    private readonly session: Session,
    private readonly limits: PackageLimits,
    private readonly folder: string,
    private readonly packages: readonly PreparedPackage[],
    private readonly options: ManagedInstallOptions,
  ) {
    const [outer] = packages;
    if (!outer) throw new Error('there is no package to install');
    this.#outer = outer;
  }

  get #id(): PackageId {
    return this.#outer.opened.id;
  }

  async tryOut(): Promise<Omit<ManagedInstallReport, 'missingDependencies'>> {
    try {
      const reports = await refusedAsPackage(this.session, () => this.#apply(true));
      return this.#report(reports, [], false);
    } finally {
      await this.session.refresh();
    }
  }

  async run(): Promise<Omit<ManagedInstallReport, 'missingDependencies'>> {
    const before = await readPackage(this.session, this.#id);
    const emptyFolders = await missingFolders(this.session, this.#id);
    await this.#begin(before);
    let added: readonly string[] = [];
    try {
      return await refusedAsPackage(this.session, async () => {
        const files = this.packages.flatMap(({ opened }) => opened.nodeTypes);
        const types = await registerPackageTypes(this.repository, this.session.userId, files, this.session.nodeTypes);
        added = types.added;
        this.#skipped.push(...types.skipped);
        // Values are read by the types there are now.
        await this.session.refresh();
        const reports = await this.#apply(false);
        await this.#recordAll();
        await this.session.save();
        return this.#report(reports, added, await this.#hasSnapshot());
      });
    } catch (error) {
      await this.#undo(before, emptyFolders, added);
      throw error;
    }
  }

  /** Keeps the package and what it will replace, and says that it is being installed. */
  async #begin(before: PackageRecord | undefined): Promise<void> {
    const { session } = this;
    const snapshot = snapshotPath(this.#id);
    // Of a package that is installed the snapshot of before the first installation counts.
    const keeps = before?.state === 'installed' && before.hasSnapshot;
    const binary = await session.createBinary(createReadStream(this.#outer.file));
    const taken = keeps ? undefined : await this.#snapshot();
    await writeRecord(session, this.#id, {
      state: 'installing',
      installer: thisInstaller(),
      ...(before === undefined && {
        binary,
        filters: this.#outer.opened.filters,
        properties: this.#outer.opened.properties,
      }),
    });
    if (taken) {
      if (await session.findNode(snapshot)) await session.remove(snapshot);
      await session.ensureNode(snapshot, { primaryType: 'nt:file' }, 'sling:Folder');
      await session.addNode(joinPath(snapshot, 'jcr:content'), {
        primaryType: 'nt:resource',
        mixins: ['vlt:Package'],
        properties: { 'jcr:data': taken.data, 'jcr:mimeType': 'application/zip', [blobListProperty]: taken.blobs },
      });
    }
    await session.save();
    this.#binary = binary;
  }

  #binary: BinaryValue | undefined;

  /** What is there now of what the packages take. Binaries are named, not copied: the list keeps them from being collected. */
  async #snapshot(): Promise<{ data: BinaryValue; blobs: BinaryValue }> {
    const { session } = this;
    const filters = this.packages
      .filter(({ option }) => !option.endsWith('extract'))
      .flatMap(({ opened }) =>
        withoutRecords(opened.filters).map((filter): FilterSet => ({ ...filter, mode: 'replace' })),
      );
    const listFile = join(this.folder, 'blobs');
    const list = createWriteStream(listFile, { flags: 'wx' });
    const source = writePackage({
      session,
      id: this.#id,
      filters,
      properties: { acHandling: 'overwrite', useBinaryReferences: 'true' },
      binaryReferences: true,
      onBinaryReference: (sha256) => void list.write(`${sha256}\n`),
    });
    const data = await session.createBinary(Readable.from(source, { objectMode: false }));
    list.end();
    await finished(list);
    return { data, blobs: await session.createBinary(createReadStream(listFile)) };
  }

  async #apply(dryRun: boolean): Promise<InstallReport[]> {
    const { accessControl, onChange, onProgress } = this.options;
    const reports: InstallReport[] = [];
    const total = this.packages.reduce((sum, { opened }) => sum + opened.totalBytes, 0);
    for (const { opened, tree, option } of this.packages) {
      if (option === 'add') continue;
      const nodes = reports.reduce((sum, report) => sum + report.nodes, 0);
      const done = reports.reduce((sum, report) => sum + report.bytes, 0);
      const applied = await applyPackage({
        session: this.session,
        root: tree.root,
        filters: withoutRecords(opened.filters),
        accessControl: accessControl ?? opened.accessControl,
        limits: this.limits,
        totalBytes: total,
        dryRun,
        onChange,
        onProgress:
          onProgress &&
          ((progress) => {
            onProgress({
              ...progress,
              nodes: nodes + progress.nodes,
              bytes: { done: done + progress.bytes.done, total },
            });
          }),
      });
      reports.push({ ...opened.id, ...applied, skipped: [...leftOut(opened, tree), ...applied.skipped] });
    }
    return reports;
  }

  async #recordAll(): Promise<void> {
    const { session } = this;
    const container = formatPackageId(this.#id);
    const inner = this.packages.slice(1);
    await writeRecord(session, this.#id, {
      state: 'installed',
      unpacked: true,
      installer: null,
      installedBy: null,
      filters: this.#outer.opened.filters,
      properties: this.#outer.opened.properties,
      subPackages: inner.map(({ opened }) => formatPackageId(opened.id)),
      ...(this.#binary && { binary: this.#binary }),
    });
    for (const { opened, file, option } of inner) {
      const { id, filters, properties } = opened;
      const binary = await session.createBinary(createReadStream(file));
      const record = { binary, filters, properties, installer: null };
      if (option === 'add') {
        const existing = await readPackage(session, id);
        await writeRecord(session, id, { ...record, state: existing?.state ?? 'uploaded' });
      } else await writeRecord(session, id, { ...record, state: 'installed', unpacked: true, installedBy: container });
    }
  }

  async #hasSnapshot(): Promise<boolean> {
    return (await readPackage(this.session, this.#id))?.hasSnapshot ?? false;
  }

  #report(
    reports: readonly InstallReport[],
    nodeTypes: readonly string[],
    hasSnapshot: boolean,
  ): Omit<ManagedInstallReport, 'missingDependencies'> {
    const [outer, ...subPackages] = reports;
    if (!outer) throw new Error('the package itself was not installed');
    return { ...outer, skipped: [...this.#skipped, ...outer.skipped], subPackages, nodeTypes, hasSnapshot };
  }

  /** The content was not saved; the record and the node types are put back. */
  async #undo(
    before: PackageRecord | undefined,
    emptyFolders: readonly string[],
    added: readonly string[],
  ): Promise<void> {
    const { session } = this;
    await session.refresh();
    if (before) await writeRecord(session, this.#id, { state: before.state, installer: before.installer ?? null });
    else await removePackage(session, this.#id, emptyFolders);
    await session.save();
    if (added.length > 0) await this.repository.unregisterNodeTypes(session.userId, added);
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

/** The places of packages are kept by their records, whatever a filter says of them. */
function withoutRecords(filters: readonly FilterSet[]): FilterSet[] {
  const exclusion = { include: false, pattern: createPattern(`${packagesRoot}(/.*)?`) };
  return filters.flatMap((filter) => {
    if (isDescendantOrSelf(filter.root, packagesRoot)) return [];
    if (!isDescendantOrSelf(packagesRoot, filter.root)) return [filter];
    return [{ ...filter, nodeRules: [...filter.nodeRules, exclusion] }];
  });
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

/** Who is at work: so that the next start can tell whether it still is. */
function thisInstaller(): string {
  return `${hostname()} ${process.pid} ${new Date().toISOString()}`;
}
