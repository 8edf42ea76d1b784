/** What is wrong with the settings that a node holds. Pure: saves, content folders and commands all ask this. */
import type { ContentRule } from '../../repository/content-rules.js';
import { globalTenant } from '../../repository/overlay/layers.js';
import { nameOf, parentOf } from '../../repository/path.js';
import type { Property } from '../../repository/value.js';
import { nearestName } from '../../workflows/contract/nearest-name.js';
import type { SettingDefinition } from './define-setting.js';
import { settingDefinitions } from './definitions.js';
import { parseValue } from './parse-value.js';

/** A node below the `settings` of a layer. */
export interface SettingsNode {
  /** `/conf/aurora`, `/conf/global`, `/apps`, `/libs` */
  readonly layer: string;
  /** Below its `settings`: `dam/download`. */
  readonly path: string;
}

const layerPattern = /^(\/apps|\/libs|\/conf\/.+?)\/settings\/(.+)$/u;

/** @returns `undefined` for a path that lies below no layer's settings */
export function settingsNode(nodePath: string): SettingsNode | undefined {
  const [, layer, path] = layerPattern.exec(nodePath) ?? [];
  return layer === undefined || path === undefined ? undefined : { layer, path };
}

const definitionsByPath = new Map<string, readonly SettingDefinition[]>();
for (const definition of settingDefinitions) {
  const { path } = definition;
  definitionsByPath.set(path, [...(definitionsByPath.get(path) ?? []), definition]);
}

/** The settings that a node of this path holds: `dam/download`, `dam/imagepresets/banner`. None where it is no such node. */
export function settingsAt(path: string): readonly SettingDefinition[] {
  return definitionsByPath.get(path) ?? definitionsByPath.get(`${path.slice(0, path.lastIndexOf('/'))}/*`) ?? [];
}

export interface SettingProblem {
  /** The property. */
  readonly property: string;
  /** Continues its name: `must be a whole number from 1, it is "many"`. */
  readonly problem: string;
}

/** Values that are not allowed, or not there. */
export function wrongSettings(nodePath: string, properties: ReadonlyMap<string, Property>): SettingProblem[] {
  const node = settingsNode(nodePath);
  if (!node) return [];
  return settingsAt(node.path).flatMap((definition): SettingProblem[] => {
    const held = properties.get(definition.name);
    if (!held) return [];
    const property = definition.name;
    const parsed = parseValue(definition, held.values);
    if (!parsed.ok) return [{ property, problem: parsed.problem }];
    const place = placeProblem(definition, node.layer);
    return place === undefined ? [] : [{ property, problem: place }];
  });
}

/** Why a layer cannot have a setting. */
export function placeProblem({ scope }: SettingDefinition, layer: string): string | undefined {
  const isTenant = layer.startsWith('/conf/') && layer !== globalTenant.root;
  if (scope !== 'installation' || !isTenant) return undefined;
  return `is for the whole installation: set it in ${globalTenant.root} or /apps`;
}

/**
 * Properties that look like settings and are none. They stop nothing, as packages bring properties of other products, but a
 * slip of the pen should not pass unseen.
 */
export function unknownSettings(nodePath: string, properties: ReadonlyMap<string, Property>): SettingProblem[] {
  const node = settingsNode(nodePath);
  if (!node) return [];
  const known = settingsAt(node.path).map(({ name }) => name);
  const own = [...properties.keys()].filter((name) => !name.includes(':'));
  if (known.length > 0) {
    return own
      .filter((name) => !known.includes(name))
      .map((name) => ({ property: name, problem: `is no setting of ${node.path}${didYouMean(name, known)}` }));
  }
  // Beside the nodes of settings lies content of other kinds: only what is nearly one of them is worth a word.
  const meant = own.length > 0 ? nearNode(node.path) : undefined;
  if (meant === undefined) return [];
  return own.map((name) => ({
    property: name,
    problem: `is no setting: there is no ${node.path}; did you mean "${meant}"?`,
  }));
}

/** `; did you mean "maxAssets"?` where a name is close to a known one, else what is known. */
export function didYouMean(name: string, known: readonly string[]): string {
  const near = nearestName(name, known);
  return near === undefined ? `; there are ${known.join(', ')}` : `; did you mean "${near}"?`;
}

function nearNode(path: string): string | undefined {
  const siblings = [...definitionsByPath.keys()].filter((known) => parentOf(`/${known}`) === parentOf(`/${path}`));
  const near = nearestName(
    nameOf(`/${path}`),
    siblings.map((known) => nameOf(`/${known}`)).filter((name) => name !== '*'),
  );
  return siblings.find((known) => nameOf(`/${known}`) === near);
}

/** Refuses saves that write a wrong value. */
export const settingsRule: ContentRule = {
  appliesTo: (path) => path.includes('/settings/') && settingsNode(path) !== undefined,
  check: ({ path, properties, changed }) =>
    wrongSettings(path, properties).find(({ property }) => changed.has(property)),
};
