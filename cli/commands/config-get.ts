import { z } from 'zod';
import { defineCommand } from '../command.js';
import { showConfiguration } from '../show-configuration.js';

export const configGetCommand = defineCommand({
  name: 'config get',
  summary: 'shows the context-aware configuration (sling:configs) of content, and where each value is from',
  declare: (command) =>
    void command
      .argument('<name>', 'of the configuration: com.example.Mail, list/item')
      .requiredOption('--path <content-path>', 'the content it is for'),
  args: z.object({ name: z.string(), path: z.string() }),
  run: async (context, { name, path }) => showConfiguration(context, name, path),
});
