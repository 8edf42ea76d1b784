/**
 * META-INF/vault/filter.xml: which paths a package covers, and what happens to what is there already.
 * https://jackrabbit.apache.org/filevault/filter.html and importmode.html
 */
import { assertPath, isDescendantOrSelf } from '../path.js';
import { createPattern, type Pattern } from './pattern.js';
import { escapeXml } from './xml-text.js';
import { parseXml } from './xml.js';

/**
 * `replace`: as in the package, the rest is removed. `merge`: existing nodes stay as they are, new ones are added.
 * `merge_properties` and `update_properties` also add missing properties and mixins to existing nodes; only the latter
 * changes the values that are there. `update` is the older name of `update_properties`. Only `replace` removes anything
 * or changes a primary type.
 */
export const importModes = ['replace', 'update', 'merge', 'update_properties', 'merge_properties'] as const;
export type ImportMode = (typeof importModes)[number];

/** A pattern of filter.xml, matched against a whole path. */
export interface FilterRule {
  readonly include: boolean;
  readonly pattern: Pattern;
}

export interface FilterSet {
  readonly root: string;
  readonly mode: ImportMode;
  readonly nodeRules: readonly FilterRule[];
  /** For `matchProperties` rules: matched against paths of properties. */
  readonly propertyRules: readonly FilterRule[];
}

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
        rules?.push({ include: name === 'include', pattern: createPattern(attribute('pattern') ?? '') });
      } else if (name !== 'workspaceFilter') throw new Error(`the element "${name}" is unknown`);
    },
  });
  return sets;
}

/**
 * How what the package has at a path is imported, `undefined` where the filter does not take it. As in FileVault, any filter
 * may take a node, and the first one whose root is above it decides the mode.
 */
export function importModeAt(sets: readonly FilterSet[], path: string): ImportMode | undefined {
  const above = sets.filter(({ root }) => isDescendantOrSelf(path, root));
  return above.some(({ nodeRules }) => allows(nodeRules, path)) ? above[0]?.mode : undefined;
}

/** @param nodePath a node that a filter takes */
export function includesProperty(sets: readonly FilterSet[], nodePath: string, name: string): boolean {
  const above = sets.filter(({ root }) => isDescendantOrSelf(nodePath, root));
  return above.some(({ propertyRules }) => propertyRules.length === 0 || allows(propertyRules, `${nodePath}/${name}`));
}

/** The last rule that matches decides; before any, the opposite of the first: includes narrow, excludes take away. */
function allows(rules: readonly FilterRule[], path: string): boolean {
  const [first] = rules;
  if (!first) return true;
  return rules.reduce((allowed, { include, pattern }) => (pattern.matches(path) ? include : allowed), !first.include);
}

/** filter.xml, as `parseFilter` reads it. */
export function writeFilter(sets: readonly FilterSet[]): string {
  const filters = sets.map(({ root, mode, nodeRules, propertyRules }) => {
    const open = `    <filter root="${escapeXml(root)}"${mode === 'replace' ? '' : ` mode="${mode}"`}`;
    const rules = [
      ...nodeRules.map((rule) => ruleElement(rule, '')),
      ...propertyRules.map((rule) => ruleElement(rule, ' matchProperties="true"')),
    ];
    return rules.length === 0 ? `${open}/>\n` : `${open}>\n${rules.join('')}    </filter>\n`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<workspaceFilter version="1.0">\n${filters.join('')}</workspaceFilter>\n`;
}

function ruleElement({ include, pattern }: FilterRule, attributes: string): string {
  return `        <${include ? 'include' : 'exclude'} pattern="${escapeXml(pattern.source)}"${attributes}/>\n`;
}
