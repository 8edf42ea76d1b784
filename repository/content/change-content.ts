/**
 * Changes content where it lives: a node that a content folder brought is changed in its file, every other one in the
 * repository. Both are saved with the rights of the session and all or nothing, as far as a file system allows that.
 */
import { join } from 'node:path';
import type { RepositoryNode, Session } from '../api.js';
import { toProperty } from '../convert-value.js';
import { RepositoryError } from '../errors.js';
import { assertPath, nameOf, parentOf, selfAndAncestors } from '../path.js';
import type { BinaryValue, Property, PropertyInput } from '../value.js';
import { mediaTypeOf } from '../vault/media-type.js';
import {
  findPlace,
  isDeclared,
  isFolderName,
  isMountedAt,
  type ContentPlace,
  type FoundPlace,
} from './content-place.js';
import { FolderDraft } from './folder-draft.js';
import { isAutomatic } from './fingerprint.js';
import {
  importContentFolder,
  type ContentChange as ImportedChange,
  type ContentCheck,
  type ContentMount,
} from './import-content-folder.js';
import { jsonProperty, withMember, type JsonObject } from './write-content-json.js';

/** What shall become of one node. The node is added when it is not there, with everything above it. */
export interface ContentChange {
  readonly path: string;
  /** Properties by name; `null` removes one. */
  readonly set?: Readonly<Record<string, PropertyInput | null>>;
  /** Removes the node with all below; nothing to do where there is none. Goes with nothing else. */
  readonly remove?: boolean;
  /** Of a node that is added (default: nt:unstructured), or to change that of one that is there. */
  readonly primaryType?: string;
  /** A record kept beside content: it goes into the repository, whichever content folders there are. */
  readonly isRecord?: boolean;
  /** Refused with ITEM_EXISTS when the node is there: of two who add it at the same time, one wins. */
  readonly mustBeNew?: boolean;
}

/** Where a change went. */
export type WrittenChange =
  | { readonly path: string; readonly to: 'repository' }
  | { readonly path: string; readonly to: 'file'; /** In the file system. */ readonly file: string };

export interface ChangeContentOptions {
  /** Without unsaved changes; its rights count. Sees the changes afterwards. */
  readonly session: Session;
  /** In the order in which they are imported. */
  readonly mounts: readonly ContentMount[];
  /** In this order: one may build on another. */
  readonly changes: readonly ContentChange[];
  /** Looks at the changes before they are saved. What it finds without them as well does not stop them. */
  readonly check?: ContentCheck;
  /**
   * Imports a folder after its files were written, so that the import remembers them; default: with the session, which
   * then needs the right to write /var/satchel/content.
   */
  readonly importMount?: (mount: ContentMount) => Promise<unknown>;
}

/**
 * A path has a file when a content folder declares the node, as a folder, in a `.content.json` or as a file. A path that is
 * new belongs to the folder that knows most of the way down to it below its target: where `overlays/conf/aurora/` is
 * there, all that is new below /conf/aurora goes there, and another tenant goes into the repository. What the repository
 * holds and no file speaks of stays in the repository.
 *
 * Everything is validated first, then the files are written beside their places, the session is saved, and the files are
 * moved into their places: one by one, but with nothing left that could be refused.
 *
 * @returns in the order of the changes
 * @throws INVALID_PATH, INVALID_VALUE, INVALID_CONTENT_FILE (a file that does not parse, cannot be written, or a
 * change that does not pass the check), and what `Session.save` throws; nothing is changed then
 */
export async function changeContent(options: ChangeContentOptions): Promise<readonly WrittenChange[]> {
  const { session, mounts, changes } = options;
  if (session.hasPendingChanges) throw invalid('The session has unsaved changes; save or refresh it first.');
  for (const { path, remove, set, primaryType } of changes) {
    assertPath(path);
    if (path === '/') throw invalid('The root of the repository cannot be changed.', path);
    if (remove && (set ?? primaryType) !== undefined) throw invalid(`${path} cannot be set and removed at once.`, path);
  }
  try {
    const planned = await plan(session, mounts, changes);
    await passCheck(options, planned);
    const touched = planned.drafts.filter(({ draft }) => draft.isChanged);
    const staged: Awaited<ReturnType<FolderDraft['stage']>>[] = [];
    try {
      for (const { draft } of touched) staged.push(await draft.stage());
      await session.save();
    } catch (error) {
      for (const files of staged) await files.discard();
      throw error;
    }
    for (const files of staged) await files.publish();
    for (const { mount } of touched) {
      await (options.importMount ?? ((changed) => importContentFolder({ ...changed, session })))(mount);
    }
    await session.refresh();
    return planned.written;
  } catch (error) {
    await session.refresh();
    throw error;
  }
}

