/** The options with which a command says which layer of settings it changes. */
import type { Command } from 'commander';
import { z } from 'zod';
import { tenantLayer, type ChangedSetting } from '../dam/settings/change-setting.js';
import type { SettingDefinition } from '../dam/settings/define-setting.js';
import { settingName } from '../dam/settings/define-setting.js';
import type { Session } from '../repository/api.js';
import { globalTenant } from '../repository/overlay/layers.js';
import type { CommandContext } from './command.js';
import { answer } from './output/report.js';
import { safeText } from './output/text.js';
import { showSetting } from './setting-value.js';

const layers = ['/apps', '/conf/global'] as const;

export const layerArguments = {
  tenant: z.string().optional(),
  layer: z.enum(layers, `must be ${layers.join(' or ')}`).optional(),
};

export function declareLayer(command: Command): void {
  command
    .option('--tenant <name>', 'for this tenant')
    .option('--layer <layer>', `for everybody: ${layers.join(' or ')}`);
}

interface LayerChoice {
  readonly tenant?: string | undefined;
  readonly layer?: string | undefined;
}

/** For `refine`: exactly one of both. */
export const oneLayer = {
  check: ({ tenant, layer }: LayerChoice): boolean => (tenant === undefined) !== (layer === undefined),
  problem: { path: ['tenant'], message: `name one: --tenant NAME, or --layer ${layers.join(' or ')}` },
};

export async function chosenLayer(session: Session, { tenant, layer }: LayerChoice): Promise<string> {
  return tenant === undefined ? (layer ?? globalTenant.root) : tenantLayer(session, tenant);
}

/** Says what was changed where, and what is in force for that layer's tenant. */
export async function answerChange(
  context: CommandContext,
  session: Session,
  definition: SettingDefinition,
  changed: ChangedSetting,
  { tenant }: LayerChoice,
): Promise<void> {
  const { overlay, settings } = context.satchel;
  const owner = tenant === undefined ? globalTenant : await overlay.tenant(session, tenant);
  const inForce = await settings.read(session, owner, definition);
  const { setting, layer, value, written } = changed;
  const where = written?.to === 'file' ? `the file ${written.file}` : changed.path;
  const what =
    value === undefined
      ? `took ${setting} out of ${layer}`
      : `set ${setting} in ${layer} to ${showSetting(definition, value)}`;
  await answer(context, { ...changed, written: written ?? null, inForce }, [
    written ? safeText(`${what}: ${where}`) : safeText(`${layer} says nothing about ${setting}`),
    safeText(`in force for ${owner.name}: ${showSetting(definition, inForce.value)} from ${inForce.layer}`),
  ]);
  if (value !== undefined && inForce.layer !== layer) {
    const reason = `${inForce.layer} has ${settingName(definition)} too and wins`;
    await context.terminal.stderr.write(`${safeText(reason)}\n`);
  }
}
