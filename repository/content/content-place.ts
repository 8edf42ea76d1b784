/** Where the files of a content folder speak of a node, found by walking down the folder as an import reads it. */
import { join } from 'node:path';
import { isDescendantOrSelf } from '../path.js';
import type { NodeDeclaration } from '../vault/node-declaration.js';
import { decodePlatformName } from '../vault/platform-name.js';
import type { DocumentPlace, FolderDraft } from './folder-draft.js';
import type { ContentMount } from './import-content-folder.js';
import { isIgnoredName } from './scan-folder.js';
import { memberOf } from './write-content-json.js';

/** A node as far as files speak of it. */
export interface ContentPlace {
  /** The folder that is the node. */
  readonly folder: string | undefined;
  /** Objects of `.content.json` documents that declare it. */
  readonly objects: readonly DocumentPlace[];
  /** The file that is the node, an nt:file. */
  readonly plainFile: string | undefined;
  /** The file that has its bytes: the node is the jcr:content of that nt:file. */
  readonly bytesIn?: string;
  /** Elements of FileVault documents that declare it, or its place among its siblings. */
  readonly elements: readonly (DocumentPlace & { readonly declaration: NodeDeclaration })[];
}

export interface FoundPlace {
  /** The node's, or that of its nearest ancestor the files know. */
  readonly place: ContentPlace;
  /** Names from there down to the node; none when the files have it. */
  readonly missing: readonly string[];
  /** How many names below the mount's target the files know. */
  readonly depth: number;
}

/** @param path at or below the mount's target @throws INVALID_CONTENT_FILE */
export async function findPlace(draft: FolderDraft, { target }: ContentMount, path: string): Promise<FoundPlace> {
  const names = path === target ? [] : path.slice(target === '/' ? 1 : target.length + 1).split('/');
  let place = await folderPlace(draft, draft.root, { objects: [], elements: [] });
  for (const [depth, name] of names.entries()) {
    const child = await childPlace(draft, place, name);
    if (!child) return { place, missing: names.slice(depth), depth };
    place = child;
  }
  return { place, missing: [], depth: names.length };
}

/** Whether files say what the node is, rather than only having something below it. */
export function isDeclared({ objects, plainFile, bytesIn, elements }: ContentPlace): boolean {
  return (
    objects.length > 0 ||
    (plainFile ?? bytesIn) !== undefined ||
    elements.some(({ declaration }) => !declaration.orderOnly)
  );
}

export function isMountedAt(path: string, { target }: ContentMount): boolean {
  return isDescendantOrSelf(path, target);
}

async function folderPlace(
  draft: FolderDraft,
  folder: string,
  { objects, elements }: Pick<ContentPlace, 'objects' | 'elements'>,
): Promise<ContentPlace> {
  const [json, xml] = [join(folder, '.content.json'), join(folder, '.content.xml')];
  const declaration = await draft.declaration(xml);
  return {
    folder,
    objects: (await draft.document(json)) ? [...objects, { file: json, pointer: [] }] : objects,
    plainFile: undefined,
    elements: declaration ? [...elements, { file: xml, pointer: [], declaration }] : elements,
  };
}

async function childPlace(draft: FolderDraft, parent: ContentPlace, name: string): Promise<ContentPlace | undefined> {
  const objects: DocumentPlace[] = [];
  for (const { file, pointer } of parent.objects) {
    let object = await draft.document(file);
    for (const step of [...pointer, name]) {
      const below = memberOf(object, step);
      object = below?.kind === 'object' ? below : undefined;
    }
    if (object) objects.push({ file, pointer: [...pointer, name] });
  }
  const elements = parent.elements.flatMap(({ file, pointer, declaration }) =>
    declaration.children
      .filter((child) => child.name === name)
      .map((child) => ({ file, pointer: [...pointer, name], declaration: child })),
  );
  let plainFile: string | undefined;
  let folder: string | undefined;
  for (const [entry, kind] of parent.folder === undefined ? [] : await draft.entries(parent.folder)) {
    if (isIgnoredName(entry) || entry === '.content.json' || entry === '.content.xml') continue;
    const file = join(parent.folder ?? '', entry);
    if (kind === 'folder') {
      if (decodePlatformName(entry) === name) folder = file;
      continue;
    }
    const document = entry.endsWith('.xml') ? await draft.declaration(file) : undefined;
    if (!document) {
      if (decodePlatformName(entry) === name) plainFile = file;
    } else if (decodePlatformName(entry.slice(0, -'.xml'.length)) === name) {
      elements.push({ file, pointer: [], declaration: document });
    }
  }
  if (parent.plainFile !== undefined && name === 'jcr:content') {
    return { folder, objects, plainFile: undefined, bytesIn: parent.plainFile, elements };
  }
  if (folder !== undefined) return { ...(await folderPlace(draft, folder, { objects, elements })), plainFile };
  if (objects.length === 0 && elements.length === 0 && plainFile === undefined) return undefined;
  return { folder: undefined, objects, plainFile, elements };
}

/** Whether a folder of that name is read as the node of that name. */
export function isFolderName(name: string): boolean {
  return decodePlatformName(name) === name && !isIgnoredName(name) && !name.endsWith('.dir');
}
