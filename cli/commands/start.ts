import { z } from 'zod';
import { defineProcessCommand, wholeNumber } from '../command.js';
import { runResident } from '../run-resident.js';

export const startCommand = defineProcessCommand({
  name: 'start',
  summary: 'runs Satchel: workflows, mailbox and the web pages',
  declare: (command) => void command.option('--port <port>', 'port of the web pages; 0: a free one'),
  args: z.object({ port: wholeNumber(0, 65_535).optional() }),
  run: async (context, { port }) => runResident(context, 'start', port),
});
