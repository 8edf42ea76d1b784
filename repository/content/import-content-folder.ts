/**
 * Imports a content folder: files become nodes, in one commit, and only where something changed. What was edited in the
 * repository wins over its file; what does not parse or does not pass the check keeps its last good version.
 */
import { createHash } from 'node:crypto';
import { join, relative, sep } from 'node:path';
import type { Session } from '../api.js';
import { addAutocreatedChildren, hasAutocreatedChildren } from '../autocreated-children.js';
import { RepositoryError } from '../errors.js';
import { assertPath, joinPath, nameOf, parentOf } from '../path.js';
import { propertyTexts } from '../property-text.js';
import type { BinaryValue, Property } from '../value.js';
import { applyChildOrder } from '../vault/child-order.js';
import { buildContentTree, type ContentFile, type ContentNode } from '../vault/content-tree.js';
import { parseDocView } from '../vault/docview.js';
import type { NodeDeclaration } from '../vault/node-declaration.js';
import {
  compareContent,
  folderProperties,
  type ContentComparison,
  type KeptEdit,
  type WantedNode,
} from './compare-content.js';
import { isAutomatic } from './fingerprint.js';
import { parseContentJson } from './content-json.js';
import {
  pathsOfOtherMounts,
  readImportRecord,
  recordedMounts,
  removeImportRecord,
  sameRecord,
  writeImportRecord,
  type ImportRecord,
} from './import-record.js';
import { contentFiles, scanFolder } from './scan-folder.js';

/** A content folder and where it goes. */
export interface ContentMount {
  /** In the file system. */
  readonly folder: string;
  /** Path of the node that the folder becomes, `/libs/settings/dam`. */
  readonly target: string;
  /** Names the record of the import; folders of the same target need different ones. Default: from the target. */
  readonly mount?: string;
}

/** A node about to be changed by an import. */
export interface ContentChange {
  readonly kind: 'added' | 'changed' | 'removed';
  readonly path: string;
  /** Its file in the file system, with the folder; `''` for a plain folder. */
  readonly file: string;
  /** 1-based line where the file speaks of the node. */
  readonly line: number;
}

export interface ContentProblem {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly message: string;
}

/**
 * Looks at changes before they are saved; the session holds them already. A problem that names a changed file keeps that
 * file's last good version in force; one that names another file keeps all of them, unless the check finds it without
 * the changes too (it is asked once more then, with a session that does not hold them).
 */
export type ContentCheck = (changes: readonly ContentChange[], session: Session) => Promise<readonly ContentProblem[]>;

export interface ContentImportReport {
  readonly target: string;
  /** Nodes added or changed. */
  readonly imported: readonly string[];
  readonly removed: readonly string[];
  readonly unchanged: number;
  readonly keptRepositoryEdits: readonly KeptEdit[];
  readonly problems: readonly ContentProblem[];
  /** Files that are no content, relative to the folder. */
  readonly ignored: readonly string[];
}

export interface ImportContentOptions extends ContentMount {
  /** Without unsaved changes; it is saved when something changed. */
  readonly session: Session;
  readonly check?: ContentCheck;
}

const maximumDocumentBytes = 16 * 1024 * 1024;
const maximumAttempts = 5;

/** @throws INVALID_CONTENT_FILE when the folder cannot be read; problems of single files are in the report */
export async function importContentFolder(options: ImportContentOptions): Promise<ContentImportReport> {
  for (let attempt = 1; ; attempt++) {
    // What is in the repository now decides whose edit wins.
    await options.session.refresh();
    try {
      return await importOnce(options);
    } catch (error) {
      await options.session.refresh();
      // Another process imports the same folder, or an administrator saved just now: look again.
      const retry = error instanceof RepositoryError && error.code === 'CONFLICT' && attempt < maximumAttempts;
      if (!retry) throw error;
    }
  }
}

