/**
 * META-INF/vault/filter.xml: which paths a package covers, and what happens to what is there already.
 * https://jackrabbit.apache.org/filevault/filter.html and importmode.html
 */
import { assertPath, isDescendantOrSelf } from '../path.js';
import { parseXml } from './xml.js';

/**
 * `replace`: as in the package, the rest is removed. `update`: packaged nodes become as in the package, nothing is
 * removed. `merge`: existing nodes stay as they are, new ones are added. `merge_properties` and `update_properties`
 * also add missing properties to existing nodes; only the latter changes those that are there.
 */
export const importModes = ['replace', 'update', 'merge', 'update_properties', 'merge_properties'] as const;
export type ImportMode = (typeof importModes)[number];

/** A pattern of filter.xml, matched against a whole path. */
export interface FilterRule {
  readonly include: boolean;
  readonly pattern: RegExp;
}

export interface FilterSet {
  readonly root: string;
  readonly mode: ImportMode;
  readonly nodeRules: readonly FilterRule[];
  /** For `matchProperties` rules: matched against paths of properties. */
  readonly propertyRules: readonly FilterRule[];
}

const maximumPatternLength = 1_000;

/** @throws INVALID_CONTENT_FILE with file and line */
export async function parseFilter(source: AsyncIterable<Uint8Array>, file: string): Promise<FilterSet[]> {
  const sets: (FilterSet & { nodeRules: FilterRule[]; propertyRules: FilterRule[] })[] = [];
  await parseXml(source, file, {
    open({ name, attributes }) {
      const attribute = (key: string) => attributes[key]?.value;
      if (name === 'filter') {
        const mode = attribute('mode') ?? 'replace';
        const known = importModes.find((candidate) => candidate === mode);
        if (!known) throw new Error(`the mode "${mode}" is none of ${importModes.join(', ')}`);
        const root = assertPath(attribute('root') ?? '');
        sets.push({ root, mode: known, nodeRules: [], propertyRules: [] });
      } else if (name === 'include' || name === 'exclude') {
        const rules = attribute('matchProperties') === 'true' ? sets.at(-1)?.propertyRules : sets.at(-1)?.nodeRules;
        rules?.push({ include: name === 'include', pattern: parsePattern(attribute('pattern') ?? '') });
      } else if (name !== 'workspaceFilter') throw new Error(`the element "${name}" is unknown`);
    },
  });
  return sets;
}

/** Patterns are Java's; what JavaScript reads differently is refused by its parser and not guessed at. */
function parsePattern(pattern: string): RegExp {
  if (pattern.length > maximumPatternLength)
    throw new Error(`a pattern is longer than ${maximumPatternLength} characters`);
  return new RegExp(`^(?:${pattern})$`);
}

/** The filter that covers a node's path; the innermost where roots lie in each other. */
export function coveringFilter(sets: readonly FilterSet[], path: string): FilterSet | undefined {
  const [innermost] = sets
    .filter(({ root }) => isDescendantOrSelf(path, root))
    .sort((a, b) => b.root.length - a.root.length);
  return innermost && allows(innermost.nodeRules, path) ? innermost : undefined;
}

export function coversProperty(set: FilterSet, propertyPath: string): boolean {
  return allows(set.propertyRules, propertyPath);
}

/** The last rule that matches decides; before any, the opposite of the first: includes narrow, excludes take away. */
function allows(rules: readonly FilterRule[], path: string): boolean {
  const [first] = rules;
  if (!first) return true;
  return rules.reduce((allowed, { include, pattern }) => (pattern.test(path) ? include : allowed), !first.include);
}
