/**
 * Keeps a part of the repository and a folder in FileVault's layout in step. Files are compared three ways: the folder's, the
 * repository's, and what both were when they last agreed. What changed on one side goes to the other; what changed on both is a
 * conflict, and stays as it is on both unless it is forced.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Session } from '../api.js';
import { isIgnoredName } from '../content/scan-folder.js';
import { RepositoryError } from '../errors.js';
import { assertPath, isDescendantOrSelf } from '../path.js';
import type { BinaryValue } from '../value.js';
import { applyPackage, type LeftOut } from './apply-package.js';
import { buildContentTree, type ContentFile } from './content-tree.js';
import { parseDocView } from './docview.js';
import { parseFilter, type FilterSet } from './filter.js';
import { refusedAsPackage } from './install.js';
import { isMissing, readLocalFiles, removeLocalFile, writeLocalFile, type LocalFile } from './local-files.js';
import type { NodeDeclaration } from './node-declaration.js';
import { defaultPackageLimits } from './package-limits.js';
import { encodePlatformName, encodeWholePlatformName } from './platform-name.js';
import { readSyncState, writeSyncState, type SyncedFile, type SyncState } from './sync-state.js';
import { writeContent } from './write-content.js';

export interface FolderSyncOptions {
  /** Without unsaved changes. */
  readonly session: Session;
  /** In the repository; need not exist yet where the folder has it. */
  readonly path: string;
  /** Holds `jcr_root`, and `META-INF/vault/filter.xml` where less than all below the path is meant. */
  readonly folder: string;
}

export interface FileDifference {
  /** Below jcr_root. */
  readonly file: string;
  /** Where it changed since both agreed. */
  readonly side: 'local' | 'remote' | 'both';
  readonly local: FileState;
  readonly remote: FileState;
}

/** What became of a file since both sides agreed. */
export type FileState = 'added' | 'changed' | 'removed' | 'same';

export interface SyncReport {
  /** Files that went over to the other side. */
  readonly written: readonly string[];
  readonly removed: readonly string[];
  /** Files that changed on both sides, and were left. */
  readonly conflicts: readonly string[];
  /** Nodes that a push changed. */
  readonly changedNodes: number;
  readonly skipped: readonly LeftOut[];
}

/**
 * Files that differ from what both sides agreed on; those that became the same on both are none.
 * @throws PATH_NOT_FOUND when neither side has anything at the path, nor ever had; the others throw it as well
 */
export async function diffFolder(options: FolderSyncOptions): Promise<FileDifference[]> {
  return (await compare(options)).differences;
}

/** Brings what changed in the repository into the folder. @param force takes the repository's side of conflicts */
export async function pullFolder(options: FolderSyncOptions, { force = false } = {}): Promise<SyncReport> {
  const { session, folder } = options;
  const comparison = await compare(options);
  const { differences, local, remote } = comparison;
  const conflicts = force ? [] : differences.filter(({ side }) => side === 'both');
  const incoming = differences.filter(({ side }) => side === 'remote' || (side === 'both' && force));
  const root = join(folder, 'jcr_root');
  const written: string[] = [];
  const removed: string[] = [];
  const state = new Map(comparison.agreed);
  // Removed first: a file may make room for a folder.
  for (const { file } of incoming.filter((difference) => !remote.has(difference.file))) {
    await removeLocalFile(root, file);
    removed.push(file);
    state.delete(file);
  }
  const wanted = new Set(incoming.map(({ file }) => file));
  for await (const { path, content } of remoteFiles(options, comparison.filters)) {
    if (!wanted.has(path)) continue;
    const bytes = typeof content === 'string' ? Readable.from([Buffer.from(content)]) : session.openBinary(content);
    await writeLocalFile(root, path, bytes);
    const hash = remote.get(path) ?? '';
    state.set(path, { local: hash, remote: hash });
    written.push(path);
  }
  for (const [file, hash] of remote) {
    // Both came to be the same by themselves.
    if (local.get(file)?.hash === hash) state.set(file, { local: hash, remote: hash });
  }
  for (const file of [...state.keys()]) if (!remote.has(file) && !local.has(file)) state.delete(file);
  await writeSyncState(folder, options.path, state);
  return { written, removed, conflicts: conflicts.map(({ file }) => file), changedNodes: 0, skipped: [] };
}

