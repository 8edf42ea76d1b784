import { z } from 'zod';
import { settingName } from '../../dam/settings/define-setting.js';
import { settingDefinitions } from '../../dam/settings/definitions.js';
import { readLayerSettings } from '../../dam/settings/layer-settings.js';
import { globalTenant } from '../../repository/overlay/layers.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';
import { showSetting } from '../setting-value.js';

export const settingsListCommand = defineCommand({
  name: 'settings list',
  summary: 'lists every setting with its unit, default and use, and names that are none',
  args: z.object({}),
  run: async (context) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const { unknown } = await readLayerSettings(session, context.satchel.overlay, globalTenant);
      const settings = settingDefinitions.map((definition) => {
        const { title, description, type, unit, usedBy, scope = 'tenant' } = definition;
        const value = definition.default ?? null;
        return { setting: settingName(definition), title, description, type, unit, default: value, scope, usedBy };
      });
      await answer(context, { settings, unknown }, [
        ...table([
          ['SETTING', 'DEFAULT', 'USED BY', 'TITLE'],
          ...settingDefinitions.map((definition) => [
            settingName(definition),
            showSetting(definition, definition.default),
            definition.usedBy.join(', ') || 'nothing yet',
            definition.title,
          ]),
        ]),
        ...unknown.map(({ source, property, problem }) => safeText(`${source}: "${property}" ${problem}`)),
      ]);
      return 0;
    }),
});
