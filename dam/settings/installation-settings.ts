/** The settings of the whole installation, at hand without a session, and followed: a change is in force a moment later. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Repository } from '../../repository/api.js';
import { globalTenant } from '../../repository/overlay/layers.js';
import { settingName } from './define-setting.js';
import type { SettingDefinition } from './define-setting.js';
import { settingDefinitions } from './definitions.js';
import type { Settings } from './settings.js';

export interface InstallationSettings {
  /** The last good value: a wrong one changes nothing. @throws TypeError for a setting that tenants have */
  value<Value>(definition: SettingDefinition<Value>): Value;
  /** Stops following; resolves when nothing is read any more. */
  close(): Promise<void>;
}

export interface InstallationSettingsOptions {
  readonly repository: Repository;
  readonly settings: Settings;
  /** A value that cannot be read, as soon as it is noticed and once. */
  readonly onProblem: (error: unknown, name: string) => void;
}

/** An import commits thousands of times: following it must cost next to nothing. */
const pauseMilliseconds = 100;

const definitions = settingDefinitions.filter(({ scope }) => scope === 'installation');

export async function followInstallationSettings(options: InstallationSettingsOptions): Promise<InstallationSettings> {
  const { repository, settings, onProblem } = options;
  const values = new Map<string, unknown>(
    definitions.map((definition) => [settingName(definition), definition.default]),
  );
  const reported = new Map<string, string>();
  let reading: Promise<void> | undefined;
  let isStale = false;
  const closing = new AbortController();

  async function readAll(): Promise<void> {
    await repository.withSession({ service: 'workflow' }, async (session) => {
      for (const definition of definitions) {
        const name = settingName(definition);
        try {
          values.set(name, (await settings.read(session, globalTenant, definition)).value);
          reported.delete(name);
        } catch (error) {
          const message = String(error);
          if (reported.get(name) !== message) onProblem(error, name);
          reported.set(name, message);
        }
      }
    });
  }

  // Asked anew after every wait.
  const isClosing = () => closing.signal.aborted;

  /** A burst of commits costs a reading, a pause, and one more reading. */
  function follow(): void {
    isStale = true;
    reading ??= (async () => {
      while (isStale && !isClosing()) {
        isStale = false;
        await readAll().catch((error: unknown) => {
          if (!isClosing()) onProblem(error, 'settings');
        });
        await delay(pauseMilliseconds, undefined, { ref: false, signal: closing.signal }).catch(() => undefined);
      }
      reading = undefined;
    })();
  }

  const stop = repository.onCommit(follow);
  await readAll();
  return {
    value<Value>(definition: SettingDefinition<Value>): Value {
      const name = settingName(definition);
      if (!values.has(name)) throw new TypeError(`The setting ${name} is the tenants’: read it for one.`);
      return values.get(name) as Value;
    },
    async close() {
      closing.abort();
      stop();
      await reading;
    },
  };
}
