/** What one layer itself says: the settings it overrides, and names in it that are none. */
import type { Session } from '../../repository/api.js';
import type { MergedResource, OverlayResolver, Tenant } from '../../repository/overlay/api.js';
import { joinPath } from '../../repository/path.js';
import { unknownSettings } from './check-settings.js';
import { settingName } from './define-setting.js';
import { settingDefinitions } from './definitions.js';
import { parseValue } from './parse-value.js';

export interface OverriddenSetting {
  readonly setting: string;
  readonly value: unknown;
  /** Path of the node. */
  readonly source: string;
  /** Why the value does not count, where it is wrong. */
  readonly problem?: string;
}

export interface UnknownSetting {
  readonly source: string;
  readonly property: string;
  readonly problem: string;
}

export interface LayerSettings {
  readonly overrides: readonly OverriddenSetting[];
  readonly unknown: readonly UnknownSetting[];
}

/** Of the tenant's own layer, in the order of the definitions. */
export async function readLayerSettings(
  session: Session,
  overlay: OverlayResolver,
  tenant: Tenant,
): Promise<LayerSettings> {
  const overrides: OverriddenSetting[] = [];
  const unknown: UnknownSetting[] = [];
  for (const path of new Set(settingDefinitions.map((definition) => definition.path))) {
    for (const resource of await resourcesAt(session, overlay, tenant, path)) {
      const own = new Map(
        [...resource.properties].flatMap(([name, { layer, property }]) =>
          layer === tenant.root ? [[name, property] as const] : [],
        ),
      );
      const source = joinPath(tenant.root, `settings/${resource.path}`);
      for (const definition of settingDefinitions.filter((candidate) => candidate.path === path)) {
        const held = own.get(definition.name);
        if (!held) continue;
        const parsed = parseValue(definition, held.values);
        overrides.push({
          setting: settingName({ path: resource.path, name: definition.name }),
          value: parsed.ok ? parsed.value : held.values,
          source,
          ...(!parsed.ok && { problem: parsed.problem }),
        });
      }
      unknown.push(...unknownSettings(source, own).map((problem) => ({ source, ...problem })));
    }
  }
  return { overrides, unknown };
}

async function resourcesAt(
  session: Session,
  overlay: OverlayResolver,
  tenant: Tenant,
  path: string,
): Promise<readonly MergedResource[]> {
  const resource = await overlay.settings(session, tenant, path.replace(/\/\*$/u, ''));
  if (!resource) return [];
  return path.endsWith('/*') ? resource.children : [resource];
}
