/**
 * Content as the files of FileVault's layout, one after the other: what `buildContentTree` reads back. Nodes that are
 * nt:hierarchyNode (folders, files, pages, assets) have a folder or file of their own, others are part of the document of the
 * next such node above, as in FileVault. https://jackrabbit.apache.org/filevault/vaultfs.html
 */
import type { RepositoryNode, Session } from '../api.js';
import { joinPath, parentOf } from '../path.js';
import { isDescendantOrSelf } from '../path.js';
import type { BinaryValue, Property } from '../value.js';
import { isDocView } from './docview.js';
import { importModeAt, includesProperty, type FilterSet } from './filter.js';
import { foldName } from './fold-name.js';
import { mediaTypeOf } from './media-type.js';
import { encodePlatformName, encodeWholePlatformName } from './platform-name.js';
import { writeDocView, type DocumentRules } from './write-docview.js';

/** A file of the layout. */
export interface WrittenFile {
  /** Relative to jcr_root, with `/`. */
  readonly path: string;
  readonly content: string | BinaryValue;
}

export interface WriteContentOptions {
  readonly session: Session;
  readonly filters: readonly FilterSet[];
  /** Binaries that have a blob by their hash: for what stays in this repository. */
  readonly binaryReferences?: boolean;
  /** Told of every blob that is referred to so. */
  readonly onBinaryReference?: (sha256: string) => void;
  /** Leaves out when files and folders were created and changed, which says nothing in a folder under version control. */
  readonly withoutTimes?: boolean;
  /** Names that files must not have, because a reader would pass them over; they are escaped. */
  readonly avoidName?: (fileName: string) => boolean;
  /** Documents that would be longer are divided into one for each node. Default 4 MiB. */
  readonly documentBytes?: number;
  readonly onNode?: (path: string) => void;
}

const defaultDocumentBytes = 4 * 1024 * 1024;
const times: ReadonlySet<string> = new Set(['jcr:created', 'jcr:createdBy', 'jcr:lastModified', 'jcr:lastModifiedBy']);

/** Nothing below a filter root that does not exist. The order is that of the content. */
export async function* writeContent(options: WriteContentOptions): AsyncGenerator<WrittenFile> {
  const writer = new ContentWriter(options);
  const roots = options.filters.map(({ root }) => root);
  // A root below another is written on the way to it.
  const outermost = roots.filter((root) => !roots.some((other) => other !== root && isDescendantOrSelf(root, other)));
  yield* writer.write([...new Set(outermost)]);
}

/** Names taken in one folder, so that none collides with another on a file system without case. */
class FolderNames {
  readonly #taken = new Map<string, string>();

  constructor(private readonly avoidName: ((fileName: string) => boolean) | undefined) {}

  nameFor(name: string, suffix = ''): string {
    const plain = encodePlatformName(name) + suffix;
    const owner = this.#taken.get(foldName(plain));
    if ((owner === undefined || owner === plain) && !this.avoidName?.(plain)) {
      this.#taken.set(foldName(plain), plain);
      return plain;
    }
    return encodeWholePlatformName(name) + suffix;
  }
}

class ContentWriter {
  readonly #session: Session;
  readonly #documentBytes: number;
  readonly #roots: readonly string[];

  constructor(private readonly options: WriteContentOptions) {
    this.#session = options.session;
    this.#documentBytes = options.documentBytes ?? defaultDocumentBytes;
    this.#roots = options.filters.map(({ root }) => root);
  }

