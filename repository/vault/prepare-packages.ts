/** A package and those inside it, read and in the order in which they are installed; nothing is changed yet. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { LeftOut } from './apply-package.js';
import { isDescendantOrSelf } from '../path.js';
import type { ContentNode, ContentTree } from './content-tree.js';
import { inDependencyOrder } from './dependencies.js';
import { importModeAt } from './filter.js';
import { isContentPackage, openPackage, type PackageFile, type PackagedFile } from './package-file.js';
import { formatPackageId, packagesRoot, type PackageId } from './package-id.js';
import type { PackageLimits } from './package-limits.js';
import { decodePlatformName } from './platform-name.js';
import { parseSubPackageHandling, type SubPackageOption } from './sub-package-handling.js';
import { invalidPackage } from './zip-reader.js';

export interface PreparedPackage {
  readonly opened: PackageFile;
  readonly tree: ContentTree;
  /** In the file system. */
  readonly file: string;
  /** Of the package it is in; `undefined` for the outermost. */
  readonly container: PackageId | undefined;
  readonly option: SubPackageOption;
}

export interface PreparedPackages {
  /** The outermost first, each followed by those inside it. */
  readonly packages: readonly PreparedPackage[];
  readonly skipped: readonly LeftOut[];
  close(): void;
}

export interface PrepareOptions {
  readonly limits: PackageLimits;
  /** Exists and is empty: packages inside the package are unpacked into it. */
  readonly folder: string;
}

/** @throws INVALID_PACKAGE, INVALID_CONTENT_FILE */
export async function preparePackages(file: string, options: PrepareOptions): Promise<PreparedPackages> {
  const preparation = new Preparation(options);
  try {
    const packages = await preparation.prepare({ file, container: undefined, option: 'install' }, 1);
    return { packages, skipped: preparation.skipped, close: () => preparation.close() };
  } catch (error) {
    preparation.close();
    throw error;
  }
}

type Source = Pick<PreparedPackage, 'file' | 'container' | 'option'>;

class Preparation {
  readonly skipped: LeftOut[] = [];
  readonly #opened: PackageFile[] = [];
  #unpackedBytes = 0;
  #nodes = 0;
  #count = 0;

  constructor(private readonly options: PrepareOptions) {}

  close(): void {
    for (const opened of this.#opened) opened.close();
  }

  async prepare(source: Source, depth: number): Promise<PreparedPackage[]> {
    const { limits } = this.options;
    const opened = await openPackage(source.file, { limits });
    this.#opened.push(opened);
    this.#unpackedBytes += opened.totalBytes;
    if (this.#unpackedBytes > limits.unpackedBytes) {
      throw invalidPackage(`With the packages in it, it would unpack to more than ${limits.unpackedBytes} bytes.`);
    }
    const inside: Source[] = [];
    const registered = new Set<string>();
    for (const file of opened.subPackages) {
      const path = repositoryPath(file);
      if (!importModeAt(opened.filters, path)) continue;
      const unpacked = await this.#unpack(file, depth);
      if (!(await isContentPackage(unpacked, limits))) {
        const isKept = !isDescendantOrSelf(path, packagesRoot);
        this.skipped.push({ path, reason: `is no content package${isKept ? '; it is kept as a file' : ''}` });
        continue;
      }
      // FileVault's place for packages is that of their records, by which the file gets there.
      if (isDescendantOrSelf(path, packagesRoot)) registered.add(file.entry);
      inside.push({ file: unpacked, container: opened.id, option: 'install' });
    }
    const tree = await opened.readTree(registered);
    dropRecords(tree.root);
    this.#nodes += nodesIn(tree.root);
    if (this.#nodes > limits.nodes) {
      throw invalidPackage(`With the packages in it, it holds more than ${limits.nodes} nodes; split it.`);
    }
    return [{ ...source, opened, tree }, ...(await this.#prepareInside(inside, opened, depth))];
  }

  async #prepareInside(inside: readonly Source[], container: PackageFile, depth: number): Promise<PreparedPackage[]> {
    const optionOf = parseSubPackageHandling(container.properties.get('subPackageHandling') ?? '');
    const groups: { id: PackageId; dependencies: PackageFile['dependencies']; packages: PreparedPackage[] }[] = [];
    for (const source of inside) {
      const [first, ...rest] = await this.prepare(source, depth + 1);
      if (!first) continue;
      const { id, dependencies } = first.opened;
      const option = optionOf(id);
      if (option === 'ignore') {
        this.skipped.push({ path: formatPackageId(id), reason: 'subPackageHandling leaves it out' });
        continue;
      }
      // What is only kept does not install what is in it either.
      groups.push({
        id,
        dependencies,
        packages: option === 'add' ? [{ ...first, option }] : [{ ...first, option }, ...rest],
      });
    }
    return inDependencyOrder(groups).flatMap(({ packages }) => packages);
  }

  async #unpack(file: PackagedFile, depth: number): Promise<string> {
    const { limits, folder } = this.options;
    if (depth >= limits.packageDepth) {
      throw invalidPackage(`"${file.entry}" lies deeper than ${limits.packageDepth} packages in each other.`);
    }
    if (this.#count >= limits.subPackages) throw invalidPackage(`It holds more than ${limits.subPackages} packages.`);
    const target = join(folder, `${this.#count++}.zip`);
    await pipeline(file.open(), createWriteStream(target, { flags: 'wx' }));
    return target;
  }
}

/** What a package has at `/etc/packages` is about packages, and their records say it. */
function dropRecords(root: ContentNode): void {
  const etc = root.children.get('etc');
  etc?.children.delete('packages');
  if (etc?.children.size === 0) root.children.delete('etc');
}

function nodesIn({ children }: ContentNode): number {
  let nodes = 1;
  for (const child of children.values()) nodes += nodesIn(child);
  return nodes;
}

function repositoryPath({ path }: PackagedFile): string {
  return `/${path.split('/').map(decodePlatformName).join('/')}`;
}