async function importOnce(options: ImportContentOptions): Promise<ContentImportReport> {
  const { session, folder, target, check } = options;
  assertPath(target);
  const mount = mountName(options);
  const content = await readContent(folder, target);
  const record = await readImportRecord(session, mount);
  const problems = [...content.broken.values()];
  const heldBack = new Set(content.broken.keys());
  const shared = await pathsOfOtherMounts(session, mount);
  const tolerated = new Set<string>();

  for (;;) {
    const current = await readCurrent(session, [...content.wanted, ...record]);
    const comparison = compareContent({ wanted: content.wanted, record, current, heldBack, shared });
    const stillNeeded = await applyComparison(session, comparison, content, record, target);
    const changes = listChanges(comparison, folder);
    const all = changes.length > 0 && check ? await check(changes, session) : [];
    const found = all.filter((problem) => !tolerated.has(JSON.stringify(problem)));
    if (found.length === 0) {
      if (!sameRecord(comparison.record, record)) await writeImportRecord(session, mount, target, comparison.record);
      await session.save();
      return {
        target,
        imported: [...comparison.add, ...comparison.update].map(({ path }) => path),
        removed: removedPaths(comparison, stillNeeded),
        unchanged: comparison.unchanged,
        keptRepositoryEdits: [...comparison.kept, ...stillNeeded],
        problems,
        ignored: content.ignored,
      };
    }
    await session.refresh();
    const changed = new Set(changes.map(({ file }) => file));
    const named = found.map(({ file }) => file).filter((file) => changed.has(file));
    if (named.length > 0) {
      // One file at fault may be why others do not pass, so only what names a changed file counts this time.
      problems.push(...found.filter(({ file }) => changed.has(file)));
      for (const file of named) heldBack.add(relativePath(folder, file));
      continue;
    }
    problems.push(...found);
    // What was wrong before these changes is no reason to refuse them.
    const before = new Set((await check?.(changes, session))?.map((problem) => JSON.stringify(problem)));
    const isNew = found.some((problem) => !before.has(JSON.stringify(problem)));
    if (isNew) for (const file of changed) heldBack.add(relativePath(folder, file));
    else for (const problem of before) tolerated.add(problem);
  }
}

/**
 * Removes what folders brought that are no longer mounted, such as the overlay of a plugin that was taken out. Call it
 * before importing: a folder that moved is then imported from its new place.
 */
export async function removeAbandonedContent(
  session: Session,
  mounts: readonly ContentMount[],
): Promise<ContentImportReport[]> {
  const mounted = new Set(mounts.map(mountName));
  const reports: ContentImportReport[] = [];
  for (const { mount, target } of await recordedMounts(session)) {
    if (mounted.has(mount)) continue;
    const record = await readImportRecord(session, mount);
    const current = await readCurrent(session, record);
    const shared = await pathsOfOtherMounts(session, mount);
    const comparison = compareContent({ wanted: [], record, current, heldBack: new Set(), shared });
    const stillNeeded = await removeGone(session, comparison.remove);
    await removeImportRecord(session, mount);
    await session.save();
    reports.push({
      target,
      imported: [],
      removed: removedPaths(comparison, stillNeeded),
      unchanged: 0,
      keptRepositoryEdits: [...comparison.kept, ...stillNeeded],
      problems: [],
      ignored: [],
    });
  }
  return reports;
}

function mountName({ mount, target }: ContentMount): string {
  return mount ?? target.slice(1).replaceAll('/', '.');
}

function relativePath(folder: string, file: string): string {
  return relative(folder, file).replaceAll(sep, '/');
}

function removedPaths({ remove }: ContentComparison, stillNeeded: readonly KeptEdit[]): string[] {
  const kept = new Set(stillNeeded.map(({ path }) => path));
  return remove.map(({ path }) => path).filter((path) => !kept.has(path));
}

interface FolderContent {
  /** Parents first, siblings in child order; the target itself first of all. */
  readonly wanted: readonly WantedNode[];
  /** Where the bytes of Binary properties are, by path and property. */
  readonly sources: ReadonlyMap<string, ReadonlyMap<string, ContentFile>>;
  /** By the file's path in the folder. */
  readonly broken: ReadonlyMap<string, ContentProblem>;
  readonly ignored: readonly string[];
}

