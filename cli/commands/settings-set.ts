import { z } from 'zod';
import { setSetting } from '../../dam/settings/change-setting.js';
import { findSetting } from '../../dam/settings/find-setting.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answerChange, chosenLayer, declareLayer, layerArguments, oneLayer } from '../setting-layer.js';

export const settingsSetCommand = defineCommand({
  name: 'settings set',
  summary: 'sets a setting for a tenant or for everybody',
  declare: (command) => {
    command
      .argument('<name>', 'as "dam/download/maxAssets", or "maxAssets" where only one has that name')
      .argument('<values...>', 'its value; several for a list');
    declareLayer(command);
  },
  args: z
    .object({ name: z.string(), values: z.array(z.string()).min(1), ...layerArguments })
    .refine(oneLayer.check, oneLayer.problem),
  run: async (context, args) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const definition = findSetting(args.name);
      const layer = await chosenLayer(session, args);
      const { change } = context.satchel.content;
      const changed = await setSetting(session, change, { definition, layer, texts: args.values });
      await answerChange(context, session, definition, changed, args);
      return 0;
    }),
});
