/**
 * Reads settings: the tenant's layers, /conf/global and /apps, then what the deployment says (OSGi configurations), then /libs,
 * then the default of the definition.
 */
import type { Session } from '../../repository/api.js';
import type { MergedResource, OverlayResolver, Tenant } from '../../repository/overlay/api.js';
import { globalTenant } from '../../repository/overlay/layers.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import type { SettingDefinition } from './define-setting.js';
import { parseValue } from './parse-value.js';

/** What a configuration of the deployment says about a setting. */
export interface DeploymentValue {
  /** Text, number or boolean; several for a list. */
  readonly values: readonly (string | number | bigint | boolean)[];
  /** Where it says so, for people: the file's path. */
  readonly source: string;
}

/**
 * The layer between /apps and /libs. Asked at every read, so it must be quick, and it answers for what is in force now.
 * @param name `dam/download/maxAssets`
 */
export type DeploymentValues = (name: string) => DeploymentValue | undefined | Promise<DeploymentValue | undefined>;

export interface ResolvedSetting<Value = unknown> {
  readonly value: Value;
  /** `/conf/aurora`, `/conf/global`, `/apps`, `osgi`, `/libs`, or `default` where only the definition has it. */
  readonly layer: string;
  /** Path of the node, or what the deployment says it came from; `undefined` for the default. */
  readonly source: string | undefined;
  /** Whose it is. */
  readonly tenant: string;
}

export interface Settings {
  /**
   * One setting for a tenant; of the installation's own the tenant does not matter.
   * @param session may read the layers: what it may not read counts as not there
   * @throws SatchelError INVALID_CONFIGURATION naming node and property (or configuration file) of a wrong value
   */
  read<Value>(session: Session, tenant: Tenant, definition: SettingDefinition<Value>): Promise<ResolvedSetting<Value>>;
}

export interface SettingsOptions {
  readonly overlay: OverlayResolver;
  /** Default: the deployment says nothing. */
  readonly deployment?: DeploymentValues;
}

export function createSettings({ overlay, deployment }: SettingsOptions): Settings {
  return {
    async read(session, tenant, definition) {
      const owner = definition.scope === 'installation' ? globalTenant : tenant;
      const resource = await overlay.settings(session, owner, definition.path);
      const held = heldValue(resource, definition);
      const deployed =
        held && held.layer !== '/libs' ? undefined : await deployment?.(`${definition.path}/${definition.name}`);
      const found = deployed ? { ...deployed, layer: 'osgi' } : held;
      if (!found) return { value: definition.default, layer: 'default', source: undefined, tenant: owner.name };
      const parsed = parseValue(definition, found.values);
      if (!parsed.ok) throw invalidSetting(definition, found.source, parsed.problem);
      return { value: parsed.value, layer: found.layer, source: found.source, tenant: owner.name };
    },
  };
}

interface Found {
  readonly values: readonly unknown[];
  readonly layer: string;
  readonly source: string;
}

function heldValue(resource: MergedResource | undefined, { name }: SettingDefinition): Found | undefined {
  const merged = resource?.properties.get(name);
  return merged && { values: merged.property.values, layer: merged.layer, source: merged.source };
}

function invalidSetting({ name }: SettingDefinition, source: string, problem: string): SatchelError {
  return new SatchelError('INVALID_CONFIGURATION', `${source}: "${name}" ${problem}.`, {
    details: { path: source, property: name },
  });
}
