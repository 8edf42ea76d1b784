/** The versions of one session. */
import type { RepositoryNode } from '../api.js';
import { RepositoryError } from '../errors.js';
import { assertPath, selfAndAncestors } from '../path.js';
import { SessionNode } from '../session-node.js';
import type { StoreSnapshot } from '../store/contract.js';
import type { FrozenNode, RestoreOptions, Version, VersionDifference, VersionManager } from './api.js';
import { checkOut, freeze, notVersionable } from './check-in.js';
import { isCheckedIn, isVersionable } from './checked-out.js';
import { compareTrees } from './compare-trees.js';
import type { TreeDifference } from './compare-trees.js';
import { addLabel, removeLabel, removeVersion } from './edit-history.js';
import { restoreElsewhere, restoreInPlace } from './restore-version.js';
import { HistoryReader, noHistory } from './version-access.js';
import { readHistory } from './version-history.js';
import { assertSaved, noNode, noVersion } from './version-host.js';
import type { VersionHost } from './version-host.js';
import { nameOfVersion, numberOfVersion } from './version-keys.js';
import { currentTree, pathAt, visibleTree, withVisibleProperties } from './version-tree.js';
import type { VersionTree } from './version-tree.js';

export function createVersionManager(host: VersionHost): VersionManager {
  return new SessionVersions(host);
}

class SessionVersions implements VersionManager {
  readonly #host: VersionHost;

  constructor(host: VersionHost) {
    this.#host = host;
  }

