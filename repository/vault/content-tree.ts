/**
 * FileVault's mapping of files to nodes: a folder is a node, `.content.xml` says what it is, `name.xml` in document view
 * is a node with all below it, `name.dir/` holds more of the file `name`, `name.binary` a Binary property, and every
 * other file is an nt:file. https://jackrabbit.apache.org/filevault/vaultfs.html
 */
import { RepositoryError } from '../errors.js';
import { nameProblem, printable } from '../path.js';
import type { Property } from '../value.js';
import { mediaTypeOf } from './media-type.js';
import type { NodeDeclaration } from './node-declaration.js';
import { decodePlatformName } from './platform-name.js';

/** A file to take nodes from. */
export interface ContentFile {
  /** Relative, with `/`, as the file system or the archive has it. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  open(): AsyncIterable<Uint8Array>;
}

export interface ContentNode {
  readonly name: string;
  /** Which file says what the node is; `undefined` for a folder on the way that none speaks of. */
  origin: { readonly file: string; readonly line: number } | undefined;
  readonly properties: Map<string, Property>;
  /** Binary properties, by the file that has their bytes. */
  readonly binaries: Map<string, ContentFile>;
  /** Multi-valued Binary properties: a file for each value, in their order. */
  readonly binaryLists: Map<string, ContentFile[]>;
  /** In child order. */
  readonly children: Map<string, ContentNode>;
  /** Exists only as a place among its siblings, unless a file fills it. */
  isPlaceholder: boolean;
}

export interface ContentTreeOptions {
  /** In the order in which nodes without a declared order shall appear. */
  readonly files: readonly ContentFile[];
  /** Folders, for those without files. */
  readonly folders?: readonly string[];
  /**
   * Reads a file that declares nodes: a content file (`.content.xml`), or, with `optional`, any `name.xml`.
   * `undefined`: it declares nothing; with `optional` it is then a file like any other.
   */
  readonly readDeclaration: (file: ContentFile, optional: boolean) => Promise<NodeDeclaration | undefined>;
  /** Names of the files that declare their folder's node. */
  readonly contentFiles: readonly string[];
  /** Takes a problem with one file, which then counts as not there; or throws it. */
  readonly onProblem: (error: RepositoryError) => void;
}

export interface ContentTree {
  readonly root: ContentNode;
  /** Binary properties that were declared and have no bytes. */
  readonly missingBinaries: readonly { readonly path: string; readonly property: string; readonly file: string }[];
}

