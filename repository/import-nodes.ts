/** Bringing in nodes that were made elsewhere, with the identifiers they had there (JCR 2.0, section 7.3.6). */
import type { ImportedNodeInput, ImportOptions, RepositoryNode, Session } from './api.js';
import { addAutocreatedChildren, hasAutocreatedChildren } from './autocreated-children.js';
import { RepositoryError } from './errors.js';
import { isDescendantOrSelf, joinPath, nameOf, parentOf } from './path.js';
import { propertyTexts } from './property-text.js';
import { toProperty } from './convert-value.js';
import type { Property } from './value.js';

/** As `Session.importNodes`. */
export async function importNodes(
  session: Session,
  parent: string,
  nodes: AsyncIterable<ImportedNodeInput> | Iterable<ImportedNodeInput>,
  options: ImportOptions,
): Promise<number> {
  await session.getNode(parent);
  const running = new NodeImport(session, parent, options);
  for await (const node of nodes) await running.add(node);
  await running.redirectReferences();
  await addAutocreatedChildren(session, running.incomplete);
  return running.count;
}

class NodeImport {
  count = 0;
  /** Nodes whose types create children. */
  readonly incomplete: string[] = [];
  /** Where nodes went that replace others in their place, by where the import has them. */
  readonly #placed = new Map<string, string>();
  /** New identifiers by those that the import has. */
  readonly #identifiers = new Map<string, string>();
  readonly #referring: string[] = [];

  constructor(
    private readonly session: Session,
    private readonly parent: string,
    private readonly options: ImportOptions,
  ) {}

  async add({ path: relative, input }: ImportedNodeInput): Promise<void> {
    const wanted = joinPath(this.parent, relative);
    const uuid = this.#uuidOf(wanted, input);
    const existing = uuid === undefined ? undefined : await this.session.findNodeByIdentifier(uuid);
    const { 'jcr:uuid': _given, ...withoutUuid } = input.properties ?? {};
    const createsNew = uuid !== undefined && this.options.uuidBehavior === 'createNew';
    const properties = createsNew ? withoutUuid : (input.properties ?? {});
    const place = existing ? await this.#makeRoom(existing, wanted) : { path: this.#target(wanted), before: undefined };
    const node = await this.session.addNode(place.path, { ...input, properties, imported: true });
    if (place.path !== wanted) this.#placed.set(wanted, place.path);
    if (place.before !== undefined) await this.session.orderBefore(place.path, place.before);
    if (createsNew) this.#identifiers.set(uuid, node.identifier);
    if (this.options.uuidBehavior === 'createNew' && refers(node)) this.#referring.push(node.path);
    if (hasAutocreatedChildren(this.session, node)) this.incomplete.push(node.path);
    this.count++;
  }

  /** The identifier a node brings along; a jcr:uuid on a node that is not referenceable is a property as any other. */
  #uuidOf(path: string, input: ImportedNodeInput['input']): string | undefined {
    const given = input.properties ?? {};
    const texts = (name: string) => {
      const value = given[name];
      return value === undefined ? [] : propertyTexts(toProperty(joinPath(path, name), value));
    };
    const primaryType = input.primaryType ?? texts('jcr:primaryType')[0] ?? 'nt:unstructured';
    const mixins = input.mixins ?? texts('jcr:mixinTypes');
    return this.session.nodeTypes.isNodeType(primaryType, mixins, 'mix:referenceable')
      ? texts('jcr:uuid')[0]
      : undefined;
  }

  /** What is below a node that went elsewhere goes with it. */
  #target(wanted: string): string {
    for (let above = parentOf(wanted); isDescendantOrSelf(above, this.parent); above = parentOf(above)) {
      const placed = this.#placed.get(above);
      if (placed !== undefined) return placed + wanted.slice(above.length);
      if (above === this.parent) break;
    }
    return wanted;
  }

  /** @returns the path for the incoming node, and the sibling it comes before where it takes another's place */
  async #makeRoom(existing: RepositoryNode, wanted: string): Promise<{ path: string; before: string | undefined }> {
    const { uuidBehavior } = this.options;
    const target = this.#target(wanted);
    if (uuidBehavior === 'createNew') return { path: target, before: undefined };
    if (uuidBehavior === 'throw') {
      throw new RepositoryError(
        'ITEM_EXISTS',
        `The node ${wanted} cannot be imported: its identifier is that of ${existing.path}.`,
        { paths: [wanted, existing.path] },
      );
    }
    if (isDescendantOrSelf(target, existing.path) && target !== existing.path) {
      throw new RepositoryError(
        'CONSTRAINT_VIOLATION',
        `The node ${wanted} cannot be imported: its identifier is that of ${existing.path}, which is above it.`,
        { paths: [wanted, existing.path] },
      );
    }
    const before = await this.#nextSibling(existing);
    await this.session.remove(existing.path);
    return uuidBehavior === 'removeExisting'
      ? { path: target, before: undefined }
      : { path: joinPath(parentOf(existing.path), nameOf(wanted)), before };
  }

  async #nextSibling({ path, name }: RepositoryNode): Promise<string | undefined> {
    const parent = await this.session.findNode(parentOf(path));
    if (!parent || !this.session.nodeTypes.isOrderable(parent.primaryType)) return undefined;
    let found = false;
    for await (const sibling of this.session.children(parent.path)) {
      if (found) return sibling.name;
      found = sibling.name === name;
    }
    return undefined;
  }

  /** References to nodes of the import follow them to their new identifiers, wherever in the import they stand. */
  async redirectReferences(): Promise<void> {
    for (const path of this.#referring) {
      const node = await this.session.findNode(path);
      if (!node) continue;
      const changes: Record<string, Property> = {};
      for (const [name, property] of node.properties) {
        if (!isReference(property) || !node.texts(name).some((target) => this.#identifiers.has(target))) continue;
        const values = node.texts(name).map((target) => this.#identifiers.get(target) ?? target);
        changes[name] = { ...property, values };
      }
      await this.session.setProperties(path, changes, { imported: true });
    }
  }
}

function refers(node: RepositoryNode): boolean {
  return [...node.properties.values()].some(isReference);
}

function isReference({ type }: Property): boolean {
  return type === 'Reference' || type === 'WeakReference';
}
