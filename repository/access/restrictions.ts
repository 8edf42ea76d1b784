/** What narrows an entry of a policy to some items (Oak's restrictions). All that an entry has must match. */
import { nameOf } from '../path.js';
import { textOf, textsOf } from '../record.js';
import type { NodeRecord } from '../record.js';
import { globProblem, matchesGlob } from './glob.js';

export interface Restrictions {
  /** `rep:glob` */
  readonly glob?: string;
  /** `rep:itemNames`: names of the nodes and properties it is about. */
  readonly itemNames?: readonly string[];
  /** `rep:prefixes`: namespace prefixes of the names it is about; an empty one is names without a prefix. */
  readonly prefixes?: readonly string[];
}

/** Properties of an entry that are no restriction. Oak keeps restrictions in a child node, older content beside these. */
const entryProperties: ReadonlySet<string> = new Set(['rep:principalName', 'rep:privileges', 'rep:nodePath']);
const known: ReadonlySet<string> = new Set(['rep:glob', 'rep:itemNames', 'rep:prefixes']);
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
  const [globs, itemNames, prefixes] = ['rep:glob', 'rep:itemNames', 'rep:prefixes'].map((name) => found.get(name));
  const glob = globs && textOf(globs, 'rep:glob');
  if (globs && (glob === undefined || globProblem(glob) !== undefined)) unknown.push('rep:glob');
  return {
    restrictions: {
      ...(glob !== undefined && !unknown.includes('rep:glob') && { glob }),
      ...(itemNames && { itemNames: textsOf(itemNames, 'rep:itemNames') }),
      ...(prefixes && { prefixes: textsOf(prefixes, 'rep:prefixes') }),
    },
    unknown,
  };
}

/** @param path of a node or property at or below the controlled path */
export function matchesRestrictions(restrictions: Restrictions, controlled: string, path: string): boolean {
  const { glob, itemNames, prefixes } = restrictions;
  if (!matchesGlob(glob, controlled, path)) return false;
  if (itemNames && !itemNames.includes(nameOf(path))) return false;
  return !prefixes || prefixes.includes(namePrefix.exec(nameOf(path))?.[1] ?? '');
}

export function isRestricted({ glob, itemNames, prefixes }: Restrictions): boolean {
  return glob !== undefined || itemNames !== undefined || prefixes !== undefined;
}

export function sameRestrictions(a: Restrictions, b: Restrictions): boolean {
  return describe(a) === describe(b);
}

function describe({ glob, itemNames, prefixes }: Restrictions): string {
  const sorted = (names: readonly string[] | undefined) => (names ? [...new Set(names)].sort() : null);
  return JSON.stringify([glob ?? null, sorted(itemNames), sorted(prefixes)]);
}
