/** From what a person types to a setting. Pure. */
import { nameProblem } from '../../repository/path.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { nearestName } from '../../workflows/contract/nearest-name.js';
import { settingsAt } from './check-settings.js';
import { settingName } from './define-setting.js';
import type { SettingDefinition } from './define-setting.js';
import { settingDefinitions } from './definitions.js';

/**
 * @param typed `dam/download/maxAssets`, `settings/dam/download/maxAssets`, `dam/imagepresets/banner/width`, or the last name
 * alone where only one setting has it
 * @throws SatchelError INVALID_REQUEST for what is none, with what was probably meant
 */
export function findSetting(typed: string): SettingDefinition {
  const name = typed.replace(/^\/?(?:settings\/)?/u, '');
  const slash = name.lastIndexOf('/');
  if (slash >= 0) {
    const [path, property] = [name.slice(0, slash), name.slice(slash + 1)];
    const definition = settingsAt(path).find((candidate) => candidate.name === property);
    const child = path.slice(path.lastIndexOf('/') + 1);
    if (definition && nameProblem(child) === undefined && child !== '*') return { ...definition, path };
  }
  const named = settingDefinitions.filter((definition) => definition.name === name && !definition.path.endsWith('*'));
  const [only, ...others] = named;
  if (only && others.length === 0) return only;
  throw unknownSetting(typed, name, named);
}

function unknownSetting(typed: string, name: string, several: readonly SettingDefinition[]): SatchelError {
  const known = settingDefinitions.map(settingName);
  const near = nearestName(name, known) ?? nearestByLastName(name);
  const hint =
    several.length > 0
      ? `Several have that name: ${several.map(settingName).join(', ')}.`
      : near === undefined
        ? '"satchel settings list" shows all.'
        : `Did you mean "${near}"?`;
  return new SatchelError('INVALID_REQUEST', `There is no setting "${typed}". ${hint}`, {
    details: { setting: typed, ...(near !== undefined && { near }) },
  });
}

function nearestByLastName(name: string): string | undefined {
  const last = name.slice(name.lastIndexOf('/') + 1);
  const near = nearestName(
    last,
    settingDefinitions.map((definition) => definition.name),
  );
  const [definition] = settingDefinitions.filter((candidate) => candidate.name === near);
  return definition && settingName(definition);
}
