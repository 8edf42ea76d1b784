/** Brings a package's content into a session, by its filter and import modes. Nothing is saved. */
import type { RepositoryNode, Session } from '../api.js';
import { addAutocreatedChildren, hasAutocreatedChildren } from '../autocreated-children.js';
import { inlineBinary, maxInlineBytes, propertiesEqual } from '../convert-value.js';
import { isDescendantOrSelf, joinPath, parentOf, selfAndAncestors } from '../path.js';
import { propertyTexts } from '../property-text.js';
import type { BinaryValue, Property } from '../value.js';
import { applyPolicy, isPolicyName, policyName, type AccessControlHandling } from './access-control.js';
import { BinariesAhead } from './binaries-ahead.js';
import { applyChildOrder } from './child-order.js';
import type { ContentFile, ContentNode } from './content-tree.js';
import { importModeAt, includesProperty, type FilterSet, type ImportMode } from './filter.js';
import { hashBinary } from './hash-binary.js';
import type { PackageLimits } from './package-limits.js';
import { invalidPackage } from './zip-reader.js';

export interface InstallProgress {
  readonly nodes: number;
  /** Bytes of binaries stored so far, and of all files of the package. */
  readonly bytes: { readonly done: number; readonly total: number };
  /** What is being installed. */
  readonly path: string;
}

/** What an installation does to one node: adds, updates or deletes it, the last with all below. */
export interface InstallChange {
  readonly action: 'A' | 'U' | 'D';
  readonly path: string;
  readonly mode: ImportMode;
}

export interface LeftOut {
  readonly path: string;
  readonly reason: string;
}

export interface ApplyPackageOptions {
  readonly session: Session;
  readonly root: ContentNode;
  readonly filters: readonly FilterSet[];
  readonly accessControl: AccessControlHandling;
  readonly limits: PackageLimits;
  readonly totalBytes: number;
  readonly onProgress?: ((progress: InstallProgress) => void) | undefined;
  readonly onChange?: ((change: InstallChange) => void) | undefined;
  /** Binaries are only looked at, not stored: the session must not be saved. */
  readonly dryRun?: boolean;
}

export interface AppliedPackage {
  /** Nodes of the package that its filter covers: added, changed, or as they were. */
  readonly nodes: number;
  /** Nodes that are new or changed. */
  readonly changed: number;
  /** Binary values stored, and their bytes. */
  readonly binaries: number;
  readonly bytes: number;
  /** Nodes whose access control was set or taken away, and policies of the package that `acHandling` passes over. */
  readonly policies: { readonly changed: number; readonly ignored: number };
  /** Paths that were there and are not in the package; what lay below went with them. */
  readonly removed: readonly string[];
  readonly skipped: readonly LeftOut[];
}

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

/** @throws INVALID_PACKAGE and what the session refuses; the session then holds half of it and must be refreshed */
export async function applyPackage(options: ApplyPackageOptions): Promise<AppliedPackage> {
  return new Installation(options).run();
}

class Installation {
  readonly #session: Session;
  readonly #filters: readonly FilterSet[];
  readonly #binaries: BinariesAhead;
  readonly #removed: string[] = [];
  readonly #skipped: LeftOut[] = [];
  readonly #counts = { nodes: 0, changed: 0, binaries: 0, bytes: 0 };
  readonly #policies = { changed: 0, ignored: 0 };
  /** Nodes of the package whose types create children. */
  readonly #incomplete: string[] = [];
  /** The node being applied. */
  #at = '/';

  constructor(private readonly options: ApplyPackageOptions) {
    this.#session = options.session;
    this.#filters = options.filters;
    this.#binaries = new BinariesAhead(this.#coveredBinaries(options.root, '/'), async (file) => this.#store(file));
  }

