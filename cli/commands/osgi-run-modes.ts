import { z } from 'zod';
import { defineCommand } from '../command.js';
import { answer } from '../output/report.js';

export const osgiRunModesCommand = defineCommand({
  name: 'osgi run-modes',
  summary: 'says which run modes are active, and where they come from',
  args: z.object({}),
  run: async (context) => {
    const { names, from } = context.satchel.runModes;
    await answer(context, { runModes: names, from }, [`${names.join(', ')} (${from})`]);
    return 0;
  },
});
