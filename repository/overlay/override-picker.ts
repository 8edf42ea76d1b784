/**
 * Which layers overlay a resource along its resource types: the resource itself over what its `sling:resourceSuperType` names,
 * over what that one's names, and so on, as Sling's override picker (`/mnt/override`) finds them.
 */
import type { RepositoryNode, Session } from '../api.js';
import { RepositoryError } from '../errors.js';
import { assertPath, nameProblem, selfAndAncestors } from '../path.js';
import type { Layer } from './api.js';
import { searchPathLayers } from './layers.js';

export const superTypeProperty = 'sling:resourceSuperType';

/** Types above one another; a hierarchy that is deeper is a mistake rather than a design. */
const maximumDepth = 32;

export interface PickedLayers {
  /** Topmost first; each begins at the node that a super type names, and is labelled with its path. */
  readonly layers: readonly Layer[];
  /** The resource relative to the layers' roots. */
  readonly path: string;
}

/**
 * The inheritance root is the nearest node at or above the resource that has a super type; what lies below it is found
 * at the same relative path below every super type. A hierarchy that comes back to where it was ends there.
 *
 * @param path absolute; the resource itself need not exist
 * @throws INVALID_PATH; CONSTRAINT_VIOLATION for more than 32 types above one another
 */
export async function pickOverrides(session: Session, path: string): Promise<PickedLayers> {
  assertPath(path);
  const inheriting = await nearestInheriting(session, path);
  const root = inheriting?.path ?? path;
  const layers: Layer[] = [{ root, label: root }];
  const visited = new Set<string>();
  let next = inheriting && { from: inheriting, at: root };
  while (next && !visited.has(next.from.path)) {
    visited.add(next.from.path);
    const superType = await superTypePath(session, next.from);
    if (superType === undefined) break;
    const target = superType + next.at.slice(next.from.path.length);
    if (layers.some((layer) => layer.root === target)) break;
    if (layers.length > maximumDepth) throw tooDeep(path);
    layers.push({ root: target, label: target });
    const above = await nearestInheriting(session, target);
    next = above && { from: above, at: target };
  }
  return { layers, path: path === root ? '' : path.slice(root === '/' ? 1 : root.length + 1) };
}

/** The node itself or its nearest ancestor with a super type. */
async function nearestInheriting(session: Session, path: string): Promise<RepositoryNode | undefined> {
  const nodes = await session.findNodes([...selfAndAncestors(path)]);
  return nodes.find((node) => node !== undefined && Boolean(node.text(superTypeProperty)));
}

/** A relative super type is looked for below /apps, then /libs. What is no path names nothing. */
async function superTypePath(session: Session, node: RepositoryNode): Promise<string | undefined> {
  const value = (node.text(superTypeProperty) ?? '').replace(/\/+$/, '');
  const names = (value.startsWith('/') ? value.slice(1) : value).split('/');
  if (names.some((name) => nameProblem(name) !== undefined)) return undefined;
  if (value.startsWith('/')) return value;
  const candidates = searchPathLayers.map(({ root }) => `${root}/${value}`);
  const found = await session.findNodes(candidates);
  // Where neither is there, the place is kept: something may lie below it.
  return found.find((candidate) => candidate !== undefined)?.path ?? candidates.at(-1);
}

function tooDeep(path: string): RepositoryError {
  return new RepositoryError(
    'CONSTRAINT_VIOLATION',
    `${path} has more than ${maximumDepth} super types above one another; shorten the hierarchy of ${superTypeProperty}.`,
    { paths: [path] },
  );
}