interface Plan {
  readonly drafts: readonly { readonly mount: ContentMount; readonly draft: FolderDraft }[];
  readonly written: readonly WrittenChange[];
  /** As a check of content wants to know them. */
  readonly changed: readonly ImportedChange[];
}

/** The session holds the changes afterwards, unsaved, and the drafts what belongs into files. */
async function plan(
  session: Session,
  mounts: readonly ContentMount[],
  changes: readonly ContentChange[],
): Promise<Plan> {
  const drafts = mounts.map((mount) => ({ mount, draft: new FolderDraft(mount.folder) }));
  const written: WrittenChange[] = [];
  const changed: ImportedChange[] = [];
  for (const change of changes) {
    const { path, remove = false } = change;
    const before = await session.findNode(path);
    if (change.mustBeNew && before) {
      throw new RepositoryError('ITEM_EXISTS', `There is a node ${path} already.`, { paths: [path] });
    }
    const owner = change.isRecord ? undefined : await ownerOf(session, drafts, path, before);
    const file =
      owner && (await (remove ? removeFromFiles(owner, path) : changeInFiles(session, owner, change, before)));
    if (!owner && remove && before) await session.remove(path);
    if (!owner && !remove) await applyToSession(session, change, before, () => 'sling:Folder');
    if (owner && remove && before) await session.remove(path);
    written.push(file === undefined ? { path, to: 'repository' } : { path, to: 'file', file });
    const kind = remove ? 'removed' : before ? 'changed' : 'added';
    changed.push({ kind, path, file: file ?? path, line: 1 });
  }
  return { drafts, written, changed };
}

interface Owner extends FoundPlace {
  readonly draft: FolderDraft;
}

/** The content folder that a path has its file in. */
async function ownerOf(
  session: Session,
  drafts: Plan['drafts'],
  path: string,
  before: RepositoryNode | undefined,
): Promise<Owner | undefined> {
  let best: Owner | undefined;
  for (const { mount, draft } of drafts) {
    if (!isMountedAt(path, mount)) continue;
    const found = await findPlace(draft, mount, path);
    const isKnown = found.depth > 0 || isDeclared(found.place);
    const declares = found.missing.length === 0 && isDeclared(found.place);
    // The first of two that declare it was imported first, and what is there already stays.
    if (declares) return { draft, ...found };
    if (isKnown && (!best || found.depth > best.depth)) best = { draft, ...found };
  }
  if (!best || !before) return best;
  // A folder that no file speaks of: the repository may have made more of it.
  const isBareFolder = best.missing.length === 0 && before.primaryType === 'sling:Folder' && !hasContent(before);
  return isBareFolder ? best : undefined;
}

function hasContent({ properties }: RepositoryNode): boolean {
  return [...properties.keys()].some((name) => !name.startsWith('jcr:'));
}

/** @returns the file that spoke of the node */
async function removeFromFiles({ draft, place, missing }: Owner, path: string): Promise<string | undefined> {
  if (missing.length > 0) return undefined;
  if (place.folder === draft.root)
    throw invalid(
      `${path} is the content folder ${draft.root} itself; take it out of the configuration instead.`,
      path,
    );
  for (const object of place.objects) await draft.changeObject(object, () => undefined);
  for (const { file, pointer } of place.elements) {
    if (pointer.length > 0) await draft.removeElement(file, pointer);
    else draft.remove(file);
  }
  for (const entry of [place.plainFile, place.folder]) if (entry !== undefined) draft.remove(entry);
  return place.objects[0]?.file ?? place.elements[0]?.file ?? place.plainFile ?? place.folder;
}

/** Applies a change to the session and to the files. @returns the file */
async function changeInFiles(
  session: Session,
  owner: Owner,
  change: ContentChange,
  before: RepositoryNode | undefined,
): Promise<string | undefined> {
  const { draft, place, missing } = owner;
  const { path } = change;
  const plainFile = nameOf(path) === 'jcr:content' ? await plainFileOf(session, owner, change) : undefined;
  if (plainFile !== undefined) {
    await changePlainFile(session, draft, plainFile, change, before);
    return plainFile;
  }
  const isInDocument = place.objects.length + place.elements.length > 0;
  if (place.plainFile !== undefined || (place.folder === undefined && !isInDocument)) {
    throw invalid(
      `${path} is in the file ${place.plainFile ?? ''}: only the jcr:data of its jcr:content can be set.`,
      path,
    );
  }
  if (change.primaryType === 'nt:file') {
    // The file follows with the bytes of its jcr:content.
    await applyToSession(session, change, before, () => 'sling:Folder');
    const folder = await folderFor(draft, place, missing.slice(0, -1));
    return folder && join(folder, nameOf(path));
  }
  const element = elementFor(owner);
  return element
    ? changeElement(session, owner, change, before, element)
    : changeDocument(session, owner, change, before);
}

