/** From the paths of a request to the assets they mean. */
import type { RepositoryNode, Session } from '../repository/api.js';
import { RepositoryError } from '../repository/errors.js';
import { assertPath, isDescendantOrSelf } from '../repository/path.js';
import { SatchelError } from '../workflows/contract/errors.js';
import { isAsset } from './asset.js';
import { compareText } from './entry-names.js';

/** Paths without those that lie below another one: their subtrees are disjoint. Sorted. */
export function outermostPaths(paths: readonly string[]): string[] {
  const outermost: string[] = [];
  // Shorter first, so that an ancestor is met before what lies below it.
  for (const path of [...new Set(paths)].sort((a, b) => a.length - b.length)) {
    if (!outermost.some((ancestor) => isDescendantOrSelf(path, ancestor))) outermost.push(path);
  }
  return outermost.sort(compareText);
}

/**
 * The selected assets: each path itself when it is one, else all in its hierarchy. Streams; no asset comes twice.
 * @throws SatchelError PATH_NOT_FOUND naming every path that does not exist or may not be read: the same answer
 */
export async function* selectAssets(session: Session, paths: readonly string[]): AsyncGenerator<RepositoryNode> {
  const nodes = await session.findNodes(paths);
  const missing = paths.filter((_, index) => !nodes[index]);
  if (missing.length > 0) {
    throw new SatchelError(
      'PATH_NOT_FOUND',
      `There is no ${missing.map((path) => `"${path}"`).join(', ')}, or it may not be read.`,
      { details: { paths: missing } },
    );
  }
  const outermost = new Set(outermostPaths(paths));
  for (const node of nodes) {
    // Deleting what was walked leaves out a path that is named twice.
    if (node && outermost.delete(node.path)) yield* assetsBelow(session, node);
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

/** Folder by folder, not into assets: their renditions and metadata are many more nodes than assets. */
async function* assetsBelow(session: Session, node: RepositoryNode): AsyncGenerator<RepositoryNode> {
  if (isAsset(node)) {
    yield node;
    return;
  }
  for await (const child of session.children(node.path)) yield* assetsBelow(session, child);
}