  async run(): Promise<AppliedPackage> {
    await this.#removeWhatIsGone();
    await this.#removePolicies();
    try {
      await this.#applyChildren(this.options.root, '/', true);
      await addAutocreatedChildren(this.#session, this.#incomplete);
    } finally {
      await this.#binaries.settle();
    }
    return { ...this.#counts, policies: this.#policies, removed: this.#removed, skipped: this.#skipped };
  }

  /** Mode `replace`: removes what the filter covers and the package does not hold. */
  async #removeWhatIsGone(): Promise<void> {
    for (const filter of this.#filters) {
      if (filter.mode !== 'replace') continue;
      const existing: string[] = [];
      if (await this.#session.findNode(filter.root)) existing.push(filter.root);
      for await (const { path } of this.#session.descendants(filter.root)) {
        existing.push(path);
        this.#assertNodes(existing.length);
      }
      const kept = new Set<string>();
      for (const path of existing.toReversed()) {
        // A policy goes with its node, and is no reason for a node to stay.
        if (isPolicyPath(path) || (this.#isGone(path) && !kept.has(path))) continue;
        for (const ancestor of selfAndAncestors(path)) {
          if (kept.has(ancestor)) break;
          kept.add(ancestor);
        }
      }
      for (const path of existing) {
        if (isPolicyPath(path) || kept.has(path)) continue;
        if (!(kept.has(parentOf(path)) || path === filter.root)) continue;
        await this.#remove(path);
      }
    }
  }

  #isGone(path: string): boolean {
    return importModeAt(this.#filters, path) === 'replace' && !contentAt(this.options.root, path);
  }

  async #remove(path: string): Promise<void> {
    await this.#session.remove(path);
    this.#removed.push(path);
    this.options.onChange?.({ action: 'D', path, mode: 'replace' });
  }

  /** A package that does not speak of access control does not open what was closed, unless it says so. */
  async #removePolicies(): Promise<void> {
    const { accessControl, root } = this.options;
    if (accessControl !== 'clear' && accessControl !== 'overwrite') return;
    const open: string[] = [];
    for (const filter of this.#filters) {
      for await (const { path, name } of this.#session.descendants(filter.root)) {
        if (name !== policyName || importModeAt(this.#filters, path) === undefined) continue;
        const isReplaced = accessControl === 'overwrite' && contentAt(root, path);
        if (contentAt(root, parentOf(path))?.origin && !isReplaced) open.push(path);
      }
    }
    for (const path of new Set(open)) {
      await this.#remove(path);
      this.#policies.changed++;
    }
  }

  /** Binaries that are certainly taken, in the order in which nodes are applied. */
  async *#coveredBinaries(parent: ContentNode, parentPath: string): AsyncGenerator<ContentFile> {
    for (const node of parent.children.values()) {
      const path = joinPath(parentPath, node.name);
      const hasBinaries = node.binaries.size > 0 || node.binaryLists.size > 0;
      const mode = hasBinaries ? importModeAt(this.#filters, path) : undefined;
      // Merging keeps what is there.
      if (mode && (!mode.startsWith('merge') || !(await this.#session.findNode(path)))) {
        for (const [name, file] of node.binaries) if (this.#takes(path, name)) yield file;
        for (const [name, files] of node.binaryLists) if (this.#takes(path, name)) yield* files;
      }
      yield* this.#coveredBinaries(node, path);
    }
  }

  async #applyChildren(parent: ContentNode, parentPath: string, parentIsNew: boolean): Promise<void> {
    const children = [...parent.children.values()].map((node) => ({ node, path: joinPath(parentPath, node.name) }));
    const existing = await this.#session.findNodes(children.map(({ path }) => path));
    for (const [index, { node, path }] of children.entries()) {
      const current = existing[index];
      const mode = importModeAt(this.#filters, path);
      if (isPolicyName(node.name)) {
        await this.#applyPolicy(node, path, mode);
        continue;
      }
      if (!mode && !this.#leadsToCovered(node, path)) {
        if (isDeclared(node)) this.#skipped.push({ path, reason: 'the package filter does not cover it' });
        continue;
      }
      if (mode) await this.#applyNode(node, path, current, mode);
      else if (!current) {
        this.#note(await this.#session.addNode(path, { ...typesOf(node), imported: true }));
        this.options.onChange?.({ action: 'A', path, mode: 'merge' });
      }
      await this.#applyChildren(node, path, !current);
    }
    if (!parentIsNew && importModeAt(this.#filters, parentPath) === 'replace') {
      await applyChildOrder(this.#session, parentPath, [...parent.children.keys()]);
    }
  }

  async #applyPolicy(node: ContentNode, path: string, mode: ImportMode | undefined): Promise<void> {
    const { accessControl } = this.options;
    if (accessControl === 'ignore') {
      this.#policies.ignored++;
      return;
    }
    if (!mode) {
      this.#skipped.push({ path, reason: 'the package filter does not cover it' });
      return;
    }
    if (accessControl === 'clear') return;
    if (node.name !== policyName) {
      this.#skipped.push({ path, reason: 'this kind of policy is unknown here' });
      return;
    }
    this.#counts.nodes++;
    const applied = await applyPolicy(this.#session, parentOf(path), node, accessControl);
    if (applied.unknownPrivileges.length > 0) {
      const reason = `privileges that mean nothing here: ${applied.unknownPrivileges.join(', ')}`;
      this.#skipped.push({ path, reason });
    }
    if (!applied.changed) return;
    this.#policies.changed++;
    this.options.onChange?.({ action: 'U', path, mode });
  }

  /** Whether the node is on the way to something that the filter covers. */
  #leadsToCovered(node: ContentNode, path: string): boolean {
    if (!this.#filters.some(({ root }) => isDescendantOrSelf(root, path) || isDescendantOrSelf(path, root)))
      return false;
    return [...node.children.values()].some((child) => {
      const childPath = joinPath(path, child.name);
      return importModeAt(this.#filters, childPath) !== undefined || this.#leadsToCovered(child, childPath);
    });
  }

  async #applyNode(
    node: ContentNode,
    path: string,
    current: RepositoryNode | undefined,
    mode: ImportMode,
  ): Promise<void> {
    this.#assertNodes(++this.#counts.nodes);
    this.#at = path;
    this.#reportProgress();
    if (!current) {
      this.#counts.changed++;
      const uuid = await this.#freeUuid(node, path);
      const properties = await this.#incomingProperties(node, path, () => true);
      const added = await this.#session.addNode(path, {
        ...typesOf(node),
        imported: true,
        properties: { ...Object.fromEntries(properties), ...(uuid && { 'jcr:uuid': uuid }) },
      });
      this.#note(added);
      this.options.onChange?.({ action: 'A', path, mode });
      return;
    }
    this.#note(current);
    // A folder that no file speaks of says nothing about the node that is there.
    if (!node.origin || mode === 'merge') return;
    const onlyMissing = mode === 'merge_properties';
    const incoming = await this.#incomingProperties(
      node,
      path,
      (name) => !onlyMissing || current.property(name) === undefined,
    );
    const changes = new Map<string, Property | null>();
    for (const [name, property] of incoming) {
      if (!propertiesEqual(current.property(name), property)) changes.set(name, property);
    }
    for (const [name, property] of this.#typeChanges(node, current, mode)) changes.set(name, property);
    if (mode === 'replace') {
      for (const name of current.properties.keys()) {
        const stays = incoming.has(name) || protectedProperties.has(name) || createdProperties.has(name);
        if (!stays && includesProperty(this.#filters, path, name)) changes.set(name, null);
      }
    }
    if (changes.size === 0) return;
    this.#counts.changed++;
    this.#note(await this.#session.setProperties(path, Object.fromEntries(changes), { imported: true }));
    this.options.onChange?.({ action: 'U', path, mode });
  }

  #note(node: RepositoryNode): void {
    if (hasAutocreatedChildren(this.#session, node)) this.#incomplete.push(node.path);
  }

  #typeChanges(node: ContentNode, current: RepositoryNode, mode: ImportMode): [string, Property][] {
    const { primaryType, mixins } = typesOf(node);
    const changes: [string, Property][] = [];
    const takes = (name: string) => includesProperty(this.#filters, current.path, name);
    if (
      mode === 'replace' &&
      takes('jcr:primaryType') &&
      node.properties.has('jcr:primaryType') &&
      primaryType !== current.primaryType
    ) {
      changes.push(['jcr:primaryType', { type: 'Name', multiple: false, values: [primaryType] }]);
    }
    const wanted = mode === 'replace' ? mixins : [...new Set([...current.mixins, ...mixins])];
    const isSame = wanted.length === current.mixins.length && wanted.every((mixin) => current.mixins.includes(mixin));
    if (!isSame && takes('jcr:mixinTypes')) {
      changes.push(['jcr:mixinTypes', { type: 'Name', multiple: true, values: wanted }]);
    }
    return changes;
  }

  async #incomingProperties(
    node: ContentNode,
    path: string,
    wanted: (name: string) => boolean,
  ): Promise<Map<string, Property>> {
    const takes = (name: string) => wanted(name) && this.#takes(path, name);
    const properties = new Map([...node.properties].filter(([name]) => takes(name)));
    for (const [name, file] of node.binaries) {
      if (!takes(name)) continue;
      properties.set(name, { type: 'Binary', multiple: false, values: [await this.#take(file)] });
    }
    for (const [name, files] of node.binaryLists) {
      if (!takes(name)) continue;
      const values: BinaryValue[] = [];
      for (const file of files) values.push(await this.#take(file));
      properties.set(name, { type: 'Binary', multiple: true, values });
    }
    return properties;
  }

  async #take(file: ContentFile): Promise<BinaryValue> {
    this.#counts.binaries++;
    return this.#binaries.take(file);
  }

  #takes(path: string, name: string): boolean {
    return !protectedProperties.has(name) && includesProperty(this.#filters, path, name);
  }

  async #store(file: ContentFile): Promise<BinaryValue> {
    if (!this.options.dryRun) return this.#session.createBinary(this.#counted(file));
    if (file.size > maxInlineBytes) return hashBinary(this.#counted(file));
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#counted(file)) chunks.push(chunk);
    return inlineBinary(Buffer.concat(chunks));
  }

  async *#counted(file: ContentFile): AsyncIterable<Uint8Array> {
    for await (const chunk of file.open()) {
      this.#counts.bytes += chunk.byteLength;
      this.#reportProgress();
      yield chunk;
    }
  }

  #reportProgress(): void {
    const bytes = { done: this.#counts.bytes, total: this.options.totalBytes };
    this.options.onProgress?.({ nodes: this.#counts.nodes, bytes, path: this.#at });
  }

  #assertNodes(count: number): void {
    const { nodes } = this.options.limits;
    if (count > nodes) throw invalidPackage(`The installation touches more than ${nodes} nodes; split the package.`);
  }

  /** The package's identifier, unless another node has it: then the new node gets one of its own. */
  async #freeUuid(node: ContentNode, path: string): Promise<Property | undefined> {
    const uuid = node.properties.get('jcr:uuid');
    const owner = uuid && (await this.#session.findNodeByIdentifier(propertyTexts(uuid).join()));
    if (!owner) return uuid;
    this.#skipped.push({ path, reason: `its jcr:uuid belongs to ${owner.path}; the node has a new one` });
    return undefined;
  }
}

function isPolicyPath(path: string): boolean {
  return path.endsWith(`/${policyName}`) || path.includes(`/${policyName}/`);
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