async function readContent(folder: string, target: string): Promise<FolderContent> {
  const { files, folders, ignored } = await scanFolder(folder);
  const broken = new Map<string, ContentProblem>();
  const tree = await buildContentTree({
    files,
    folders,
    contentFiles,
    readDeclaration,
    onProblem: (error) => {
      const file = error.file ?? '';
      const line = error.line ?? 1;
      const message = error.message.replace(`${file}:${line}: `, '');
      broken.set(file, { file: join(folder, file), line, message });
    },
  });
  for (const { file, property } of tree.missingBinaries) {
    broken.set(file, {
      file: join(folder, file),
      line: 1,
      message: `no file has the bytes of the binary "${property}"`,
    });
  }
  const wanted: WantedNode[] = [];
  const sources = new Map<string, ReadonlyMap<string, ContentFile>>();
  const flatten = async (node: ContentNode, path: string): Promise<void> => {
    const { file, line } = node.origin ?? { file: '', line: 1 };
    wanted.push({ path, file, line, properties: await wantedProperties(node) });
    sources.set(path, node.binaries);
    for (const property of node.binaryLists.keys()) {
      broken.set(file, {
        file: join(folder, file),
        line,
        message: `a list of binaries ("${property}") is not taken here`,
      });
    }
    for (const child of node.children.values()) await flatten(child, joinPath(path, child.name));
  };
  await flatten(tree.root, target);
  return { wanted, sources, broken, ignored };
}

async function readDeclaration(file: ContentFile, optional: boolean): Promise<NodeDeclaration | undefined> {
  if (file.size > maximumDocumentBytes) {
    if (optional) return undefined;
    const problem = `is larger than ${maximumDocumentBytes} bytes`;
    throw new RepositoryError('INVALID_CONTENT_FILE', `${file.path}:1: ${problem}`, { file: file.path, line: 1 });
  }
  if (!file.path.endsWith('.json')) return parseDocView(file.open(), { file: file.path, optional });
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.open()) chunks.push(chunk);
  return parseContentJson(Buffer.concat(chunks).toString('utf8'), file.path);
}

/** With jcr:primaryType, and binaries by their hash. */
async function wantedProperties(node: ContentNode): Promise<ReadonlyMap<string, Property>> {
  if (!node.origin && node.name !== 'jcr:content') return folderProperties;
  const properties = new Map(node.properties);
  if (!properties.has('jcr:primaryType')) {
    properties.set('jcr:primaryType', { type: 'Name', multiple: false, values: ['nt:unstructured'] });
  }
  for (const [name, file] of node.binaries) {
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of file.open()) {
      hash.update(chunk);
      size += chunk.byteLength;
    }
    const value: BinaryValue = { sha256: hash.digest('hex'), size, crc32: 0 };
    properties.set(name, { type: 'Binary', multiple: false, values: [value] });
  }
  return properties;
}