export async function buildContentTree(options: ContentTreeOptions): Promise<ContentTree> {
  const { files, contentFiles, onProblem } = options;
  const root = createNode('', false);
  const paths = new Set(files.map(({ path }) => path));
  const declaredBinaries: { path: string; node: ContentNode; property: string; file: string }[] = [];
  const declaredLists: { node: ContentNode; property: string; length: number }[] = [];
  const lists: { node: ContentNode; property: string; list: ContentFile[]; file: string }[] = [];

  function nodeOfFolder(folder: string): ContentNode {
    let node = root;
    let at = '';
    for (const segment of folder.split('/').filter((name) => name !== '')) {
      at = at === '' ? segment : `${at}/${segment}`;
      const ofFile = segment.endsWith('.dir') && paths.has(at.slice(0, -'.dir'.length));
      node = childOf(node, decodeName(ofFile ? segment.slice(0, -'.dir'.length) : segment, at), false);
    }
    return node;
  }

  function declare(node: ContentNode, declaration: NodeDeclaration, file: string, path: string): void {
    if (!declaration.orderOnly) {
      claim(node, file, declaration.line, path);
      for (const [name, property] of declaration.properties) node.properties.set(name, property);
      for (const property of declaration.binaries) declaredBinaries.push({ path, node, property, file });
      for (const [property, length] of declaration.binaryLists ?? []) {
        if (length > 0) declaredBinaries.push({ path, node, property, file });
        declaredLists.push({ node, property, length });
      }
    }
    for (const child of declaration.children) {
      declare(childOf(node, child.name, child.orderOnly), child, file, `${path}/${child.name}`);
    }
    putFirst(
      node.children,
      declaration.children.map(({ name }) => name),
    );
  }

  /** A file's bytes; what a declaration in its `.dir` folder said of the node stays. */
  function addPlainFile(node: ContentNode, file: ContentFile, path: string): void {
    const [resource] = node.properties.get('jcr:primaryType')?.values ?? [];
    if (resource === 'nt:resource' || resource === 'oak:Resource') {
      node.binaries.set('jcr:data', file);
      return;
    }
    if (resource !== 'nt:file' && !node.children.has('jcr:content')) {
      claim(node, file.path, 1, path);
      node.properties.set('jcr:primaryType', name('nt:file'));
    }
    const content = childOf(node, 'jcr:content', false);
    const other = content.binaries.get('jcr:data');
    if (other) throw invalid(file.path, 1, `"${printable(path)}" is declared already, by ${other.path}`);
    content.origin ??= { file: file.path, line: 1 };
    content.binaries.set('jcr:data', file);
    if (!content.properties.has('jcr:primaryType')) content.properties.set('jcr:primaryType', name('nt:resource'));
    if (!content.properties.has('jcr:mimeType')) {
      content.properties.set('jcr:mimeType', { type: 'String', multiple: false, values: [mediaTypeOf(node.name)] });
    }
  }

  /** `name.binary`, or `name[0].binary` for a value of a list. */
  function addBinary(node: ContentNode, fileName: string, file: ContentFile): void {
    const [, listName, index] = /^(.+)\[(\d{1,6})\]$/.exec(fileName) ?? [];
    if (listName === undefined) {
      node.binaries.set(decodeName(fileName, file.path), file);
      return;
    }
    const property = decodeName(listName, file.path);
    const list = node.binaryLists.get(property) ?? [];
    if (!node.binaryLists.has(property)) {
      node.binaryLists.set(property, list);
      lists.push({ node, property, list, file: file.path });
    }
    list[Number(index)] = file;
  }

  const plainFiles: ContentFile[] = [];
  for (const folder of options.folders ?? []) nodeOfFolder(folder);
  for (const file of files) {
    try {
      const slash = file.path.lastIndexOf('/');
      const folder = file.path.slice(0, Math.max(slash, 0));
      const fileName = file.path.slice(slash + 1);
      const isContentFile = contentFiles.includes(fileName);
      const declaration =
        isContentFile || fileName.endsWith('.xml') ? await options.readDeclaration(file, !isContentFile) : undefined;
      if (declaration) {
        const name = isContentFile ? undefined : decodeName(fileName.slice(0, -'.xml'.length), file.path);
        const parent = nodeOfFolder(folder);
        const node = name === undefined ? parent : childOf(parent, name, false);
        declare(node, declaration, file.path, name === undefined ? folder : `${folder}/${name}`);
      } else if (!isContentFile) {
        // The place among its siblings is that of the file; the content waits for a `.dir/.content.xml`.
        if (!fileName.endsWith('.binary')) childOf(nodeOfFolder(folder), decodeName(fileName, file.path), false);
        plainFiles.push(file);
      }
    } catch (error) {
      if (!(error instanceof RepositoryError)) throw error;
      onProblem(error);
    }
  }
  for (const file of plainFiles) {
    const slash = file.path.lastIndexOf('/');
    const folder = nodeOfFolder(file.path.slice(0, Math.max(slash, 0)));
    const fileName = file.path.slice(slash + 1);
    try {
      if (fileName.endsWith('.binary')) {
        addBinary(folder, fileName.slice(0, -'.binary'.length), file);
      } else addPlainFile(childOf(folder, decodeName(fileName, file.path), false), file, file.path);
    } catch (error) {
      if (!(error instanceof RepositoryError)) throw error;
      onProblem(error);
    }
  }
  for (const { node, property, length } of declaredLists) {
    // An empty list has no files.
    if (length === 0) node.binaryLists.set(property, []);
  }
  for (const { node, property, list, file } of lists) {
    // A list with a gap is none: every value has a file of its own.
    if (list.length === list.filter(Boolean).length) continue;
    node.binaryLists.delete(property);
    declaredBinaries.push({ path: file, node, property, file });
  }
  dropPlaceholders(root);
  const missingBinaries = declaredBinaries
    .filter(({ node, property }) => !node.binaries.has(property) && !node.binaryLists.has(property))
    .map(({ path, property, file }) => ({ path, property, file }));
  return { root, missingBinaries };
}

function createNode(name: string, isPlaceholder: boolean): ContentNode {
  return {
    name,
    origin: undefined,
    properties: new Map(),
    binaries: new Map(),
    binaryLists: new Map(),
    children: new Map(),
    isPlaceholder,
  };
}

function childOf(parent: ContentNode, name: string, isPlaceholder: boolean): ContentNode {
  let child = parent.children.get(name);
  if (!child) {
    child = createNode(name, isPlaceholder);
    parent.children.set(name, child);
  }
  if (!isPlaceholder) child.isPlaceholder = false;
  return child;
}

/** The order of a document counts, whether its children are known from there or came from other files before. */
function putFirst(children: Map<string, ContentNode>, names: readonly string[]): void {
  const before = new Map(children);
  children.clear();
  for (const name of [...names, ...before.keys()]) {
    const child = before.get(name);
    if (child) children.set(name, child);
  }
}

function claim(node: ContentNode, file: string, line: number, path: string): void {
  if (node.origin) {
    throw invalid(file, line, `"${printable(path)}" is declared already, by ${node.origin.file}:${node.origin.line}`);
  }
  node.origin = { file, line };
}

function decodeName(fileName: string, file: string): string {
  const decoded = decodePlatformName(fileName);
  const problem = nameProblem(decoded);
  if (problem) throw invalid(file, 1, `the name "${printable(decoded)}" ${problem}`);
  return decoded;
}

function dropPlaceholders(node: ContentNode): void {
  for (const child of [...node.children.values()]) {
    dropPlaceholders(child);
    if (child.isPlaceholder && child.children.size === 0) node.children.delete(child.name);
  }
}

function invalid(file: string, line: number, problem: string): RepositoryError {
  return new RepositoryError('INVALID_CONTENT_FILE', `${printable(file)}:${line}: ${problem}`, { file, line });
}

function name(value: string): Property {
  return { type: 'Name', multiple: false, values: [value] };
}
