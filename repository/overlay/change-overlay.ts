/**
 * Changes made through the overlay: what a person wants of the merged resource, as changes to one layer. As in Sling's CRUD
 * merging provider, nothing that underlies is ever written: what it holds is hidden, by directives in the layer.
 */
import type { RepositoryNode, Session } from '../api.js';
import type { ContentChange } from '../content/change-content.js';
import { propertiesEqual, toProperty } from '../convert-value.js';
import { RepositoryError } from '../errors.js';
import { joinPath, nameOf, parentOf } from '../path.js';
import type { Property, PropertyInput, PropertyType } from '../value.js';
import type { Layer, MergedResource } from './api.js';
import { findHiding } from './find-hiding.js';
import { parseHideRule, withHidden, withoutHidden, withoutName } from './hide-list.js';
import { loadLayers } from './load-layers.js';
import { mergeLayers } from './merge.js';

/** A value as it was typed. */
export interface AssignedValue {
  /** Several are a list. */
  readonly texts: readonly string[];
  /** Default: that of the property it replaces, else String. */
  readonly type?: PropertyType;
  readonly multiple?: boolean;
}

export type OverlayChange =
  /** Adds or changes properties, and takes some away; the resource is added where there is none. */
  | {
      readonly kind: 'set';
      readonly set: Readonly<Record<string, AssignedValue>>;
      readonly remove: readonly string[];
    }
  /** The resource no longer shows; the layer's own part is kept for `restore`. */
  | { readonly kind: 'hide' }
  /** Takes back a `hide`. */
  | { readonly kind: 'restore' }
  /** Removes the layer's own part with all below, so that what underlies shows as it is. */
  | { readonly kind: 'reset' };

export interface OverlayTarget {
  /** All layers of the resource, topmost first. */
  readonly layers: readonly Layer[];
  /** The one to write, of these. */
  readonly layer: Layer;
  /** Relative to the layers' roots. */
  readonly path: string;
}

/**
 * What to write into the layer: only what differs from the layers below it. Reads with the session's rights.
 * @returns nothing where the resource is already as wanted
 * @throws PATH_NOT_FOUND, CONSTRAINT_VIOLATION (nothing to restore here), INVALID_VALUE
 */
export async function planOverlayChange(
  session: Session,
  target: OverlayTarget,
  change: OverlayChange,
): Promise<readonly ContentChange[]> {
  const { layer, path } = target;
  const at = joinPath(layer.root, path);
  const own = await session.findNode(at);
  if (path === '' && change.kind !== 'set') {
    throw new RepositoryError('INVALID_VALUE', `${at} is where the layer begins; name a resource below it.`, {
      paths: [at],
    });
  }
  switch (change.kind) {
    case 'set':
      return planSet(at, await below(session, target), own, change);
    case 'hide':
      return planHide(session, target, at, own);
    case 'restore':
      return planRestore(session, target, at, own);
    case 'reset':
      if (own) return [{ path: at, remove: true }];
      throw new RepositoryError('PATH_NOT_FOUND', `${layer.label} has nothing of its own at ${at}.`, { paths: [at] });
  }
}

/**
 * For a session that holds the changes: a layer below or a node above may hide what was wanted.
 * @throws CONSTRAINT_VIOLATION saying what keeps it from showing
 */
export async function assertOverlayChange(
  session: Session,
  target: OverlayTarget,
  change: OverlayChange,
): Promise<void> {
  const problem = await findProblem(session, target, change);
  if (problem === undefined) return;
  const at = joinPath(target.layer.root, target.path);
  throw new RepositoryError('CONSTRAINT_VIOLATION', `${at} ${problem}; nothing was changed.`, { paths: [at] });
}

async function findProblem(
  session: Session,
  target: OverlayTarget,
  change: OverlayChange,
): Promise<string | undefined> {
  const root = await merged(session, target, fromLayer(target));
  const resource = root?.descendant(target.path);
  if (change.kind === 'hide') return resource ? 'would still show' : undefined;
  if (change.kind === 'reset') return undefined;
  const hiding = findHiding(root, target.path);
  if (hiding) return `would not show: ${hiding.by} hides ${hiding.path}, restore that first`;
  if (change.kind === 'restore') return undefined;
  const missing = Object.keys(change.set).find((name) => !name.startsWith('sling:') && !resource?.properties.has(name));
  const present = change.remove.find((name) => resource?.properties.has(name));
  if (missing !== undefined) return `would not show "${missing}"`;
  return present === undefined ? undefined : `would still show "${present}"`;
}

