/** A user's session: reads through access control, changes collected until `save`. */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { AccessStateCache } from './access/access-state.js';
import type { AccessEvaluator } from './access/evaluate.js';
import { policyName } from './access/controlled-path.js';
import { assertPrivileges, expandPrivileges } from './access/privileges.js';
import type { ImportedNodeInput, ImportOptions, NodeInput, Privilege, Reference } from './api.js';
import type { RepositoryNode, Session, SetOptions } from './api.js';
import { appendedPosition, positionBetween } from './child-position.js';
import { inlineBinary, maxInlineBytes, propertiesEqual, toProperty } from './convert-value.js';
import { copyNodes } from './copy-nodes.js';
import { RepositoryError } from './errors.js';
import type { NodeCache } from './node-cache.js';
import { givenIdentifier } from './identifier.js';
import { importNodes } from './import-nodes.js';
import { assertNotProtected, autocreatedProperties, toDefinedType } from './node-types/define-properties.js';
import type { EffectiveNodeType } from './node-types/effective-node-type.js';
import type { NodeTypeCache } from './node-types/registry-cache.js';
import type { NodeTypeRegistry } from './node-types/registry.js';
import { assertName, assertPath, isChildOf, isDescendantOrSelf, joinPath, nameOf, parentOf } from './path.js';
import type { Query, QueryResult } from './query/query.js';
import { runQuery } from './query/run-query.js';
import type { QueryContext } from './query/run-query.js';
import { reapplyChanges } from './record-merge.js';
import { mixinsOf, primaryTypeOf, textOf } from './record.js';
import type { NodeRecord } from './record.js';
import { findReferences } from './references.js';
import { SessionNode } from './session-node.js';
import type { SaveParticipant } from './session-participant.js';
import { readBasis, saveChanges } from './session-save.js';
import type { SaveBasis } from './session-save.js';
import { TransientSpace } from './session-transient.js';
import { readStoredNodes, SessionView, SharedSnapshot } from './session-view.js';
import type { ViewNode } from './session-view.js';
import type { BlobStore, ByteRange, NodeStore, StoreSnapshot } from './store/contract.js';
import type { BinaryValue, Property, PropertyInput } from './value.js';
import type { VersionManager } from './versions/api.js';
import { createVersionManager } from './versions/version-manager.js';

/** It is kept with every commit. */
const maxUserDataLength = 4096;

const defaultMaxReadBytes = 16 * 1024 * 1024;

/** What all sessions of a repository share. */
export interface SessionContext {
  readonly store: NodeStore;
  readonly blobs: BlobStore;
  readonly accessStates: AccessStateCache;
  readonly nodes: NodeCache;
  readonly nodeTypes: NodeTypeCache;
  /** Asked in this order at every save. */
  readonly participants: readonly SaveParticipant[];
  readonly queries: QueryContext;
  /** What one session tells observers with its commits; never shared. */
  readonly userData?: string | undefined;
}

/** @param snapshot belongs to the session from here on */
export async function openSession(context: SessionContext, userId: string, snapshot: StoreSnapshot): Promise<Session> {
  const basis = await readBasis(context, snapshot, userId);
  await context.nodes.catchUp(snapshot.sequence);
  return new RepositorySession(context, userId, new SharedSnapshot(snapshot), basis);
}