async function readCurrent(
  session: Session,
  nodes: readonly { readonly path: string }[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, Property>>> {
  const paths = [...new Set(nodes.map(({ path }) => path))];
  const found = await session.findNodes(paths);
  return new Map(found.flatMap((node) => (node ? [[node.path, node.properties] as const] : [])));
}

/** @returns nodes whose file is gone and that stay, because the repository has something below them */
async function applyComparison(
  session: Session,
  comparison: ContentComparison,
  { wanted, sources }: FolderContent,
  record: ImportRecord,
  target: string,
): Promise<KeptEdit[]> {
  const stillNeeded = await removeGone(session, comparison.remove);
  if (comparison.add.some(({ path }) => path === target) && target !== '/') {
    await session.ensureNode(parentOf(target), { primaryType: 'sling:Folder' }, 'sling:Folder');
  }
  const incomplete: string[] = [];
  for (const node of comparison.add) {
    const { primaryType, mixins, others } = separateTypes(await withBytes(session, node, sources));
    const added = await session.addNode(node.path, {
      primaryType,
      mixins,
      properties: Object.fromEntries(others),
      imported: true,
    });
    if (hasAutocreatedChildren(session, added)) incomplete.push(added.path);
  }
  for (const node of comparison.update) {
    const existing = await session.getNode(node.path);
    const properties = await withBytes(session, node, sources);
    const gone = [...existing.properties.keys()].filter((name) => !properties.has(name) && !isAutomatic(name));
    const changes = { ...Object.fromEntries(gone.map((name) => [name, null])), ...Object.fromEntries(properties) };
    const updated = await session.setProperties(node.path, changes, { imported: true });
    if (hasAutocreatedChildren(session, updated)) incomplete.push(updated.path);
  }
  await addAutocreatedChildren(session, incomplete);
  await applyFileOrder(session, wanted, record);
  return stillNeeded;
}

/** @returns what stays, because the repository has something below it */
async function removeGone(session: Session, gone: ContentComparison['remove']): Promise<KeptEdit[]> {
  const stillNeeded: KeptEdit[] = [];
  for (const { path, file } of gone.toReversed()) {
    if (await hasChildren(session, path)) {
      stillNeeded.push({ path, file, reason: 'its file is gone, but the repository has content below it' });
    } else await session.remove(path);
  }
  return stillNeeded;
}

async function hasChildren(session: Session, path: string): Promise<boolean> {
  for await (const _child of session.children(path)) return true;
  return false;
}

async function withBytes(
  session: Session,
  node: WantedNode,
  sources: FolderContent['sources'],
): Promise<Map<string, Property>> {
  const properties = new Map(node.properties);
  for (const [name, file] of sources.get(node.path) ?? []) {
    properties.set(name, { type: 'Binary', multiple: false, values: [await session.createBinary(file.open())] });
  }
  return properties;
}

function separateTypes(properties: Map<string, Property>) {
  const [primaryType = 'nt:unstructured'] = propertyTexts(properties.get('jcr:primaryType'));
  const mixins = propertyTexts(properties.get('jcr:mixinTypes'));
  const others = [...properties].filter(([name]) => name !== 'jcr:primaryType' && name !== 'jcr:mixinTypes');
  return { primaryType, mixins, others };
}

/** Follows a changed order of the files, unless somebody ordered the children in the repository. */
async function applyFileOrder(session: Session, wanted: readonly WantedNode[], record: ImportRecord): Promise<void> {
  const wantedOrder = namesByParent(wanted);
  const recordedOrder = namesByParent(record);
  for (const [parent, names] of wantedOrder) {
    const recorded = recordedOrder.get(parent);
    if (!recorded || isSameOrder(names, recorded)) continue;
    const now: string[] = [];
    for await (const { name } of session.children(parent)) now.push(name);
    const asImported = recorded.filter((name) => now.includes(name));
    if (isSameOrder(asImported, now)) await applyChildOrder(session, parent, names);
  }
}

function namesByParent(nodes: readonly { readonly path: string }[]): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const { path } of nodes) {
    const siblings = names.get(parentOf(path)) ?? [];
    siblings.push(nameOf(path));
    names.set(parentOf(path), siblings);
  }
  return names;
}

/** Whether all of `order` come in that order in `names`, whatever else is among them. */
function isSameOrder(order: readonly string[], names: readonly string[]): boolean {
  const members = new Set(order);
  const common = names.filter((name) => members.has(name));
  return common.length === order.length && common.every((name, index) => name === order[index]);
}

function listChanges({ add, update, remove }: ContentComparison, folder: string): ContentChange[] {
  const listed = [
    ...add.map((node) => ({ kind: 'added' as const, ...node })),
    ...update.map((node) => ({ kind: 'changed' as const, ...node })),
    ...remove.map((node) => ({ kind: 'removed' as const, line: 1, ...node })),
  ];
  // Plain folders say nothing that could be wrong.
  return listed
    .filter(({ file }) => file !== '')
    .map(({ kind, path, file, line }) => ({ kind, path, file: join(folder, file), line }));
}
