/**
 * Image presets (R2): named sizes that people choose instead of typing one. Content, one child each, below
 * `settings/dam/imagepresets` of every layer, so that a tenant adds, changes, approves or hides one alone.
 */
import type { Session } from '../../repository/api.js';
import type { MergedResource, OverlayResolver, Tenant } from '../../repository/overlay/api.js';
import type { RenditionSpec } from '../../workflows/contract/plan.js';
import type { SettingDefinition } from './define-setting.js';
import { presetApproved, presetFormat, presetHeight, presetQuality, presetTitle, presetWidth } from './definitions.js';
import { parseValue } from './parse-value.js';

/** Below `settings`. */
export const imagePresetsPath = 'dam/imagepresets';

export interface ImagePreset {
  readonly name: string;
  readonly title: string;
  readonly approved: boolean;
  /** The topmost layer that has something of it. */
  readonly layer: string;
  /** `undefined` where `problem` says why. */
  readonly spec: RenditionSpec | undefined;
  /** What is missing or wrong; such a preset is not offered. */
  readonly problem: string | undefined;
}

/** Every preset that the tenant sees, approved or not, in child order. */
export async function listImagePresets(
  session: Session,
  overlay: OverlayResolver,
  tenant: Tenant,
): Promise<ImagePreset[]> {
  const folder = await overlay.settings(session, tenant, imagePresetsPath);
  return (folder?.children ?? []).filter(({ name }) => !name.includes(':')).map(readPreset);
}

/** What people may choose: approved and complete. */
export async function offeredImagePresets(
  session: Session,
  overlay: OverlayResolver,
  tenant: Tenant,
): Promise<(ImagePreset & { readonly spec: RenditionSpec })[]> {
  const presets = await listImagePresets(session, overlay, tenant);
  return presets.flatMap((preset) => {
    const { approved, spec } = preset;
    return approved && spec ? [{ ...preset, spec }] : [];
  });
}

function readPreset(resource: MergedResource): ImagePreset {
  const problems: string[] = [];
  const read = <Value>(definition: SettingDefinition<Value>): Value => {
    const { name, default: otherwise } = definition;
    const merged = resource.properties.get(name);
    if (!merged) return otherwise;
    const parsed = parseValue(definition, merged.property.values);
    if (parsed.ok) return parsed.value;
    problems.push(`${merged.source}: "${name}" ${parsed.problem}`);
    return otherwise;
  };
  const [width, height] = [read(presetWidth), read(presetHeight)];
  const [format, quality] = [read(presetFormat), read(presetQuality)];
  const approved = read(presetApproved);
  const title = read(presetTitle) ?? resource.name;
  if (problems.length === 0 && (width === undefined || height === undefined))
    problems.push('it has no width and height');
  const isComplete = width !== undefined && height !== undefined && problems.length === 0;
  return {
    name: resource.name,
    title,
    approved,
    layer: resource.layers.at(-1) ?? '',
    spec: isComplete ? { width, height, format, quality } : undefined,
    problem: problems.length === 0 ? undefined : problems.join('; '),
  };
}