/** The element to change, when a FileVault document is what speaks of the node, or of all that is above it. */
function elementFor({ place, missing }: Owner): ContentPlace['elements'][number] | undefined {
  const asFolder = place.folder !== undefined && missing.length > 0 && isFolderName(missing[0] ?? '');
  if (place.objects.length > 0 || asFolder) return undefined;
  // A mere place among siblings says nothing of a node that has a folder of its own.
  return place.elements.findLast(({ declaration }) => place.folder === undefined || !declaration.orderOnly);
}

async function changeElement(
  session: Session,
  { draft, missing }: Owner,
  change: ContentChange,
  before: RepositoryNode | undefined,
  { file, pointer, declaration }: ContentPlace['elements'][number],
): Promise<string> {
  const node = await applyToSession(session, change, before, () => 'nt:unstructured');
  const names = Object.keys(change.set ?? {});
  if (missing.length > 0 || declaration.orderOnly || change.primaryType !== undefined) names.unshift('jcr:primaryType');
  const properties = new Map(names.map((name) => [name, node.property(name)] as const));
  for (const [name, property] of properties) {
    if (property?.type !== 'Binary') continue;
    throw invalid(
      `The property "${name}" of ${change.path} cannot be written into ${file}: it is a binary.`,
      change.path,
    );
  }
  const typeOnTheWay: Property = { type: 'Name', multiple: false, values: ['nt:unstructured'] };
  const at = { pointer: [...pointer, ...missing], properties, typeOnTheWay };
  await draft.changeElement(file, at, session.nodeTypes.namespaces);
  return file;
}

/** Only the bytes are the file's; what else its node may have follows from its name. */
async function changePlainFile(
  session: Session,
  draft: FolderDraft,
  file: string,
  change: ContentChange,
  before: RepositoryNode | undefined,
): Promise<void> {
  const { path } = change;
  const mimeType = mediaTypeOf(nameOf(parentOf(path)));
  if (!before) await session.ensureNode(parentOf(path), { primaryType: 'nt:file' }, 'sling:Folder');
  const set = { ...(!before && { 'jcr:mimeType': mimeType }), ...change.set };
  const node = await applyToSession(session, { primaryType: 'nt:resource', ...change, set }, before, () => 'nt:file');
  for (const name of Object.keys(set)) {
    const isOfFile = name === 'jcr:data' || isAutomatic(name);
    if (isOfFile || (name === 'jcr:mimeType' && node.text(name) === mimeType)) continue;
    throw invalid(`${path} is the file ${file}, which cannot hold the property "${name}".`, path);
  }
  const data = binaryOf(change);
  if (data) draft.setBytes(file, () => session.openBinary(data));
}

async function changeDocument(
  session: Session,
  { draft, place, missing }: Owner,
  change: ContentChange,
  before: RepositoryNode | undefined,
): Promise<string> {
  // Folders as far down as their names allow; from there on, and within documents, objects.
  const asFolders = place.folder === undefined ? 0 : leadingFolderNames(missing);
  let { folder } = place;
  for (const name of missing.slice(0, asFolders)) {
    folder = join(folder ?? '', name);
    draft.addFolder(folder);
  }
  const [declared] = place.objects;
  const isWithinDocument = declared !== undefined && (place.folder === undefined || missing.length === 0);
  const base = isWithinDocument ? declared : { file: join(folder ?? '', '.content.json'), pointer: [] };
  const below = missing.slice(isWithinDocument ? 0 : asFolders);
  const at = { file: base.file, pointer: [...base.pointer, ...below] };
  const isNewObject = missing.length > 0 || declared === undefined;
  const depthOf = (path: string) => change.path.split('/').length - path.split('/').length;
  const node = await applyToSession(session, change, before, (path) =>
    missing.length - depthOf(path) <= asFolders ? 'sling:Folder' : 'nt:unstructured',
  );
  // A folder that gets a document only for what is below it stays the folder it is.
  if (below.length > 0 && !isWithinDocument && !(await draft.document(base.file))) {
    await draft.changeObject(base, (object) => withType(base.file, object, 'sling:Folder'));
  }
  await draft.changeObject(at, (object) => {
    let changed = object;
    const names = Object.keys(change.set ?? {});
    if (isNewObject || change.primaryType !== undefined) names.unshift('jcr:primaryType');
    for (const name of new Set(names)) {
      const property = node.property(name);
      const isDefault = name === 'jcr:primaryType' && node.primaryType === 'nt:unstructured';
      changed = withMember(
        changed,
        name,
        property && !isDefault ? jsonProperty(change.path, name, property) : undefined,
      );
    }
    return changed;
  });
  return at.file;
}