  async *write(roots: readonly string[]): AsyncGenerator<WrittenFile> {
    // Folders on the way are named once, whichever root they lead to.
    const folders = new Map<string, { folder: string; names: FolderNames }>([
      ['/', { folder: '', names: this.#names() }],
    ]);
    for (const root of roots) {
      const node = await this.#session.findNode(root);
      if (!node) continue;
      const parent = yield* this.#ancestor(parentOf(root), folders);
      yield* this.#node(node, parent.folder, parent.names);
    }
  }

  #names(): FolderNames {
    return new FolderNames(this.options.avoidName);
  }

  async *#ancestor(
    path: string,
    folders: Map<string, { folder: string; names: FolderNames }>,
  ): AsyncGenerator<WrittenFile, { folder: string; names: FolderNames }> {
    const known = folders.get(path);
    if (known) return known;
    if (path === '') return { folder: '', names: this.#names() };
    const above = yield* this.#ancestor(parentOf(path), folders);
    const folder = childFolder(above.folder, above.names.nameFor(path.slice(path.lastIndexOf('/') + 1)));
    const made = { folder, names: this.#names() };
    folders.set(path, made);
    const node = await this.#session.findNode(path);
    // Only its type, so that it can be made where it is missing.
    if (node) yield* this.#document(node, folder, { properties: onlyType, children: async () => 'omit' });
    return made;
  }

  /** A node that has a folder or file of its own. */
  async *#node(node: RepositoryNode, parentFolder: string, names: FolderNames): AsyncGenerator<WrittenFile> {
    const file = node.primaryType === 'nt:file' ? await this.#plainFile(node) : undefined;
    if (!file) {
      yield* this.#folder(node, childFolder(parentFolder, names.nameFor(node.name)));
      return;
    }
    const fileName = names.nameFor(node.name);
    yield { path: childFolder(parentFolder, fileName), content: file };
    const content = `${node.path}/jcr:content`;
    if (this.options.withoutTimes && (await this.#isAsRead(node, content))) {
      for (const path of [node.path, content]) this.options.onNode?.(path);
      return;
    }
    const folder = childFolder(parentFolder, `${fileName}.dir`);
    yield* this.#folder(node, folder, (path, name) => path === content && name === 'jcr:data');
  }

  /** Whether reading the file alone gives the node as it is, but for its times. */
  async #isAsRead(node: RepositoryNode, contentPath: string): Promise<boolean> {
    const below: string[] = [];
    for await (const { path } of this.#session.descendants(node.path)) {
      if (below.push(path) > 1) return false;
    }
    const content = await this.#session.getNode(contentPath);
    const names = (of: RepositoryNode) =>
      [...this.#properties(of, () => false)]
        .map(([name]) => name)
        .sort()
        .join();
    return (
      names(node) === 'jcr:primaryType' &&
      names(content) === 'jcr:data,jcr:mimeType,jcr:primaryType' &&
      content.primaryType === 'nt:resource' &&
      content.text('jcr:mimeType') === mediaTypeOf(node.name)
    );
  }

  async *#folder(
    node: RepositoryNode,
    folder: string,
    elsewhere: IsElsewhere = () => false,
  ): AsyncGenerator<WrittenFile> {
    const isSplit = yield* this.#document(node, folder, {
      properties: (of) => this.#properties(of, elsewhere),
      children: async (child, parent) => this.#placeOf(child, parent),
    });
    yield* this.#files(node, folder, elsewhere, isSplit);
  }

  /** @returns whether the children have files of their own, because one document would be too long */
  async *#document(
    node: RepositoryNode,
    folder: string,
    { properties, children }: { properties: DocumentRules['properties']; children: DocumentRules['child'] },
  ): AsyncGenerator<WrittenFile, boolean> {
    const { binaryReferences = false } = this.options;
    const path = childFolder(folder, '.content.xml');
    const whole = await writeDocView(
      this.#session,
      node,
      { properties, child: children, binaryReferences },
      this.#documentBytes,
    );
    if (whole !== undefined) {
      yield { path, content: whole };
      return false;
    }
    const child: DocumentRules['child'] = async (below, parent) => {
      const kind = await children(below, parent);
      return kind === 'omit' ? kind : this.#isOrderable(parent) ? 'place' : 'omit';
    };
    const alone = await writeDocView(this.#session, node, { properties, child, binaryReferences }, Infinity);
    yield { path, content: alone ?? '' };
    return true;
  }

  /** Binaries of the document's nodes, and children that have files of their own. */
  async *#files(
    node: RepositoryNode,
    folder: string,
    elsewhere: IsElsewhere,
    isSplit: boolean,
  ): AsyncGenerator<WrittenFile> {
    this.options.onNode?.(node.path);
    const names = this.#names();
    for (const [name, { type, multiple, values }] of this.#properties(node, elsewhere)) {
      if (type !== 'Binary') continue;
      const inBlobs = values.every((value) => typeof value === 'object' && value.inline === undefined);
      if (this.options.binaryReferences && inBlobs && values.length > 0) {
        for (const value of values) if (typeof value === 'object') this.options.onBinaryReference?.(value.sha256);
        continue;
      }
      for (const [index, value] of values.entries()) {
        if (typeof value !== 'object') continue;
        const suffix = multiple ? `[${index}].binary` : '.binary';
        yield { path: childFolder(folder, names.nameFor(name, suffix)), content: value };
      }
    }
    for await (const child of this.#session.children(node.path)) {
      if (!(await this.#isWritten(child.path))) continue;
      if (isSplit || this.#hasOwnFiles(child)) yield* this.#node(child, folder, names);
      else yield* this.#files(child, childFolder(folder, names.nameFor(child.name)), elsewhere, false);
    }
  }

  async #placeOf(child: RepositoryNode, parent: RepositoryNode): Promise<'inline' | 'place' | 'omit'> {
    if (!(await this.#isWritten(child.path))) return 'omit';
    if (!this.#hasOwnFiles(child)) return 'inline';
    return this.#isOrderable(parent) ? 'place' : 'omit';
  }

  #hasOwnFiles({ primaryType, mixins }: RepositoryNode): boolean {
    return this.#session.nodeTypes.isNodeType(primaryType, mixins, 'nt:hierarchyNode');
  }

  #isOrderable({ primaryType }: RepositoryNode): boolean {
    return this.#session.nodeTypes.isOrderable(primaryType);
  }

  #properties(node: RepositoryNode, elsewhere: IsElsewhere): Iterable<readonly [string, Property]> {
    const { filters, withoutTimes = false } = this.options;
    if (importModeAt(filters, node.path) === undefined) return onlyType(node);
    const isFile = this.#hasOwnFiles(node) || ['nt:resource', 'oak:Resource'].includes(node.primaryType);
    return [...node.properties].filter(
      ([name]) =>
        name === 'jcr:primaryType' ||
        (includesProperty(filters, node.path, name) &&
          !elsewhere(node.path, name) &&
          !(withoutTimes && isFile && times.has(name))),
    );
  }

  /** Whether the filter takes the node, or one below it, or a root lies below it. */
  async #isWritten(path: string): Promise<boolean> {
    const { filters } = this.options;
    if (importModeAt(filters, path) !== undefined) return true;
    if (this.#roots.some((root) => isDescendantOrSelf(root, path))) return true;
    for await (const { path: below } of this.#session.descendants(path)) {
      if (importModeAt(filters, below) !== undefined) return true;
    }
    return false;
  }

  /** The bytes of an nt:file that a file alone stands for, which its name then must not give another meaning. */
  async #plainFile(node: RepositoryNode): Promise<BinaryValue | undefined> {
    const content = await this.#session.findNode(joinPath(node.path, 'jcr:content'));
    const data = content?.binary('jcr:data');
    if (!content || !data || content.property('jcr:data')?.multiple) return undefined;
    const { filters, binaryReferences = false } = this.options;
    if (binaryReferences || importModeAt(filters, content.path) === undefined) return undefined;
    if (!includesProperty(filters, content.path, 'jcr:data')) return undefined;
    // A file without a media type would get one.
    if (content.text('jcr:mimeType') === undefined) return undefined;
    if (content.primaryType !== 'nt:resource' && content.primaryType !== 'oak:Resource') return undefined;
    if (node.name.endsWith('.xml') && (await isDocView(this.#session.openBinary(data)))) return undefined;
    return data;
  }
}

type IsElsewhere = (path: string, property: string) => boolean;

function onlyType(node: RepositoryNode): (readonly [string, Property])[] {
  const type = node.property('jcr:primaryType');
  return type ? [['jcr:primaryType', type]] : [];
}

function childFolder(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