function planSet(
  at: string,
  base: MergedResource | undefined,
  own: RepositoryNode | undefined,
  { set, remove }: OverlayChange & { readonly kind: 'set' },
): ContentChange[] {
  const listed = own?.texts('sling:hideProperties') ?? [];
  let hidden = listed;
  const changes = new Map<string, PropertyInput | null>();
  const underlying = (name: string) => base?.properties.get(name)?.property;
  for (const [name, value] of Object.entries(set)) {
    // A plain name hides the layer's own value as well.
    if (parseHideRule(hidden).hidesLocal(name)) hidden = withoutName(hidden, name);
    const property = assign(joinPath(at, name), value, own?.property(name) ?? underlying(name));
    const isInherited = propertiesEqual(property, underlying(name)) && !parseHideRule(hidden).hidesUnderlying(name);
    if (!isInherited && !propertiesEqual(property, own?.property(name))) changes.set(name, property);
    else if (isInherited && own?.property(name) && name !== 'jcr:primaryType') changes.set(name, null);
  }
  for (const name of remove) {
    if (!own?.property(name) && !underlying(name)) {
      throw new RepositoryError('PATH_NOT_FOUND', `${at} has no property "${name}" to remove.`, { paths: [at] });
    }
    if (own?.property(name)) changes.set(name, null);
    if (underlying(name)) hidden = withHidden(hidden, name);
  }
  if (hidden !== listed) changes.set('sling:hideProperties', hidden.length > 0 ? texts(hidden) : null);
  // Adding what was hidden brings it back, as Sling does.
  if (own?.boolean('sling:hideResource')) changes.set('sling:hideResource', null);
  if (changes.size === 0 && (own ?? base)) return [];
  const primaryType = base?.text('jcr:primaryType');
  return [{ path: at, set: Object.fromEntries(changes), ...(!own && primaryType !== undefined && { primaryType }) }];
}

function assign(path: string, { texts, type, multiple }: AssignedValue, before: Property | undefined): Property {
  const isList = multiple ?? (texts.length !== 1 || (before?.multiple ?? false));
  return toProperty(path, { type: type ?? before?.type ?? 'String', multiple: isList, values: [...texts] });
}

async function planHide(
  session: Session,
  target: OverlayTarget,
  at: string,
  own: RepositoryNode | undefined,
): Promise<ContentChange[]> {
  const root = await merged(session, target, fromLayer(target));
  if (!root?.descendant(target.path)) {
    const hiding = findHiding(root, target.path);
    const problem = hiding ? `is hidden already, by ${hiding.by}` : 'is in no layer';
    throw new RepositoryError('PATH_NOT_FOUND', `${target.path} ${problem}.`, { paths: [at] });
  }
  return [{ path: at, set: { 'sling:hideResource': true }, ...(!own && { primaryType: 'nt:unstructured' }) }];
}

async function planRestore(
  session: Session,
  target: OverlayTarget,
  at: string,
  own: RepositoryNode | undefined,
): Promise<ContentChange[]> {
  const changes: ContentChange[] = [];
  if (own?.boolean('sling:hideResource')) {
    const isEmpty = [...own.properties.keys()].every(
      (name) => name === 'sling:hideResource' || name.startsWith('jcr:'),
    );
    const isMark = isEmpty && !(await hasChildren(session, at));
    changes.push(isMark ? { path: at, remove: true } : { path: at, set: { 'sling:hideResource': null } });
  }
  const parent = await session.findNode(parentOf(at));
  const list = parent?.texts('sling:hideChildren') ?? [];
  const rule = parseHideRule(list);
  const name = nameOf(at);
  if (rule.hidesUnderlying(name) || rule.hidesLocal(name)) {
    const rest = withoutHidden(list, name);
    if (!rest) {
      throw new RepositoryError(
        'CONSTRAINT_VIOLATION',
        `${parentOf(at)} hides all children by "*" beside other names; set its sling:hideChildren anew.`,
        { paths: [parentOf(at)] },
      );
    }
    changes.push({
      path: parentOf(at),
      set: { 'sling:hideChildren': rest.length > 0 ? texts(rest) : null },
    });
  }
  if (changes.length > 0) return changes;
  const hiding = findHiding(await merged(session, target, target.layers), target.path);
  const problem = hiding ? `; ${hiding.by} hides ${hiding.path}` : ' and shows, where a layer has it';
  throw new RepositoryError('CONSTRAINT_VIOLATION', `${at} is not hidden by ${target.layer.label}${problem}.`, {
    paths: [at],
  });
}

async function hasChildren(session: Session, path: string): Promise<boolean> {
  for await (const _child of session.children(path)) return true;
  return false;
}

/** What the layers below the one to write make of the resource. */
async function below(session: Session, target: OverlayTarget): Promise<MergedResource | undefined> {
  const root = await merged(session, target, fromLayer(target).slice(1));
  return root?.descendant(target.path);
}

/** The layer to write and those below it. */
function fromLayer({ layers, layer }: OverlayTarget): readonly Layer[] {
  return layers.slice(layers.findIndex(({ root }) => root === layer.root));
}

/** With the way down. */
async function merged(
  session: Session,
  { path }: OverlayTarget,
  layers: readonly Layer[],
): Promise<MergedResource | undefined> {
  return mergeLayers(await loadLayers(session, layers, path));
}

function texts(values: readonly string[]): Property {
  return { type: 'String', multiple: true, values };
}