  async checkIn(path: string, { comment }: { readonly comment?: string } = {}): Promise<string> {
    const { identifier, checkedIn } = await this.#versionable(path);
    const base = checkedIn ? await this.#baseVersion(identifier) : undefined;
    return base ?? freeze(this.#host, { path, identifier, comment, checkedOut: false });
  }

  async checkOut(path: string): Promise<void> {
    const { identifier, checkedIn } = await this.#versionable(path);
    if (checkedIn) await checkOut(this.#host, path, identifier);
  }

  async checkpoint(path: string, { comment }: { readonly comment?: string } = {}): Promise<string> {
    const { identifier } = await this.#versionable(path);
    return freeze(this.#host, { path, identifier, comment, checkedOut: true });
  }

  async isCheckedOut(path: string): Promise<boolean> {
    await this.#host.session.getNode(path);
    const nodes = await this.#host.view().readMany([...selfAndAncestors(path)], () => true);
    const governing = nodes.find((node) => node && isVersionable(node.record));
    return !(governing && isCheckedIn(governing.record));
  }

  async *history(path: string): AsyncGenerator<Version> {
    const { identifier } = await this.#host.session.getNode(path);
    yield* this.historyOf(identifier);
  }

  async *historyOf(identifier: string): AsyncGenerator<Version> {
    const shared = this.#host.view().shared;
    const snapshot = shared.acquire();
    try {
      yield* (await this.#reader(snapshot, identifier)).versions();
    } finally {
      await shared.release();
    }
  }

  async version(path: string, nameOrLabel: string): Promise<Version> {
    const { identifier } = await this.#host.session.getNode(path);
    const found = await this.#find(identifier, nameOrLabel);
    if (!found) throw noVersion(path, nameOrLabel);
    return found.version;
  }

  async versionOf(identifier: string, nameOrLabel: string): Promise<Version> {
    const found = await this.#find(identifier, nameOrLabel);
    if (!found) throw noVersion(`"${identifier}"`, nameOrLabel);
    return found.version;
  }

  async *frozen(version: Version): AsyncGenerator<FrozenNode> {
    const shared = this.#host.view().shared;
    const snapshot = shared.acquire();
    try {
      const { reader, known, number } = await this.#known(snapshot, version);
      for await (const { path, record } of this.#shown(reader, known, number).walk()) {
        yield { relativePath: path.slice(1), node: new SessionNode(pathAt(known.path, path), 0, record) };
      }
    } finally {
      await shared.release();
    }
  }

  /** What of a version may be read, as it may be read. */
  #shown(reader: HistoryReader, known: Version, number: number): VersionTree {
    const access = this.#host.access();
    return withVisibleProperties(reader.frozen(known, number), (path, record) =>
      access.visible(pathAt(known.path, path), record),
    );
  }

  async frozenNode(version: Version, relativePath: string): Promise<RepositoryNode | undefined> {
    const path = assertPath(`/${relativePath}`);
    const { reader, known, number } = await this.#known(this.#host.view().shared.peek(), version);
    const [node] = await this.#shown(reader, known, number).read([path]);
    return node && new SessionNode(pathAt(known.path, path), 0, node.record);
  }

  async *diff(from: Version, to: Version | 'current'): AsyncGenerator<VersionDifference> {
    if (to !== 'current' && to.history !== from.history) {
      throw new RepositoryError('INVALID_VALUE', `Only versions of one history compare; ${to.path} is another.`);
    }
    const view = this.#host.view();
    const snapshot = view.shared.acquire();
    try {
      const first = await this.#known(snapshot, from);
      const { currentPath } = first.reader;
      if (to === 'current') {
        if (currentPath === undefined) throw noHistory(from.history);
        const access = this.#host.access();
        const readable = visibleTree(currentTree(view, currentPath), (path) =>
          access.canRead(pathAt(currentPath, path)),
        );
        const current = withVisibleProperties(readable, (path, record) =>
          access.visible(pathAt(currentPath, path), record),
        );
        const differences = compareTrees(this.#shown(first.reader, first.known, first.number), current);
        for await (const difference of differences) yield toDifference(difference, currentPath);
      } else {
        const second = await this.#known(snapshot, to);
        const differences = compareTrees(
          this.#shown(first.reader, first.known, first.number),
          this.#shown(second.reader, second.known, second.number),
        );
        for await (const difference of differences) yield toDifference(difference, second.known.path);
      }
    } finally {
      await view.shared.release();
    }
  }

  async addLabel(
    path: string,
    version: string,
    label: string,
    { moveLabel = false }: { readonly moveLabel?: boolean } = {},
  ): Promise<void> {
    const { name, history } = await this.version(path, version);
    await addLabel(this.#host, { path, identifier: history }, { version: name, label, moveLabel });
  }

  async removeLabel(path: string, label: string): Promise<void> {
    const { labels, history } = await this.version(path, label);
    if (!labels.includes(label)) throw noVersion(path, label);
    await removeLabel(this.#host, { path, identifier: history }, label);
  }

  async removeVersion(path: string, name: string): Promise<void> {
    const version = await this.version(path, name);
    await removeVersion(this.#host, { path, identifier: version.history }, numberOf(version));
  }

  async restore(path: string, nameOrLabel: string, options: RestoreOptions = {}): Promise<void> {
    const { removeExisting = false, force = false, checkpoint = false } = options;
    const { identifier } = await this.#versionable(path);
    const version = await this.version(path, nameOrLabel);
    if (checkpoint) await this.checkpoint(path);
    await restoreInPlace(this.#host, { path, identifier, number: numberOf(version), removeExisting }, force);
  }

  async restoreAt(
    newPath: string,
    identifier: string,
    nameOrLabel: string,
    { removeExisting = false }: Pick<RestoreOptions, 'removeExisting'> = {},
  ): Promise<void> {
    assertPath(newPath);
    assertSaved(this.#host, newPath);
    const version = await this.versionOf(identifier, nameOrLabel);
    const number = numberOf(version);
    const shared = this.#host.view().shared;
    const seen = shared.acquire();
    try {
      const reader = await this.#reader(seen, identifier);
      await restoreElsewhere(this.#host, { path: newPath, identifier, number, removeExisting }, () =>
        reader.frozen(version, number),
      );
    } finally {
      await shared.release();
    }
  }

  /** A versionable node without unsaved changes. @throws PATH_NOT_FOUND, CONSTRAINT_VIOLATION */
  async #versionable(path: string): Promise<{ readonly identifier: string; readonly checkedIn: boolean }> {
    await this.#host.session.getNode(path);
    const node = await this.#host.view().read(path);
    if (!node) throw noNode(path);
    if (!isVersionable(node.record)) throw notVersionable(path);
    assertSaved(this.#host, path);
    return { identifier: node.record.identifier, checkedIn: isCheckedIn(node.record) };
  }

  async #baseVersion(identifier: string): Promise<string | undefined> {
    const history = await readHistory(this.#host.view().shared.peek(), identifier);
    return history && nameOfVersion(history.base);
  }

  async #find(
    identifier: string,
    nameOrLabel: string,
  ): Promise<{ readonly version: Version; readonly number: number } | undefined> {
    const reader = await HistoryReader.open(this.#host, this.#host.view().shared.peek(), identifier);
    return reader?.find(nameOrLabel);
  }

  /** @throws PATH_NOT_FOUND */
  async #reader(snapshot: StoreSnapshot, identifier: string): Promise<HistoryReader> {
    const reader = await HistoryReader.open(this.#host, snapshot, identifier);
    if (!reader) throw noHistory(identifier);
    return reader;
  }

  /** A version that was handed out, looked up again: it may be gone, or not be for this user. @throws PATH_NOT_FOUND */
  async #known(snapshot: StoreSnapshot, { history, name, path }: Version) {
    const reader = await HistoryReader.open(this.#host, snapshot, history);
    const found = await reader?.find(name);
    if (!reader || !found) throw noVersion(path, name);
    return { reader, known: found.version, number: found.number };
  }
}

function numberOf({ name }: Version): number {
  return numberOfVersion(name) ?? 0;
}

/** @param root path of the second state's root */
function toDifference(difference: TreeDifference, root: string): VersionDifference {
  const relativePath = difference.path.slice(1);
  switch (difference.kind) {
    case 'nodeRemoved':
      return { kind: difference.kind, relativePath };
    case 'nodeAdded':
      return {
        kind: difference.kind,
        relativePath,
        node: new SessionNode(pathAt(root, difference.path), 0, difference.node.record),
      };
    case 'nodeMoved':
      return { kind: difference.kind, relativePath, from: difference.from.slice(1) };
    case 'propertiesChanged':
      return { kind: difference.kind, relativePath, properties: difference.properties };
    case 'childrenReordered':
      return { kind: difference.kind, relativePath, children: difference.children };
  }
}
