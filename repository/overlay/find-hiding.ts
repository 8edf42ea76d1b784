import type { Session } from '../api.js';
import type { Layer, MergedResource } from './api.js';
import { loadLayers } from './load-layers.js';
import { mergeLayers } from './merge.js';

/** What keeps a resource from showing. */
export interface Hiding {
  /** Relative path of the resource that is hidden: the one asked for, or one above it. */
  readonly path: string;
  /** Label of the layer that hides it. */
  readonly by: string;
}

/**
 * @param root merged with the way down to the path
 * @returns `undefined` when the path shows, or no layer has it
 */
export function findHiding(root: MergedResource | undefined, path: string): Hiding | undefined {
  let resource = root;
  for (const name of path === '' ? [] : path.split('/')) {
    const child = resource?.child(name);
    if (!child) {
      const item = resource?.hidden.findLast((hidden) => hidden.kind === 'child' && hidden.name === name);
      return resource && item && { path: resource.path === '' ? name : `${resource.path}/${name}`, by: item.by };
    }
    resource = child;
  }
  return undefined;
}

/** The same, read anew. @param layers topmost first */
export async function readHiding(
  session: Session,
  layers: readonly Layer[],
  path: string,
): Promise<Hiding | undefined> {
  return findHiding(mergeLayers(await loadLayers(session, layers, path)), path);
}
