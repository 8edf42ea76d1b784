/** One installation of a package with those in it, in the two commits of docs/decisions/0025. */
import { createReadStream, createWriteStream } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Repository, Session } from '../api.js';
import { blobListProperty } from '../blob-list.js';
import { isDescendantOrSelf, joinPath } from '../path.js';
import type { BinaryValue } from '../value.js';
import type { AccessControlHandling } from './access-control.js';
import { applyPackage, type InstallChange, type InstallProgress, type LeftOut } from './apply-package.js';
import type { FilterSet } from './filter.js';
import { leftOut, refusedAsPackage, type InstallReport } from './install.js';
import { formatPackageId, packagesRoot, snapshotPath, type PackageId } from './package-id.js';
import { type PackageLimits } from './package-limits.js';
import {
  missingFolders,
  readPackage,
  removePackageRecord,
  writePackageRecord,
  type PackageRecord,
} from './package-record.js';
import { createPattern } from './pattern.js';
import { type PreparedPackage } from './prepare-packages.js';
import { registerPackageTypes } from './register-package-types.js';
import { writePackage } from './write-package.js';

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

/** One installation of a package with those in it. */
export class PackageInstallation {
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
    await writePackageRecord(session, this.#id, {
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
    await writePackageRecord(session, this.#id, {
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
        await writePackageRecord(session, id, { ...record, state: existing?.state ?? 'uploaded' });
      } else
        await writePackageRecord(session, id, {
          ...record,
          state: 'installed',
          unpacked: true,
          installedBy: container,
        });
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
    if (before)
      await writePackageRecord(session, this.#id, { state: before.state, installer: before.installer ?? null });
    else await removePackageRecord(session, this.#id, emptyFolders);
    await session.save();
    if (added.length > 0) await this.repository.unregisterNodeTypes(session.userId, added);
  }
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

/** Who is at work: so that the next start can tell whether it still is. */
export function thisInstaller(): string {
  return `${hostname()} ${process.pid} ${new Date().toISOString()}`;
}
