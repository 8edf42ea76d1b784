/** What narrows an entry of a policy to some items (Oak's restrictions). All that an entry has must match. */
import { nameOf, parentOf } from '../path.js';
import { textOf, textsOf } from '../record.js';
import type { NodeRecord } from '../record.js';
import type { PropertyInput } from '../value.js';
import { globProblem, matchesGlob } from './glob.js';
import { matchesSubtrees } from './subtrees.js';

export interface Restrictions {
  /** `rep:glob` */
  readonly glob?: string;
  /** `rep:globs`: as several entries, each with one of them as its `rep:glob`. */
  readonly globs?: readonly string[];
  /** `rep:subtrees`: what lies in a subtree of such a name, see `matchesSubtrees`. */
  readonly subtrees?: readonly string[];
  /** `rep:current`: the controlled node alone, and of its properties those named here; `*` is all of them. */
  readonly current?: readonly string[];
  /** `rep:itemNames`: names of the nodes and properties it is about. */
  readonly itemNames?: readonly string[];
  /** `rep:prefixes`: namespace prefixes of the names it is about; an empty one is names without a prefix. */
  readonly prefixes?: readonly string[];
  /** `rep:ntNames`: primary types of the nodes it is about, with their properties; types that inherit from them are not meant. */
  readonly ntNames?: readonly string[];
}

/** What is asked about: a node, or a property of one. */
export interface Item {
  /** Of the node or property, at or below the controlled path. */
  readonly path: string;
  readonly isProperty: boolean;
  /** Of the node, or of the node that has the property; `undefined` when it is not known. */
  readonly primaryType: string | undefined;
}

type ListName = Exclude<keyof Restrictions, 'glob'>;

/** Restrictions that are lists, with the type of their values (Oak: RestrictionProviderImpl). */
const lists: Readonly<Record<ListName, { readonly name: string; readonly type: 'Name' | 'String' }>> = {
  globs: { name: 'rep:globs', type: 'String' },
  subtrees: { name: 'rep:subtrees', type: 'String' },
  current: { name: 'rep:current', type: 'String' },
  itemNames: { name: 'rep:itemNames', type: 'Name' },
  prefixes: { name: 'rep:prefixes', type: 'String' },
  ntNames: { name: 'rep:ntNames', type: 'Name' },
};
const listNames = Object.keys(lists) as ListName[];

/** Properties of an entry that are no restriction. Oak keeps restrictions in a child node, older content beside these. */
const entryProperties: ReadonlySet<string> = new Set(['rep:principalName', 'rep:privileges', 'rep:nodePath']);
const known: ReadonlySet<string> = new Set(['rep:glob', ...listNames.map((list) => lists[list].name)]);
const namePrefix = /^([^:]*):/u;

/**
 * The restrictions of an entry, from its own properties and those of its `rep:restrictions` child.
 * @returns `unknown`: names of those that say something this repository cannot evaluate
 */
export function readRestrictions(
  entry: NodeRecord,
  child: NodeRecord | undefined,
): { readonly restrictions: Restrictions; readonly unknown: readonly string[] } {
  const found = new Map<string, NodeRecord>();
  for (const name of entry.properties.keys()) {
    if (name.startsWith('rep:') && !entryProperties.has(name)) found.set(name, entry);
  }
  for (const name of child?.properties.keys() ?? []) if (child && !name.startsWith('jcr:')) found.set(name, child);
  const unknown = [...found.keys()].filter((name) => !known.has(name));
  const restrictions: { glob?: string } & Partial<Record<ListName, readonly string[]>> = {};
  const holder = found.get('rep:glob');
  if (holder) {
    const glob = textOf(holder, 'rep:glob');
    if (glob === undefined || globProblem(glob) !== undefined) unknown.push('rep:glob');
    else restrictions.glob = glob;
  }
  for (const list of listNames) {
    const { name } = lists[list];
    const record = found.get(name);
    if (!record) continue;
    const values = textsOf(record, name);
    if (list === 'globs' && values.some((glob) => globProblem(glob) !== undefined)) unknown.push(name);
    else restrictions[list] = values;
  }
  return { restrictions, unknown };
}

/** Restrictions as properties of an entry. */
export function restrictionProperties(restrictions: Restrictions): Record<string, PropertyInput> {
  const properties: Record<string, PropertyInput> = {};
  if (restrictions.glob !== undefined) properties['rep:glob'] = restrictions.glob;
  for (const list of listNames) {
    const values = restrictions[list];
    if (values) properties[lists[list].name] = { type: lists[list].type, multiple: true, values: [...values] };
  }
  return properties;
}

/** `[name, values]` of each restriction, for messages. */
export function listRestrictions(restrictions: Restrictions): [string, readonly string[]][] {
  const { glob } = restrictions;
  const listed = listNames.flatMap((list): [string, readonly string[]][] => {
    const values = restrictions[list];
    return values ? [[lists[list].name, values]] : [];
  });
  return glob === undefined ? listed : [['rep:glob', [glob]], ...listed];
}

/** As far as the path tells; `ntNames` is not looked at. */
export function matchesPath(restrictions: Restrictions, controlled: string, { path, isProperty }: Item): boolean {
  const { glob, globs, subtrees, current, itemNames, prefixes } = restrictions;
  if (!matchesGlob(glob, controlled, path)) return false;
  if (globs && !globs.some((one) => matchesGlob(one, controlled, path))) return false;
  if (subtrees && !matchesSubtrees(subtrees, controlled, path)) return false;
  if (current && !(isProperty ? isCurrentProperty(current, controlled, path) : path === controlled)) return false;
  if (itemNames && !itemNames.includes(nameOf(path))) return false;
  return !prefixes || prefixes.includes(namePrefix.exec(nameOf(path))?.[1] ?? '');
}

function isCurrentProperty(current: readonly string[], controlled: string, path: string): boolean {
  return parentOf(path) === controlled && (current.includes('*') || current.includes(nameOf(path)));
}

export function isRestricted(restrictions: Restrictions): boolean {
  return restrictions.glob !== undefined || listNames.some((list) => restrictions[list] !== undefined);
}

export function sameRestrictions(a: Restrictions, b: Restrictions): boolean {
  return describe(a) === describe(b);
}

function describe(restrictions: Restrictions): string {
  const sorted = (names: readonly string[] | undefined) => (names ? [...new Set(names)].sort() : null);
  return JSON.stringify([restrictions.glob ?? null, ...listNames.map((list) => sorted(restrictions[list]))]);
}
