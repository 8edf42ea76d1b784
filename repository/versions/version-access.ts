/**
 * Who may read a history: who may read the node where it is now; when the node is gone, its last path and that path's parent.
 * And of that history the versions, and of these the nodes, whose path at the time may be read too.
 */
import type { AccessEvaluator } from '../access/evaluate.js';
import { RepositoryError } from '../errors.js';
import { parentOf } from '../path.js';
import type { StoreSnapshot } from '../store/contract.js';
import type { Version } from './api.js';
import { newestVersion, readHistory, readLabels, readVersion, readVersions } from './version-history.js';
import type { History, Labels, VersionInfo } from './version-history.js';
import type { VersionHost } from './version-host.js';
import { nameOfVersion, numberOfVersion } from './version-keys.js';
import { frozenTree, pathAt, visibleTree } from './version-tree.js';
import type { VersionTree } from './version-tree.js';

/** One history as one user sees it in one snapshot. */
export class HistoryReader {
  private constructor(
    private readonly snapshot: StoreSnapshot,
    private readonly access: AccessEvaluator,
    readonly identifier: string,
    /** Of the node as the session sees it; `undefined` when it is gone. */
    readonly currentPath: string | undefined,
  ) {}

  /** @returns `undefined` when there is neither node nor history, or the user may not read it */
  static async open(
    host: VersionHost,
    snapshot: StoreSnapshot,
    identifier: string,
  ): Promise<HistoryReader | undefined> {
    const access = host.access();
    const currentPath = await host.view().pathOfIdentifier(identifier);
    const reader = new HistoryReader(snapshot, access, identifier, currentPath);
    if (currentPath !== undefined) return access.canRead(currentPath) ? reader : undefined;
    const last = await newestVersion(snapshot, identifier);
    if (!last || !access.canRead(last.path)) return undefined;
    return last.path === '/' || access.canRead(parentOf(last.path)) ? reader : undefined;
  }

  /** Newest first. */
  async *versions(): AsyncGenerator<Version> {
    const history = await readHistory(this.snapshot, this.identifier);
    if (!history) return;
    const labels = await readLabels(this.snapshot, this.identifier);
    for await (const info of readVersions(this.snapshot, this.identifier)) {
      if (this.access.canRead(info.path)) yield versionOf(history, labels, info);
    }
  }

  async find(nameOrLabel: string): Promise<{ readonly version: Version; readonly number: number } | undefined> {
    const history = await readHistory(this.snapshot, this.identifier);
    if (!history) return undefined;
    const labels = await readLabels(this.snapshot, this.identifier);
    const number = numberOfVersion(labels.get(nameOrLabel) ?? nameOrLabel);
    const info = number === undefined ? undefined : await readVersion(this.snapshot, this.identifier, number);
    if (!info || !this.access.canRead(info.path)) return undefined;
    return { version: versionOf(history, labels, info), number: info.number };
  }

  /** What of a version the user may read. */
  frozen({ path }: Version, number: number): VersionTree {
    return visibleTree(frozenTree(this.snapshot, this.identifier, number), (below) => {
      const isVisibleNow = this.currentPath === undefined || this.access.canRead(pathAt(this.currentPath, below));
      return isVisibleNow && this.access.canRead(pathAt(path, below));
    });
  }
}

/** The same words for what is absent and what may not be read. */
export function noHistory(identifier: string): RepositoryError {
  return new RepositoryError(
    'PATH_NOT_FOUND',
    `There is no node with the identifier "${identifier}", or it may not be read.`,
  );
}

/** @throws ACCESS_DENIED, or PATH_NOT_FOUND where the user may not read the node either */
export function requireVersionManagement(access: AccessEvaluator, path: string): void {
  if (access.isAllowed(path, 'jcr:versionManagement')) return;
  if (access.canRead(path)) {
    throw new RepositoryError('ACCESS_DENIED', `The user lacks jcr:versionManagement at ${path}.`, { paths: [path] });
  }
  throw new RepositoryError('PATH_NOT_FOUND', `There is no node ${path}, or it may not be read.`, { paths: [path] });
}

function versionOf(history: History, labels: Labels, info: VersionInfo): Version {
  const name = nameOfVersion(info.number);
  return {
    history: history.identifier,
    name,
    predecessors: info.predecessors,
    labels: [...labels].flatMap(([label, version]) => (version === name ? [label] : [])).sort(),
    isBase: info.number === history.base,
    path: info.path,
    created: info.created,
    createdBy: info.createdBy,
    comment: info.comment,
    nodes: info.nodes,
  };
}
