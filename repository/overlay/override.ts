/** Resources merged along their resource types: the picker's layers, folded as every overlay is. */
import type { Session } from '../api.js';
import { joinPath } from '../path.js';
import type { Layer, MergedResource } from './api.js';
import { loadLayers } from './load-layers.js';
import { mergeLayers } from './merge.js';
import { createMergedResource } from './merged-resource.js';
import { pickOverrides, superTypeProperty } from './override-picker.js';

export interface OverriddenResource {
  readonly layers: readonly Layer[];
  /** Relative to the layers' roots. */
  readonly path: string;
  /** `undefined` when no layer has it, or it is hidden. */
  readonly resource: MergedResource | undefined;
}

/**
 * A node of the topmost layer that has a super type of its own begins a hierarchy of its own, whether it is read
 * directly or found below another: a listing and a direct read agree. What hides it above hides it here.
 *
 * @param path absolute @throws as `pickOverrides`
 */
export async function resolveOverride(session: Session, path: string): Promise<OverriddenResource> {
  const { layers, path: relative } = await pickOverrides(session, path);
  const [top] = layers;
  const parent = top && top.root !== '/' ? await visibleFromAbove(session, top.root) : true;
  const merged = parent ? mergeLayers(await loadLayers(session, layers, relative))?.descendant(relative) : undefined;
  const resource = merged && (await withOwnHierarchies(session, path, merged));
  return { layers, path: relative, resource };
}

/** Whether the root of a hierarchy shows in the hierarchy that it lies in. */
async function visibleFromAbove(session: Session, root: string): Promise<boolean> {
  const slash = root.lastIndexOf('/');
  const parent = slash === 0 ? '/' : root.slice(0, slash);
  const { layers, path } = await pickOverrides(session, parent);
  // Nothing above it inherits, so nothing above it can hide it.
  if (layers.length < 2) return true;
  const [top] = layers;
  if (top && top.root !== '/' && !(await visibleFromAbove(session, top.root))) return false;
  const below = joinPath(path, root.slice(slash + 1)).replace(/^\//, '');
  return mergeLayers(await loadLayers(session, layers, below))?.descendant(below) !== undefined;
}

async function withOwnHierarchies(session: Session, path: string, resource: MergedResource): Promise<MergedResource> {
  const paths = resource.children.map(({ name }) => joinPath(path, name));
  const nodes = paths.length === 0 ? [] : await session.findNodes(paths);
  const children: MergedResource[] = [];
  for (const [index, child] of resource.children.entries()) {
    const below = paths[index] ?? path;
    if (!nodes[index]?.text(superTypeProperty)) children.push(await withOwnHierarchies(session, below, child));
    else {
      const { layers } = await pickOverrides(session, below);
      const own = mergeLayers(await loadLayers(session, layers, ''));
      if (own) children.push(await withOwnHierarchies(session, below, named(own, child)));
    }
  }
  return createMergedResource({ ...resource, children });
}

/** Its own parts at the place it has in the tree around it. */
function named(own: MergedResource, { name, path }: MergedResource): MergedResource {
  const move = (resource: MergedResource): MergedResource =>
    createMergedResource({
      ...resource,
      path: resource.path === '' ? path : `${path}/${resource.path}`,
      name: resource.path === '' ? name : resource.name,
      children: resource.children.map(move),
    });
  return move(own);
}
