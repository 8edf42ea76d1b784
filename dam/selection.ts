/** From the paths of a request to the assets they mean. */
import type { RepositoryNode, Session } from '../repository/api.js';
import { RepositoryError } from '../repository/errors.js';
import { assertPath, parentOf, selfAndAncestors } from '../repository/path.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { Skipped } from '../workflows/contract/plan.js';
import { isAsset } from './asset.js';
import { isCollection, isSmartCollection } from './collections.js';
import { compareText } from './entry-names.js';
import { readMembers } from './members.js';
import { subassetsName, subassetsOf } from './related-assets.js';

/** Paths without those that lie below another one: their subtrees are disjoint. Sorted. */
export function outermostPaths(paths: readonly string[]): string[] {
  const all = new Set(paths);
  const isOutermost = (path: string) =>
    [...selfAndAncestors(path)].every((ancestor) => ancestor === path || !all.has(ancestor));
  return [...all].filter(isOutermost).sort(compareText);
}

export interface Selection {
  /** Paths of assets and folders, in order; may repeat and lie below one another. */
  readonly paths: readonly string[];
  /** Members that are not there, and what has none that are known. */
  readonly skipped: readonly Skipped[];
}

/**
 * Puts the members of collections in their place, in order; collections among them too, each once. A member that is not
 * there is skipped with a reason when the folder it was in may be read. Otherwise nothing is said of it: whatever is said
 * must not tell what does not exist from what may not be read.
 * @throws SatchelError PATH_NOT_FOUND naming every path that does not exist or may not be read: the same answer
 */
export async function resolveSelection(session: Session, paths: readonly string[]): Promise<Selection> {
  const resolved: string[] = [];
  const skipped = new Map<string, Skipped>();
  const seen = new Set<string>();
  const add = async (node: RepositoryNode): Promise<void> => {
    if (isSmartCollection(node)) {
      const reason = 'A smart collection is a saved search, which is not run; name what it finds.';
      skipped.set(node.path, { path: node.path, code: 'NOT_DOWNLOADABLE', reason });
    } else if (!isCollection(node)) {
      resolved.push(node.path);
    } else if (!seen.has(node.path)) {
      seen.add(node.path);
      for await (const { path, storedPath } of readMembers(session, node.path)) {
        const member = path === undefined ? undefined : await session.findNode(path);
        if (member) await add(member);
        else if (await mayBeNamed(session, storedPath)) skipped.set(storedPath, missingMember(node.path, storedPath));
      }
    }
  };
  for (const node of await findSelected(session, paths)) await add(node);
  return { paths: resolved, skipped: [...skipped.values()] };
}

async function mayBeNamed(session: Session, path: string): Promise<boolean> {
  return path.startsWith('/') && path !== '/' && (await session.findNode(parentOf(path))) !== undefined;
}

function missingMember(collection: string, path: string): Skipped {
  const reason = `A member of ${collection} that does not exist, or may not be read.`;
  return { path, code: 'PATH_NOT_FOUND', reason };
}

/** @throws SatchelError PATH_NOT_FOUND */
async function findSelected(session: Session, paths: readonly string[]): Promise<RepositoryNode[]> {
  const nodes = await session.findNodes(paths);
  const missing = paths.filter((_, index) => !nodes[index]);
  if (missing.length > 0) {
    throw new SatchelError(
      'PATH_NOT_FOUND',
      `There is no ${missing.map((path) => `"${path}"`).join(', ')}, or it may not be read.`,
      { details: { paths: missing } },
    );
  }
  return nodes.filter((node) => node !== undefined);
}

export interface SelectOptions {
  /** Assets taken out of assets too, each after the one it belongs to. */
  readonly subassets?: boolean;
}

/**
 * The selected assets: each path itself when it is one, else all in its hierarchy. Streams; no asset comes twice.
 * @throws SatchelError PATH_NOT_FOUND naming every path that does not exist or may not be read: the same answer
 */
export async function* selectAssets(
  session: Session,
  paths: readonly string[],
  { subassets = false }: SelectOptions = {},
): AsyncGenerator<RepositoryNode> {
  const outermost = new Set(await startingPaths(session, paths, subassets));
  for (const node of await findSelected(session, paths)) {
    // Deleting what was walked leaves out a path that is named twice.
    if (outermost.delete(node.path)) yield* assetsBelow(session, node, subassets);
  }
}

/** @throws SatchelError INVALID_REQUEST naming the first path that breaks the grammar */
export function checkPaths(paths: readonly string[]): void {
  for (const path of paths) {
    try {
      assertPath(path);
    } catch (error) {
      if (!(error instanceof RepositoryError)) throw error;
      throw new SatchelError('INVALID_REQUEST', `paths: ${error.message}`, {
        details: { paths: [path] },
        cause: error,
      });
    }
  }
}

/** Outermost paths, and those inside of assets that the walk does not go into. */
async function startingPaths(session: Session, paths: readonly string[], subassets: boolean): Promise<string[]> {
  if (subassets) return outermostPaths(paths);
  const inside: string[] = [];
  const others: string[] = [];
  for (const path of paths) {
    const end = `${path}/`.lastIndexOf(`/${subassetsName}/`);
    const asset = end > 0 ? await session.findNode(path.slice(0, end)) : undefined;
    (asset && isAsset(asset) ? inside : others).push(path);
  }
  return [...outermostPaths(others), ...outermostPaths(inside)];
}

/** Folder by folder, not into assets: their renditions and metadata are many more nodes than assets. */
async function* assetsBelow(
  session: Session,
  node: RepositoryNode,
  subassets: boolean,
): AsyncGenerator<RepositoryNode> {
  if (isAsset(node)) {
    yield node;
    if (!subassets) return;
    for await (const subasset of subassetsOf(session, node.path)) yield* assetsBelow(session, subasset, true);
    return;
  }
  for await (const child of session.children(node.path)) yield* assetsBelow(session, child, subassets);
}
