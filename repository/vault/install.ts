/**
 * Installs a content package (FileVault ZIP): everything in one save, or nothing. Documents are parsed in memory, bytes
 * of binaries stream straight into the blob store.
 */
import { basename } from 'node:path';
import type { RepositoryNode, Session } from '../api.js';
import { addAutocreatedChildren, hasAutocreatedChildren } from '../autocreated-children.js';
import { propertiesEqual } from '../convert-value.js';
import { RepositoryError } from '../errors.js';
import { isDescendantOrSelf, joinPath, parentOf, selfAndAncestors } from '../path.js';
import { propertyTexts } from '../property-text.js';
import type { Property } from '../value.js';
import { BinariesAhead } from './binaries-ahead.js';
import { applyChildOrder } from './child-order.js';
import { buildContentTree, type ContentFile, type ContentNode } from './content-tree.js';
import { parseDocView } from './docview.js';
import { coveringFilter, coversProperty, parseFilter, type FilterSet } from './filter.js';
import { parsePackageProperties } from './package-properties.js';
import { invalidPackage, openZip, type ZipEntry, type ZipReader } from './zip-reader.js';

export interface InstallProgress {
  readonly nodes: number;
  /** Bytes of binaries stored so far, and of all files of the package. */
  readonly bytes: { readonly done: number; readonly total: number };
  /** What is being installed. */
  readonly path: string;
}

export interface InstallReport {
  readonly group: string;
  readonly name: string;
  readonly version: string;
  /** Nodes of the package that its filter covers: added, changed, or as they were. */
  readonly nodes: number;
  /** Nodes that are new or changed. */
  readonly changed: number;
  /** Paths that were there and are not in the package; what lay below went with them. */
  readonly removed: readonly string[];
  /** Binary properties stored, and their bytes. */
  readonly binaries: number;
  readonly bytes: number;
  /** What of the package was left out. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
}

export interface InstallOptions {
  /** Without unsaved changes; it is saved, and after an error left without changes. */
  readonly session: Session;
  readonly file: string;
  readonly onProgress?: (progress: InstallProgress) => void;
}

const filterFile = 'META-INF/vault/filter.xml';
const propertiesFile = 'META-INF/vault/properties.xml';
const contentRoot = 'jcr_root/';
/** Documents are held in memory while they are read. */
const maximumDocumentBytes = 64 * 1024 * 1024;
/** Set by the repository, or bound to its version storage: never taken from a package (as in FileVault). */
const protectedProperties = new Set([
  'jcr:primaryType',
  'jcr:mixinTypes',
  'jcr:uuid',
  'jcr:isCheckedOut',
  'jcr:baseVersion',
  'jcr:versionHistory',
  'jcr:predecessors',
  'jcr:mergeFailed',
  'jcr:activity',
  'jcr:configuration',
]);
/** Set when a node is created; a package without them does not mean to remove them. */
const createdProperties = new Set(['jcr:created', 'jcr:createdBy', 'jcr:lastModified', 'jcr:lastModifiedBy']);

/**
 * @throws INVALID_PACKAGE: damaged, hostile, or holding what the repository does not take; nothing was changed.
 * Other codes as `Session.save`.
 */
