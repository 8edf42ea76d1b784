/** Sets and resets one setting in one layer. */
import type { Session } from '../../repository/api.js';
import type { ContentChange, WrittenChange } from '../../repository/content/change-content.js';
import { configurationRoot, globalTenant } from '../../repository/overlay/layers.js';
import { joinPath } from '../../repository/path.js';
import type { PropertyInput } from '../../repository/value.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { placeProblem } from './check-settings.js';
import { settingName } from './define-setting.js';
import type { SettingDefinition } from './define-setting.js';
import { parseValue } from './parse-value.js';

/** Changes content in its file where it has one, else in the repository; saves. */
export type ChangeContent = (session: Session, changes: readonly ContentChange[]) => Promise<readonly WrittenChange[]>;

export interface ChangedSetting {
  /** `dam/download/maxAssets` */
  readonly setting: string;
  readonly layer: string;
  /** Path of the node. */
  readonly path: string;
  /** What the layer says now; `undefined` where it says nothing any more. */
  readonly value: unknown;
  /** Where that is written; `undefined` where there was nothing to change. */
  readonly written: WrittenChange | undefined;
}

/**
 * The layer of a setting that a command changes.
 * @param name of a tenant, `aurora` or `emea/aurora`; `global` is the layer of everybody
 * @throws SatchelError UNKNOWN_TENANT
 */
export async function tenantLayer(session: Session, name: string): Promise<string> {
  const root = joinPath(configurationRoot, name);
  if (root === globalTenant.root || (await session.findNode(root))) return root;
  throw new SatchelError('UNKNOWN_TENANT', `There is no tenant "${name}": ${root} does not exist.`, {
    details: { tenant: name },
  });
}

/**
 * @param layer `/apps`, `/conf/global` or the root of a tenant
 * @param texts as typed; several for a setting that is a list
 * @throws SatchelError INVALID_REQUEST for a value or layer that the setting cannot have; and as the change of content does
 */
export async function setSetting(
  session: Session,
  change: ChangeContent,
  { definition, layer, texts }: { definition: SettingDefinition; layer: string; texts: readonly string[] },
): Promise<ChangedSetting> {
  const setting = settingName(definition);
  const parsed = parseValue(definition, texts);
  const problem = parsed.ok ? placeProblem(definition, layer) : parsed.problem;
  if (!parsed.ok || problem !== undefined) {
    throw new SatchelError('INVALID_REQUEST', `${setting} ${problem ?? ''}.`, { details: { setting, layer } });
  }
  const path = nodePath(definition, layer);
  const [written] = await change(session, [{ path, set: { [definition.name]: toProperty(definition, parsed.value) } }]);
  return { setting, layer, path, value: parsed.value, written };
}

/** Takes the layer's own value out, so that the layers below count again. @throws as `setSetting` */
export async function resetSetting(
  session: Session,
  change: ChangeContent,
  { definition, layer }: { definition: SettingDefinition; layer: string },
): Promise<ChangedSetting> {
  const path = nodePath(definition, layer);
  const node = await session.findNode(path);
  const about = { setting: settingName(definition), layer, path, value: undefined };
  if (node?.property(definition.name) === undefined) return { ...about, written: undefined };
  const [written] = await change(session, [{ path, set: { [definition.name]: null } }]);
  return { ...about, written };
}

function nodePath({ path }: SettingDefinition, layer: string): string {
  return joinPath(layer, `settings/${path}`);
}

function toProperty({ type }: SettingDefinition, value: unknown): PropertyInput {
  if (type === 'String[]') return { type: 'String', multiple: true, values: value as readonly string[] };
  return { type, multiple: false, values: [value as string | number | boolean] };
}