function withType(file: string, object: JsonObject, primaryType: string): JsonObject {
  const property: Property = { type: 'Name', multiple: false, values: [primaryType] };
  return withMember(object, 'jcr:primaryType', jsonProperty(file, 'jcr:primaryType', property));
}

function leadingFolderNames(names: readonly string[]): number {
  const end = names.findIndex((name) => !isFolderName(name));
  return end < 0 ? names.length : end;
}

/** The file whose bytes a jcr:content is, there already or about to be made by its first jcr:data. */
async function plainFileOf(
  session: Session,
  { draft, place, missing }: Owner,
  change: ContentChange,
): Promise<string | undefined> {
  if (place.bytesIn !== undefined && missing.length === 0) return place.bytesIn;
  if (!binaryOf(change) || missing.length === 0) return undefined;
  const file = parentOf(change.path);
  const parent = await session.findNode(file);
  if (parent && parent.primaryType !== 'nt:file') return undefined;
  const name = nameOf(file);
  const folder = missing.length >= 2 ? await folderFor(draft, place, missing.slice(0, -2)) : undefined;
  if (folder === undefined || !isFolderName(name) || name.endsWith('.xml') || name.endsWith('.binary')) {
    throw invalid(`${file} cannot be written as a file of that name.`, change.path);
  }
  return join(folder, name);
}

function binaryOf({ path, set }: ContentChange): BinaryValue | undefined {
  const data = set?.['jcr:data'];
  const [value] = data === undefined || data === null ? [] : toProperty(`${path}/jcr:data`, data).values;
  return typeof value === 'object' ? value : undefined;
}

/** A folder for a path that may not have one yet. */
async function folderFor(
  draft: FolderDraft,
  place: ContentPlace,
  missing: readonly string[],
): Promise<string | undefined> {
  if (place.folder === undefined || leadingFolderNames(missing) < missing.length) return undefined;
  let { folder } = place;
  for (const name of missing) {
    folder = join(folder, name);
    if (!(await draft.entries(folder)).size) draft.addFolder(folder);
  }
  return folder;
}

/** @param typeAbove of a node above that is missing */
async function applyToSession(
  session: Session,
  { path, set = {}, primaryType }: ContentChange,
  before: RepositoryNode | undefined,
  typeAbove: (path: string) => string,
): Promise<RepositoryNode> {
  if (!before) {
    const missing: string[] = [];
    for (const above of selfAndAncestors(parentOf(path))) {
      if (await session.findNode(above)) break;
      missing.unshift(above);
    }
    for (const above of missing) await session.ensureNode(above, { primaryType: typeAbove(above) });
    const properties = Object.fromEntries(
      Object.entries(set).filter((entry): entry is [string, PropertyInput] => entry[1] !== null),
    );
    return session.ensureNode(path, { primaryType: primaryType ?? 'nt:unstructured', properties });
  }
  const changes = { ...set, ...(primaryType !== undefined && { 'jcr:primaryType': primaryType }) };
  return Object.keys(changes).length === 0 ? before : session.setProperties(path, changes);
}

async function passCheck({ session, mounts, changes, check }: ChangeContentOptions, planned: Plan): Promise<void> {
  if (!check) return;
  const found = await check(planned.changed, session);
  if (found.length === 0) return;
  await session.refresh();
  const before = new Set((await check(planned.changed, session)).map((problem) => JSON.stringify(problem)));
  const [problem] = found.filter((candidate) => !before.has(JSON.stringify(candidate)));
  if (problem) {
    const { file, line, message } = problem;
    const text = message.startsWith(file) ? message : `${file}:${line}: ${message}`;
    throw new RepositoryError('INVALID_CONTENT_FILE', `${text}; nothing was changed`, { file, line });
  }
  // The session lost the changes with the look at what was wrong before them.
  await plan(session, mounts, changes);
}

function invalid(message: string, path?: string): RepositoryError {
  return new RepositoryError('INVALID_VALUE', message, path === undefined ? {} : { paths: [path] });
}