class RepositorySession implements Session {
  readonly #context: SessionContext;
  readonly #transient = new TransientSpace();
  #view: SessionView;
  #basis: SaveBasis;
  /** Children placed so far, so that later ones come after them. */
  #placed = 0;
  #userData: string | undefined;
  #releasing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(
    context: SessionContext,
    readonly userId: string,
    shared: SharedSnapshot,
    basis: SaveBasis,
  ) {
    this.#context = context;
    this.#view = new SessionView(shared, this.#transient, context.nodes);
    this.#basis = basis;
  }

  get #access(): AccessEvaluator {
    return this.#basis.access;
  }

  get #types(): NodeTypeRegistry {
    return this.#basis.types.registry;
  }

  get nodeTypes(): NodeTypeRegistry {
    return this.#types;
  }

  get sequence(): number {
    return this.#view.shared.sequence;
  }

  get hasPendingChanges(): boolean {
    return !this.#transient.isEmpty;
  }

  setUserData(text: string | undefined): void {
    if (text !== undefined && text.length > maxUserDataLength) {
      throw new RepositoryError(
        'INVALID_VALUE',
        `User data of a session has at most ${maxUserDataLength} characters, not ${text.length}.`,
      );
    }
    this.#userData = text;
  }

  get versions(): VersionManager {
    return createVersionManager({
      session: this,
      context: { ...this.#context, userData: this.#userData },
      transient: this.#transient,
      view: () => this.#view,
      access: () => this.#access,
      types: () => this.#types,
    });
  }

  getNode(path: string): Promise<RepositoryNode> {
    const known = this.#cached(path);
    return known ? Promise.resolve(this.#toNode(known)) : this.#require(path).then((node) => this.#toNode(node));
  }

  findNode(path: string): Promise<RepositoryNode | undefined> {
    // Most reads end here, so this is no async function: it would cost as much as the rest.
    const known = this.#cached(path);
    return known
      ? Promise.resolve(this.#toNode(known))
      : this.#readable(path).then((node) => node && this.#toNode(node));
  }

  /** A node that is known and readable without a look into the store. What is known was a valid path when it was stored. */
  #cached(path: string): SessionNode | undefined {
    if (this.#closed) return undefined;
    const node = this.#view.cached(path);
    return node && this.#access.canRead(path, node.record) ? node : undefined;
  }

  /** A node that the session changed or that is cached, where it may be read. */
  #known(path: string): ViewNode | undefined {
    this.#assertOpen();
    const node = this.#view.known(path);
    return node && this.#access.canRead(path, typedBy(node)) ? node : undefined;
  }

  async findNodes(paths: readonly string[]): Promise<(RepositoryNode | undefined)[]> {
    return (await this.#findReadable(paths)).map((node) => node && this.#toNode(node));
  }

  async findNodeByIdentifier(identifier: string): Promise<RepositoryNode | undefined> {
    this.#assertOpen();
    const path = await this.#view.pathOfIdentifier(identifier);
    // What may not be read is not looked up either, so that it takes as long as what is not there.
    return path === undefined || !this.#access.mayBeReadable(path) ? undefined : this.findNode(path);
  }

  async *references(path: string): AsyncGenerator<Reference> {
    const target = await this.#readable(path);
    if (!target) return;
    const mayRead = (from: string) => this.#access.mayBeReadable(from);
    for await (const reference of findReferences(this.#view, target.record.identifier, mayRead)) {
      if (!this.#access.goesByType || (await this.#readable(reference.path))) yield reference;
    }
  }

  async *children(path: string): AsyncGenerator<RepositoryNode> {
    const parent = await this.#readable(path);
    if (!parent || this.#view.isLeaf(parent)) return;
    const { epoch } = this.#transient;
    for await (const batch of this.#view.children(path)) {
      for (const listed of batch) {
        const node = this.#view.current(listed, epoch);
        if (node && this.#access.canRead(node.path, typedBy(node))) yield this.#toNode(node);
      }
    }
  }

  async *descendants(path: string): AsyncGenerator<RepositoryNode> {
    const root = await this.#readable(path);
    if (!root || this.#view.isLeaf(root)) return;
    let parent: string | undefined;
    let parentVisible = true;
    const { epoch } = this.#transient;
    for await (const batch of this.#view.descendants(path)) {
      for (const listed of batch) {
        const node = this.#view.current(listed, epoch);
        if (!node) continue;
        // Siblings come together, so this is decided once for all of them.
        if (parent === undefined || !isChildOf(node.path, parent)) {
          parent = parentOf(node.path);
          parentVisible =
            this.#mayBeReadableUpTo(parent, path) &&
            (!this.#access.goesByType || (await this.#isReadableUpTo(parent, path)));
        }
        if (parentVisible && this.#access.canRead(node.path, typedBy(node))) yield this.#toNode(node);
      }
    }
  }

  async query(query: Query): Promise<QueryResult> {
    this.#assertOpen();
    const { shared } = this.#view;
    const isCurrent = () => !this.#closed && this.#view.shared === shared;
    return runQuery(this.#context.queries, { shared, access: this.#access, types: this.#types, isCurrent }, query);
  }

  /** As far as the paths tell. */
  #mayBeReadableUpTo(path: string, ancestor: string): boolean {
    for (let node = path; node !== ancestor; node = parentOf(node)) {
      if (!this.#access.mayBeReadable(node)) return false;
    }
    return true;
  }

  /** By the nodes themselves, where rights go by their types. */
  async #isReadableUpTo(path: string, ancestor: string): Promise<boolean> {
    const between: string[] = [];
    for (let node = path; node !== ancestor; node = parentOf(node)) between.push(node);
    return (await this.#findReadable(between)).every((node) => node !== undefined);
  }

  async addNode(path: string, input: NodeInput = {}): Promise<RepositoryNode> {
    return this.#add(path, input, false);
  }

  async ensureNode(path: string, input: NodeInput = {}, intermediateType?: string): Promise<RepositoryNode> {
    const existing = await this.#readable(path);
    if (existing) return this.#toNode(existing);
    const missing: string[] = [];
    for (let node = parentOf(path); node !== '' && !(await this.#readable(node)); node = parentOf(node)) {
      missing.push(node);
    }
    const intermediate = intermediateType === undefined ? {} : { primaryType: intermediateType };
    for (const node of missing.reverse()) await this.#add(node, intermediate, true);
    return this.#add(path, input, true);
  }

  async #add(path: string, input: NodeInput, ensured: boolean): Promise<RepositoryNode> {
    assertPath(path);
    if (path === '/') throw exists(path);
    const parent = this.#known(parentOf(path)) ?? (await this.#require(parentOf(path)));
    // A node of the store that the user may not read does not show here: the save refuses it.
    // Nothing is stored below a parent that is new itself.
    const isParentNew = parent.pending !== undefined && parent.pending.origin === undefined;
    if (this.#transient.get(path) || (!isParentNew && (await this.#readable(path)))) throw exists(path);
    const fallback = this.#defaultType(parent.record, nameOf(path));
    const record = this.#newRecord(path, input, fallback, this.#nextPosition(parent.record));
    const isGiven = input.properties?.['jcr:uuid'] !== undefined;
    if (isGiven && textOf(record, 'jcr:uuid') === record.identifier) await this.#assertFreeIdentifier(path, record);
    this.#transient.put({ path, record, origin: undefined, ensured });
    if (!input.imported) {
      const { autocreatedChildren } = this.#effective(record);
      if (autocreatedChildren.length > 0) await this.#addAutocreated(path, autocreatedChildren, ensured);
    }
    return this.#toNode({ path, record, version: 0, pending: undefined });
  }

  #defaultType(parent: NodeRecord, name: string): string {
    const type = this.#effective(parent).defaultChildType(name) ?? 'nt:unstructured';
    const definition = this.#types.get(type);
    return definition?.abstract || definition?.mixin ? 'nt:unstructured' : type;
  }

  async #addAutocreated(
    path: string,
    children: EffectiveNodeType['autocreatedChildren'],
    ensured: boolean,
  ): Promise<void> {
    for (const { name, defaultType = 'nt:unstructured' } of children) {
      const child = joinPath(path, name);
      if (!(await this.#view.read(child))) await this.#add(child, { primaryType: defaultType }, ensured);
    }
  }

  #effective(record: NodeRecord): EffectiveNodeType {
    return this.#types.effective(primaryTypeOf(record), mixinsOf(record));
  }

  #newRecord(path: string, input: NodeInput, fallbackType: string, position: string | undefined): NodeRecord {
    const properties = new Map<string, Property>();
    for (const [name, value] of Object.entries(input.properties ?? {})) {
      properties.set(name, givenProperty(path, name, value));
    }
    if (input.primaryType !== undefined || !properties.has('jcr:primaryType')) {
      const primaryType = input.primaryType ?? fallbackType;
      properties.set('jcr:primaryType', givenProperty(path, 'jcr:primaryType', primaryType));
    }
    if (input.mixins && input.mixins.length > 0) {
      properties.set('jcr:mixinTypes', givenProperty(path, 'jcr:mixinTypes', input.mixins));
    }
    const draft = { identifier: randomUUID(), position, properties };
    const effective = this.#effective(draft);
    for (const [name, property] of properties) {
      // Where a node comes from elsewhere, it brings these along.
      if (!input.imported && !initialProperties.has(name)) assertNotProtected(effective, path, name, property);
      properties.set(name, toDefinedType(effective, path, name, property));
    }
    // Content that was checked in elsewhere has no history here: it begins as every new node does.
    if (effective.types.has('mix:simpleVersionable')) properties.delete('jcr:isCheckedOut');
    this.#addMissing(effective, path, properties);
    if (!effective.types.has('mix:referenceable')) return draft;
    return properties.has('jcr:uuid') ? { ...draft, identifier: givenIdentifier(path, draft) } : withUuid(draft);
  }

  async #assertFreeIdentifier(path: string, { identifier }: NodeRecord): Promise<void> {
    if ((await this.#view.pathOfIdentifier(identifier)) === undefined) return;
    throw new RepositoryError('ITEM_EXISTS', `The jcr:uuid ${identifier} of ${path} is that of another node.`, {
      paths: [path],
    });
  }

  #addMissing(effective: EffectiveNodeType, path: string, properties: Map<string, Property>): void {
    const has = (name: string) => properties.has(name);
    const created = autocreatedProperties(effective, has, { path, userId: this.userId });
    for (const [name, property] of created) properties.set(name, property);
  }

  #nextPosition(parent: NodeRecord): string | undefined {
    return this.#types.isOrderable(primaryTypeOf(parent)) ? appendedPosition(this.sequence, this.#placed++) : undefined;
  }

  async setProperties(
    path: string,
    changes: Readonly<Record<string, PropertyInput | null>>,
    { imported = false }: SetOptions = {},
  ): Promise<RepositoryNode> {
    const node = this.#known(path) ?? (await this.#require(path));
    const properties = new Map(node.record.properties);
    for (const [name, input] of Object.entries(changes)) {
      if (input !== null) properties.set(name, givenProperty(path, name, input));
      else if (name !== 'jcr:primaryType') properties.delete(name);
      else throw violation(path, 'must keep a jcr:primaryType');
    }
    const changed = { ...node.record, properties };
    const effective = this.#effective(changed);
    for (const name of Object.keys(changes)) {
      const property = properties.get(name);
      // The save compares jcr:uuid with the identifier.
      if (!imported && name !== 'jcr:uuid' && !propertiesEqual(property, node.record.properties.get(name))) {
        assertNotProtected(effective, path, name, property);
      }
      if (property) properties.set(name, toDefinedType(effective, path, name, property));
    }
    const before = this.#effective(node.record);
    if (effective === before) return this.#change(node, changed);
    this.#addMissing(effective, path, properties);
    const referenceable = effective.types.has('mix:referenceable') && !before.types.has('mix:referenceable');
    const record = referenceable ? withUuid(changed) : changed;
    this.#change(node, record);
    if (!imported) await this.#addAutocreated(path, effective.autocreatedChildren, false);
    return this.#toNode({ path, record, version: node.version, pending: this.#transient.get(path) });
  }

  #change(node: ViewNode, record: NodeRecord): RepositoryNode {
    const { path, version, pending } = node;
    const origin = pending ? pending.origin : { path, record: node.record, version };
    const changed = { path, record, origin, ensured: false };
    this.#transient.put(changed);
    return this.#toNode({ path, record, version, pending: changed });
  }

  async remove(path: string): Promise<void> {
    const node = await this.#require(path);
    if (path === '/') throw violation(path, 'is the root and cannot be removed');
    this.#transient.remove(node.path, await this.#isStored(path));
  }

  /** Whether the store has a node here that the session has not removed yet. */
  async #isStored(path: string): Promise<boolean> {
    return !this.#transient.isRemoved(path) && (await this.#view.readStored([path])).has(path);
  }

  async move(from: string, to: string): Promise<void> {
    const node = await this.#require(from);
    assertPath(to);
    if (from === '/') throw violation(from, 'is the root and cannot be moved');
    if (to === '/' || this.#transient.get(to) || (await this.#readable(to))) throw exists(to);
    if (isDescendantOrSelf(to, from)) throw violation(from, `cannot be moved into itself (${to})`);
    const parent = await this.#require(parentOf(to));
    const taken: ViewNode[] = [node];
    // Nodes the user may not read go along: they are part of what is moved.
    for await (const batch of this.#view.descendants(from)) for (const below of batch) taken.push(below);
    const moved = taken.map(({ path, record, version, pending }) => ({
      path: assertPath(to + path.slice(from.length)),
      record: path === from ? { ...record, position: this.#nextPosition(parent.record) } : record,
      origin: pending ? pending.origin : { path, record, version },
      ensured: false,
    }));
    this.#transient.remove(from, await this.#isStored(from), this.sequence);
    for (const pending of moved) this.#transient.put(pending);
  }

  async copy(from: string, to: string): Promise<RepositoryNode> {
    const root = await this.#require(from);
    assertPath(to);
    if (to === '/' || this.#transient.get(to) || (await this.#readable(to))) throw exists(to);
    const parent = await this.#require(parentOf(to));
    const visible = (node: ViewNode) => this.#access.visible(node.path, node.record, typedBy(node));
    const taken: Pick<ViewNode, 'path' | 'record'>[] = [
      { path: from === '/' ? '' : from, record: { ...visible(root), position: this.#nextPosition(parent.record) } },
    ];
    for await (const batch of this.#view.descendants(from)) {
      for (const node of batch) {
        const isPolicy = node.path.slice(from.length).split('/').includes(policyName);
        // What may not be read, nodes and properties alike, must not come to light as a copy elsewhere.
        const parent = parentOf(node.path);
        if (isPolicy || !this.#access.canRead(node.path, typedBy(node))) continue;
        if (!this.#mayBeReadableUpTo(parent, from)) continue;
        if (this.#access.goesByType && !(await this.#isReadableUpTo(parent, from))) continue;
        taken.push({ path: node.path, record: visible(node) });
      }
    }
    const { userId } = this;
    const effectiveOf = (record: NodeRecord) => this.#effective(record);
    const copies = copyNodes(taken, { from: from === '/' ? '' : from, to, userId, effectiveOf });
    for (const copy of copies) this.#transient.put({ ...copy, origin: undefined, ensured: false });
    return this.getNode(to);
  }

  async importNodes(
    parent: string,
    nodes: AsyncIterable<ImportedNodeInput> | Iterable<ImportedNodeInput>,
    options: ImportOptions,
  ): Promise<number> {
    return importNodes(this, parent, nodes, options);
  }

  async orderBefore(path: string, sibling: string | undefined): Promise<void> {
    const node = await this.#require(path);
    if (path === '/') throw violation(path, 'is the root and has no siblings');
    const parent = await this.#require(parentOf(path));
    if (!this.#types.isOrderable(primaryTypeOf(parent.record))) {
      throw violation(parent.path, `is of type ${primaryTypeOf(parent.record)}, whose children have no order`);
    }
    if (sibling === undefined) {
      this.#change(node, { ...node.record, position: this.#nextPosition(parent.record) });
      return;
    }
    assertName(sibling);
    const target = await this.#require(joinPath(parent.path, sibling));
    if (target.path === path) return;
    const order: ViewNode[] = [];
    for await (const batch of this.#view.children(parent.path)) {
      order.push(...batch.filter((child) => child.path !== path));
    }
    const index = order.findIndex((child) => child.path === target.path);
    const before = order[index - 1]?.record.position;
    const after = target.record.position;
    const hasRoom = after !== undefined && (index === 0 || (before !== undefined && before < after));
    if (hasRoom) {
      this.#change(node, { ...node.record, position: positionBetween(before, after) });
      return;
    }
    // Siblings without a position, or two sessions chose the same one: every sibling gets a new place.
    order.splice(index, 0, node);
    for (const child of order) this.#change(child, { ...child.record, position: this.#nextPosition(parent.record) });
  }

  async hasPrivileges(path: string, ...wanted: readonly Privilege[]): Promise<boolean> {
    assertPrivileges(wanted);
    const node = await this.#readable(path);
    if (!node) return false;
    return [...expandPrivileges(wanted)].every((privilege) => this.#access.isAllowed(path, privilege, typedBy(node)));
  }

  async createBinary(source: AsyncIterable<Uint8Array> | Uint8Array | string): Promise<BinaryValue> {
    this.#assertOpen();
    const chunks =
      typeof source === 'string' ? [Buffer.from(source)] : source instanceof Uint8Array ? [source] : source;
    const start = await readStart(chunks);
    if (start.rest === undefined) return inlineBinary(start.bytes);
    return this.#context.blobs.write(start.rest);
  }

  openBinary(value: BinaryValue, range?: ByteRange): Readable {
    this.#assertOpen();
    if (value.inline === undefined) {
      // Its length is asked for, as a file that was cut short would pass for a whole one.
      return this.#context.blobs.stream(value.sha256, range ?? { start: 0, length: value.size });
    }
    const bytes = Buffer.from(value.inline, 'base64');
    const part = range ? bytes.subarray(range.start, range.start + range.length) : bytes;
    return Readable.from(part.length === 0 ? [] : [part], { objectMode: false });
  }

  async readBinary(value: BinaryValue, maxBytes = defaultMaxReadBytes): Promise<Uint8Array> {
    if (value.size > maxBytes) {
      throw new RepositoryError(
        'INVALID_VALUE',
        `The binary has ${value.size} bytes; at most ${maxBytes} may be read at once.`,
      );
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.openBinary(value)) chunks.push(chunk as Uint8Array);
    return Buffer.concat(chunks);
  }

  async save(): Promise<number> {
    this.#assertOpen();
    const context = this.#userData === undefined ? this.#context : { ...this.#context, userData: this.#userData };
    const saved = await saveChanges(context, this.#transient, this.#view.shared.peek(), this.#basis);
    this.#transient.clear();
    if (saved === undefined) return this.sequence;
    const newest = await this.#context.store.snapshot(saved.sequence);
    // The commit required what it was checked with to stand, so without another commit since it still does.
    await this.#moveTo(newest, newest.sequence === saved.sequence ? saved.basis : undefined);
    return saved.sequence;
  }

  async refresh(keepChanges = false): Promise<void> {
    this.#assertOpen();
    const newest = await this.#context.store.snapshot();
    if (keepChanges) await this.#reapplyOn(newest);
    else this.#transient.clear();
    await this.#moveTo(newest);
  }

  /** Changes that no longer have a node to apply to stay as they are; the save names them as conflicts. */
  async #reapplyOn(newest: StoreSnapshot): Promise<void> {
    const changed = this.#transient.nodes().filter(({ path, origin }) => origin?.path === path);
    const theirs = await readStoredNodes(
      newest,
      changed.map(({ path }) => path),
    );
    for (const node of changed) {
      const their = theirs.get(node.path);
      const mine = node.origin?.record;
      if (!their || !mine || their.record.identifier !== mine.identifier || this.#transient.isRemoved(node.path))
        continue;
      this.#transient.put({ ...node, record: reapplyChanges(mine, node.record, their.record), origin: their });
    }
    const removed = this.#transient.removedSubtrees().filter(({ movedAt }) => movedAt === undefined);
    const remaining = await readStoredNodes(
      newest,
      removed.map(({ path }) => path),
    );
    for (const { path } of removed) if (!remaining.has(path)) this.#transient.forgetRemoved(path);
  }

  /** @param basis as of that snapshot, when it is known */
  async #moveTo(snapshot: StoreSnapshot, basis?: SaveBasis): Promise<void> {
    const previous = this.#view.shared;
    this.#basis = basis ?? (await readBasis(this.#context, snapshot, this.userId));
    await this.#context.nodes.catchUp(snapshot.sequence);
    this.#view = new SessionView(new SharedSnapshot(snapshot), this.#transient, this.#context.nodes);
    // Nobody waits for it but `close`: a save would take half as long again.
    this.#releasing = previous.release();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#transient.clear();
    await this.#releasing;
    await this.#view.shared.release();
  }

  /** @throws PATH_NOT_FOUND, in the same words for what is absent and what may not be read */
  async #require(path: string): Promise<ViewNode> {
    const node = await this.#readable(path);
    if (!node) {
      throw new RepositoryError('PATH_NOT_FOUND', `There is no node ${path}, or it may not be read.`, {
        paths: [path],
      });
    }
    return node;
  }

  async #readable(path: string): Promise<ViewNode | undefined> {
    return (await this.#findReadable([path]))[0];
  }

  async #findReadable(paths: readonly string[]): Promise<(ViewNode | undefined)[]> {
    this.#assertOpen();
    // What may not be read is looked up in the store like what does not exist, so that neither is quicker.
    const nodes = await this.#view.readMany(paths.map(assertPath), (path) => this.#access.mayBeReadable(path));
    return nodes.map((node) => (node && this.#access.canRead(node.path, typedBy(node)) ? node : undefined));
  }

  /** With the properties that may be read; stored nodes that hide none are shared with all sessions. */
  #toNode(node: ViewNode): RepositoryNode {
    const record = this.#access.visible(node.path, node.record, typedBy(node));
    return record === node.record && node instanceof SessionNode
      ? node
      : new SessionNode(node.path, node.version, record);
  }

  #assertOpen(): void {
    if (this.#closed)
      throw new RepositoryError('SESSION_CLOSED', `The session of ${this.userId} is closed; open another.`);
  }
}

/** The record whose type rights go by: a type that is not saved yet gives none. */
function typedBy({ record, pending }: ViewNode): NodeRecord {
  return pending?.origin?.record ?? record;
}

/** Protected properties whose first value may be given: those of content that was made elsewhere. */
const initialProperties: ReadonlySet<string> = new Set(['jcr:uuid', 'jcr:created', 'jcr:createdBy']);

/** A property as given, except the two that every node type defines as names. */
function givenProperty(path: string, name: string, input: PropertyInput): Property {
  assertName(name);
  const property = toProperty(joinPath(path, name), input);
  if (name !== 'jcr:primaryType' && name !== 'jcr:mixinTypes') return property;
  const multiple = name === 'jcr:mixinTypes';
  return toProperty(joinPath(path, name), { type: 'Name', multiple, values: property.values });
}

function withUuid(record: NodeRecord): NodeRecord {
  const uuid = toProperty('jcr:uuid', record.identifier);
  return { ...record, properties: new Map(record.properties).set('jcr:uuid', uuid) };
}

/** Reads ahead until the content ends or is too long to be kept inline; then `rest` is all of it, from the start. */
async function readStart(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<{ readonly bytes: Uint8Array; readonly rest: AsyncIterable<Uint8Array> | undefined }> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size <= maxInlineBytes) {
    const next = await iterator.next();
    if (next.done === true) return { bytes: Buffer.concat(chunks), rest: undefined };
    // A copy: a source may use its buffer again.
    chunks.push(Buffer.from(next.value));
    size += next.value.byteLength;
  }
  return { bytes: Buffer.alloc(0), rest: resumed(chunks, iterator) };
}

async function* resumed(
  chunks: readonly Uint8Array[],
  iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  } finally {
    await iterator.return?.();
  }
}

function exists(path: string): RepositoryError {
  return new RepositoryError('ITEM_EXISTS', `There is a node ${path} already.`, { paths: [path] });
}

function violation(path: string, problem: string): RepositoryError {
  return new RepositoryError('CONSTRAINT_VIOLATION', `The node ${path} ${problem}.`, { paths: [path] });
}
