import { z } from 'zod';
import { defineProcessCommand, wholeNumber } from '../command.js';
import { runResident } from '../run-resident.js';

export const devCommand = defineProcessCommand({
  name: 'dev',
  summary: 'as start; steps and content are loaded again when their files change',
  declare: (command) => void command.option('--port <port>', 'port of the web pages; 0: a free one'),
  args: z.object({ port: wholeNumber(0, 65_535).optional() }),
  run: async (context, { port }) => runResident(context, 'dev', port),
});
