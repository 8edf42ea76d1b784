/** Overrides of context-aware configurations from the environment, for what differs from machine to machine. */
import { RepositoryError } from '../repository/errors.js';
import { parseOverrideString, type ConfigurationOverride } from '../repository/overlay/override-string.js';
import { SatchelError } from '../workflows/contract/errors.js';

const variable = /^SATCHEL_CONFIG_OVERRIDE(_\w+)?$/;

/**
 * One override a line in `SATCHEL_CONFIG_OVERRIDE` and in every variable that starts with `SATCHEL_CONFIG_OVERRIDE_`, in the
 * order of their names; later ones win.
 * @throws SatchelError INVALID_CONFIGURATION naming the variable and what is wrong
 */
export function readConfigurationOverrides(env: NodeJS.ProcessEnv): ConfigurationOverride[] {
  const names = Object.keys(env).filter((name) => variable.test(name));
  return names.sort().flatMap((name) => {
    const lines = (env[name] ?? '').split('\n').filter((line) => line.trim() !== '');
    try {
      return lines.map((line) => parseOverrideString(line.trim()));
    } catch (error) {
      if (!(error instanceof RepositoryError)) throw error;
      throw new SatchelError('INVALID_CONFIGURATION', `${name}: ${error.message}`, { cause: error });
    }
  });
}