/**
 * Brings what changed in the folder into the repository, in one save. With conflicts nothing is brought in, unless `force` takes the
 * folder's side.
 * @throws INVALID_PACKAGE naming file and line for what does not parse; what `Session.save` throws
 */
export async function pushFolder(options: FolderSyncOptions, { force = false } = {}): Promise<SyncReport> {
  const { session, folder, path } = options;
  const comparison = await compare(options);
  const { differences, local, remote, filters } = comparison;
  const conflicts = force ? [] : differences.filter(({ side }) => side === 'both');
  const outgoing = differences.filter(({ side }) => side === 'local' || (side === 'both' && force));
  const nothing = { written: [], removed: [], changedNodes: 0, skipped: [] };
  if (conflicts.length > 0) return { ...nothing, conflicts: conflicts.map(({ file }) => file) };
  if (outgoing.length === 0) return { ...nothing, conflicts: [] };
  // What changed in the repository alone stays: it is part of what is brought in, as the repository has it.
  const kept = new Set(differences.filter(({ side }) => side === 'remote').map(({ file }) => file));
  const files = new Map<string, ContentFile>([...local].filter(([file]) => !kept.has(file)));
  for await (const { path: file, content } of remoteFiles(options, filters)) {
    if (kept.has(file)) files.set(file, remoteFile(session, file, content));
  }
  const applied = await refusedAsPackage(session, async () => {
    const tree = await buildContentTree({
      files: [...files.values()],
      contentFiles: ['.content.xml'],
      readDeclaration,
      onProblem: (error) => {
        throw error;
      },
    });
    const limits = defaultPackageLimits;
    const done = await applyPackage({
      session,
      root: tree.root,
      filters,
      accessControl: 'overwrite',
      limits,
      totalBytes: 0,
    });
    await session.save();
    return done;
  });
  const after = await remoteHashes(options, filters);
  const state = new Map<string, SyncedFile>();
  for (const file of new Set([...local.keys(), ...after.keys()])) {
    const agreed = comparison.agreed.get(file);
    // What the folder does not have yet of the repository is still to be pulled.
    const isKept = kept.has(file);
    const mine = isKept ? agreed?.local : local.get(file)?.hash;
    const theirs = isKept ? agreed?.remote : after.get(file);
    if (mine !== undefined || theirs !== undefined) state.set(file, syncedFile(mine, theirs));
  }
  await writeSyncState(folder, path, state);
  return {
    written: outgoing.filter(({ file }) => local.has(file)).map(({ file }) => file),
    removed: outgoing.filter(({ file }) => !local.has(file) && remote.has(file)).map(({ file }) => file),
    conflicts: [],
    changedNodes: applied.changed + applied.removed.length + applied.policies.changed,
    skipped: applied.skipped,
  };
}

interface Comparison {
  readonly differences: FileDifference[];
  readonly local: ReadonlyMap<string, LocalFile>;
  /** Hashes. */
  readonly remote: ReadonlyMap<string, string>;
  readonly agreed: SyncState;
  readonly filters: readonly FilterSet[];
}

async function compare(options: FolderSyncOptions): Promise<Comparison> {
  const { session, folder, path } = options;
  assertPath(path);
  if (path === '/') throw new RepositoryError('INVALID_PATH', 'The whole repository cannot be kept in a folder.');
  await session.refresh();
  const filters = await filtersOf(folder, path);
  const local = await readLocalFiles(join(folder, 'jcr_root'), belongsTo(path));
  const remote = await remoteHashes(options, filters);
  const agreed = await readSyncState(folder, path);
  if (local.size === 0 && remote.size === 0 && agreed.size === 0) {
    throw new RepositoryError(
      'PATH_NOT_FOUND',
      `There is no node ${path}, or it may not be read, and ${join(folder, 'jcr_root')} has no file of it.`,
      { paths: [path] },
    );
  }
  const differences: FileDifference[] = [];
  for (const file of [...new Set([...local.keys(), ...remote.keys(), ...agreed.keys()])].sort()) {
    const mine = local.get(file)?.hash;
    const theirs = remote.get(file);
    const before = agreed.get(file);
    const states = { local: stateOf(before?.local, mine), remote: stateOf(before?.remote, theirs) };
    if (mine === theirs || (states.local === 'same' && states.remote === 'same')) continue;
    const side = states.local === 'same' ? 'remote' : states.remote === 'same' ? 'local' : 'both';
    differences.push({ file, side, ...states });
  }
  return { differences, local, remote, agreed, filters };
}