export async function installPackage(options: InstallOptions): Promise<InstallReport> {
  const zip = await openZip(options.file);
  try {
    return await install(zip, options);
  } catch (error) {
    await options.session.refresh();
    throw asPackageError(error);
  } finally {
    zip.close();
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

async function install(zip: ZipReader, { session, file, onProgress }: InstallOptions): Promise<InstallReport> {
  const byName = new Map(zip.entries.map((entry) => [entry.name, entry]));
  const filterEntry = byName.get(filterFile);
  if (!filterEntry) throw invalidPackage(`${file} has no ${filterFile}: it is not a content package.`);
  const filters = await parseFilter(documentOf(filterEntry), filterFile);
  if (filters.length === 0) throw invalidPackage(`${filterFile} names no filter root: it would install nothing.`);
  const propertiesEntry = byName.get(propertiesFile);
  const properties = propertiesEntry && (await parsePackageProperties(documentOf(propertiesEntry), propertiesFile));

  const skipped: { path: string; reason: string }[] = notInstalled(zip.entries);
  const content = zip.entries.filter(({ name }) => name.startsWith(contentRoot));
  const relative = (entry: ZipEntry) => entry.name.slice(contentRoot.length);
  const tree = await buildContentTree({
    files: content
      .filter(({ isFolder }) => !isFolder)
      .map((entry): ContentFile => ({ path: relative(entry), size: entry.size, open: () => entry.open() })),
    folders: content.filter(({ isFolder }) => isFolder).map(relative),
    contentFiles: ['.content.xml'],
    readDeclaration: async (document, optional) =>
      optional && document.size > maximumDocumentBytes
        ? undefined
        : parseDocView(documentOf(document), { file: document.path, optional }),
    onProblem: (error) => {
      throw error;
    },
  });
  for (const { path, property, file: document } of tree.missingBinaries) {
    skipped.push({
      path: `/${path}`,
      reason: `${document} declares the binary "${property}" but no file has its bytes`,
    });
  }

  const installation = new Installation(tree.root, session, filters, skipped, zip.totalBytes, onProgress);
  await installation.removeWhatIsGone();
  await installation.apply();
  await session.save();
  return {
    group: properties?.get('group') ?? '',
    name: properties?.get('name') ?? basename(file, '.zip'),
    version: properties?.get('version') ?? '',
    ...installation.counts,
    removed: installation.removed,
    skipped,
  };
}

function documentOf(file: { readonly size: number; open(): AsyncIterable<Uint8Array> }): AsyncIterable<Uint8Array> {
  if (file.size > maximumDocumentBytes) {
    throw invalidPackage(`A document of the package is larger than ${maximumDocumentBytes} bytes.`);
  }
  return file.open();
}

/** Parts of a package that FileVault acts on and this installation does not. */
function notInstalled(entries: readonly ZipEntry[]): { path: string; reason: string }[] {
  return entries.flatMap(({ name, isFolder }) => {
    if (isFolder) return [];
    if (name.startsWith('META-INF/vault/hooks/')) return [{ path: name, reason: 'install hooks are code and not run' }];
    if (name.endsWith('.cnd')) return [{ path: name, reason: 'node types are not registered from packages' }];
    if (/^jcr_root\/etc\/packages\/.*\.zip$/.test(name)) {
      return [{ path: name, reason: 'a nested package is stored as a file, not installed' }];
    }
    return [];
  });
}

/** One package being applied to a session. */
class Installation {
  readonly counts = { nodes: 0, changed: 0, binaries: 0, bytes: 0 };
  readonly removed: string[] = [];
  private readonly binaries: BinariesAhead;
  /** Nodes of the package whose types create children. */
  private readonly incomplete: string[] = [];
  /** The node being applied. */
  private at = '/';

  constructor(
    private readonly root: ContentNode,
    private readonly session: Session,
    private readonly filters: readonly FilterSet[],
    private readonly skipped: { path: string; reason: string }[],
    private readonly totalBytes: number,
    private readonly onProgress: ((progress: InstallProgress) => void) | undefined,
  ) {
    this.binaries = new BinariesAhead(this.coveredBinaries(root, '/'), async (file) =>
      this.session.createBinary(this.counted(file)),
    );
  }

  /** Mode `replace`: removes what the filter covers and the package does not hold. */
  async removeWhatIsGone(): Promise<void> {
    for (const filter of this.filters) {
      if (filter.mode !== 'replace') continue;
      const existing: string[] = [];
      if (await this.session.findNode(filter.root)) existing.push(filter.root);
      for await (const { path } of this.session.descendants(filter.root)) existing.push(path);
      const kept = new Set<string>();
      for (const path of existing.toReversed()) {
        const gone =
          coveringFilter(this.filters, path)?.mode === 'replace' &&
          !contentAt(this.root, path) &&
          // A package that does not speak of access control does not open what was closed.
          !path.includes('/rep:policy');
        if (gone && !kept.has(path)) continue;
        for (const ancestor of selfAndAncestors(path)) kept.add(ancestor);
      }
      for (const path of existing) {
        if (kept.has(path) || !(kept.has(parentOf(path)) || path === filter.root)) continue;
        await this.session.remove(path);
        this.removed.push(path);
      }
    }
  }

  async apply(): Promise<void> {
    try {
      await this.applyChildren(this.root, '/', true);
      await addAutocreatedChildren(this.session, this.incomplete);
    } finally {
      await this.binaries.settle();
    }
  }

  /** Binaries that are certainly taken, in the order in which nodes are applied. */
  private async *coveredBinaries(parent: ContentNode, parentPath: string): AsyncGenerator<ContentFile> {
    for (const node of parent.children.values()) {
      const path = joinPath(parentPath, node.name);
      const filter = node.binaries.size > 0 ? coveringFilter(this.filters, path) : undefined;
      // Merging keeps what is there.
      if (filter && (!filter.mode.startsWith('merge') || !(await this.session.findNode(path)))) {
        for (const [name, file] of node.binaries) if (takesProperty(filter, path, name)) yield file;
      }
      yield* this.coveredBinaries(node, path);
    }
  }

  private async applyChildren(parent: ContentNode, parentPath: string, parentIsNew: boolean): Promise<void> {
    const children = [...parent.children.values()].map((node) => ({ node, path: joinPath(parentPath, node.name) }));
    const existing = await this.session.findNodes(children.map(({ path }) => path));
    for (const [index, { node, path }] of children.entries()) {
      const current = existing[index];
      const filter = coveringFilter(this.filters, path);
      if (!filter && !this.leadsToCovered(node, path)) {
        if (isDeclared(node)) this.skipped.push({ path, reason: 'the package filter does not cover it' });
        continue;
      }
      if (filter) await this.applyNode(node, path, current, filter);
      else if (!current) this.note(await this.session.addNode(path, { ...typesOf(node), imported: true }));
      await this.applyChildren(node, path, !current);
    }
    const mode = coveringFilter(this.filters, parentPath)?.mode;
    if (!parentIsNew && (mode === 'replace' || mode === 'update')) {
      await applyChildOrder(this.session, parentPath, [...parent.children.keys()]);
    }
  }

  /** Whether the node is on the way to something that the filter covers. */
  private leadsToCovered(node: ContentNode, path: string): boolean {
    if (!this.filters.some(({ root }) => isDescendantOrSelf(root, path) || isDescendantOrSelf(path, root)))
      return false;
    return [...node.children.values()].some((child) => {
      const childPath = joinPath(path, child.name);
      return coveringFilter(this.filters, childPath) !== undefined || this.leadsToCovered(child, childPath);
    });
  }

  private async applyNode(
    node: ContentNode,
    path: string,
    current: RepositoryNode | undefined,
    filter: FilterSet,
  ): Promise<void> {
    this.counts.nodes++;
    this.at = path;
    this.reportProgress();
    if (!current) {
      this.counts.changed++;
      const uuid = await this.freeUuid(node, path);
      const properties = await this.incomingProperties(node, path, filter, () => true);
      const added = await this.session.addNode(path, {
        ...typesOf(node),
        imported: true,
        properties: { ...Object.fromEntries(properties), ...(uuid && { 'jcr:uuid': uuid }) },
      });
      this.note(added);
      return;
    }
    this.note(current);
    // A folder that no file speaks of says nothing about the node that is there.
    if (!node.origin || filter.mode === 'merge') return;
    const onlyMissing = filter.mode === 'merge_properties';
    const incoming = await this.incomingProperties(
      node,
      path,
      filter,
      (name) => !onlyMissing || current.property(name) === undefined,
    );
    const changes = new Map<string, Property | null>();
    for (const [name, property] of incoming) {
      if (!propertiesEqual(current.property(name), property)) changes.set(name, property);
    }
    for (const [name, property] of typeChanges(node, current, filter)) changes.set(name, property);
    if (filter.mode === 'replace' || filter.mode === 'update') {
      for (const name of current.properties.keys()) {
        const stays = incoming.has(name) || protectedProperties.has(name) || createdProperties.has(name);
        if (!stays && coversProperty(filter, `${path}/${name}`)) changes.set(name, null);
      }
    }
    if (changes.size === 0) return;
    this.counts.changed++;
    this.note(await this.session.setProperties(path, Object.fromEntries(changes), { imported: true }));
  }

  private note(node: RepositoryNode): void {
    if (hasAutocreatedChildren(this.session, node)) this.incomplete.push(node.path);
  }

  private async incomingProperties(
    node: ContentNode,
    path: string,
    filter: FilterSet,
    wanted: (name: string) => boolean,
  ): Promise<Map<string, Property>> {
    const takes = (name: string) => wanted(name) && takesProperty(filter, path, name);
    const properties = new Map([...node.properties].filter(([name]) => takes(name)));
    for (const [name, file] of node.binaries) {
      if (!takes(name)) continue;
      const binary = await this.binaries.take(file);
      this.counts.binaries++;
      properties.set(name, { type: 'Binary', multiple: false, values: [binary] });
    }
    return properties;
  }

  private async *counted(file: ContentFile): AsyncIterable<Uint8Array> {
    for await (const chunk of file.open()) {
      this.counts.bytes += chunk.byteLength;
      this.reportProgress();
      yield chunk;
    }
  }

  private reportProgress(): void {
    const bytes = { done: this.counts.bytes, total: this.totalBytes };
    this.onProgress?.({ nodes: this.counts.nodes, bytes, path: this.at });
  }

  /** The package's identifier, unless another node has it: then the new node gets one of its own. */
  private async freeUuid(node: ContentNode, path: string): Promise<Property | undefined> {
    const uuid = node.properties.get('jcr:uuid');
    const owner = uuid && (await this.session.findNodeByIdentifier(propertyTexts(uuid).join()));
    if (!owner) return uuid;
    this.skipped.push({ path, reason: `its jcr:uuid belongs to ${owner.path}; the node has a new one` });
    return undefined;
  }
}

/** Whether the filter takes a property of a node from the package. */
function takesProperty(filter: FilterSet, path: string, name: string): boolean {
  return !protectedProperties.has(name) && coversProperty(filter, `${path}/${name}`);
}

/** Whether any file speaks of the node or of one below it. */
function isDeclared(node: ContentNode): boolean {
  return node.origin !== undefined || [...node.children.values()].some(isDeclared);
}

function contentAt(root: ContentNode, path: string): ContentNode | undefined {
  return path
    .split('/')
    .filter((name) => name !== '')
    .reduce<ContentNode | undefined>((node, name) => node?.children.get(name), root);
}

function typesOf(node: ContentNode): { primaryType: string; mixins: string[] } {
  const [primaryType] = propertyTexts(node.properties.get('jcr:primaryType'));
  const undeclared = node.origin || node.name === 'jcr:content' ? 'nt:unstructured' : 'sling:Folder';
  return {
    primaryType: primaryType ?? undeclared,
    mixins: propertyTexts(node.properties.get('jcr:mixinTypes')),
  };
}

function typeChanges(node: ContentNode, current: RepositoryNode, filter: FilterSet): [string, Property][] {
  const { primaryType, mixins } = typesOf(node);
  const changes: [string, Property][] = [];
  const exact = filter.mode === 'replace' || filter.mode === 'update';
  if (exact && node.properties.has('jcr:primaryType') && primaryType !== current.primaryType) {
    changes.push(['jcr:primaryType', { type: 'Name', multiple: false, values: [primaryType] }]);
  }
  const wanted = exact ? mixins : [...new Set([...current.mixins, ...mixins])];
  if (wanted.length !== current.mixins.length || wanted.some((mixin) => !current.mixins.includes(mixin))) {
    changes.push(['jcr:mixinTypes', { type: 'Name', multiple: true, values: wanted }]);
  }
  return changes;
}
