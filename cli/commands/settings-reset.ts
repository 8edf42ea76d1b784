import { z } from 'zod';
import { resetSetting } from '../../dam/settings/change-setting.js';
import { findSetting } from '../../dam/settings/find-setting.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answerChange, chosenLayer, declareLayer, layerArguments, oneLayer } from '../setting-layer.js';

export const settingsResetCommand = defineCommand({
  name: 'settings reset',
  summary: 'takes a setting out of a layer, so that those below count again',
  declare: (command) => {
    command.argument('<name>', 'as "dam/download/maxAssets", or "maxAssets" where only one has that name');
    declareLayer(command);
  },
  args: z.object({ name: z.string(), ...layerArguments }).refine(oneLayer.check, oneLayer.problem),
  run: async (context, args) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const definition = findSetting(args.name);
      const layer = await chosenLayer(session, args);
      const { change } = context.satchel.content;
      const changed = await resetSetting(session, change, { definition, layer });
      await answerChange(context, session, definition, changed, args);
      return 0;
    }),
});