function stateOf(before: string | undefined, now: string | undefined): FileState {
  if (before === now) return 'same';
  if (before === undefined) return 'added';
  return now === undefined ? 'removed' : 'changed';
}

async function remoteHashes(options: FolderSyncOptions, filters: readonly FilterSet[]): Promise<Map<string, string>> {
  const hashes = new Map<string, string>();
  for await (const { path, content } of remoteFiles(options, filters)) {
    hashes.set(path, typeof content === 'string' ? createHash('sha256').update(content).digest('hex') : content.sha256);
  }
  return hashes;
}

/** The folders on the way to the path are none of its business. */
async function* remoteFiles(
  { session, path }: FolderSyncOptions,
  filters: readonly FilterSet[],
): AsyncGenerator<{ readonly path: string; readonly content: string | BinaryValue }> {
  const isOurs = belongsTo(path);
  for await (const file of writeContent({ session, filters, withoutTimes: true, avoidName: isIgnoredName }))
    if (isOurs(file.path)) yield file;
}

function remoteFile(session: Session, path: string, content: string | BinaryValue): ContentFile {
  if (typeof content !== 'string') return { path, size: content.size, open: () => session.openBinary(content) };
  const bytes = Buffer.from(content);
  return { path, size: bytes.length, open: () => Readable.from([bytes]) };
}

function belongsTo(path: string): (file: string) => boolean {
  const place = path.slice(1).split('/').map(fileNameOf).join('/');
  return (file) => file === place || file.startsWith(`${place}/`) || file.startsWith(`${place}.dir/`);
}

/** As `writeContent` names a folder that has no siblings in its way. */
function fileNameOf(name: string): string {
  const plain = encodePlatformName(name);
  return isIgnoredName(plain) ? encodeWholePlatformName(name) : plain;
}

/** The folder's own filter, as far as it is about the path; else all below the path. */
async function filtersOf(folder: string, path: string): Promise<FilterSet[]> {
  const all: FilterSet = { root: path, mode: 'replace', nodeRules: [], propertyRules: [] };
  const name = 'META-INF/vault/filter.xml';
  const text = await readFile(join(folder, name)).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (!text) return [all];
  const filters = (await parseFilter(Readable.from([text]), name)).flatMap((filter): FilterSet[] => {
    if (isDescendantOrSelf(filter.root, path)) return [{ ...filter, mode: 'replace' }];
    return isDescendantOrSelf(path, filter.root) ? [{ ...filter, root: path, mode: 'replace' }] : [];
  });
  if (filters.length > 0) return filters;
  throw new RepositoryError('INVALID_CONTENT_FILE', `${name}:1: no filter is about ${path}.`, { file: name, line: 1 });
}

async function readDeclaration(file: ContentFile, optional: boolean): Promise<NodeDeclaration | undefined> {
  const { documentBytes, nodes } = defaultPackageLimits;
  if (file.size > documentBytes) {
    if (optional) return undefined;
    throw new RepositoryError('INVALID_CONTENT_FILE', `${file.path}:1: it is larger than ${documentBytes} bytes.`, {
      file: file.path,
      line: 1,
    });
  }
  return parseDocView(file.open(), { file: file.path, optional, mostNodes: nodes });
}

function syncedFile(local: string | undefined, remote: string | undefined): SyncedFile {
  return { ...(local !== undefined && { local }), ...(remote !== undefined && { remote }) };
}
