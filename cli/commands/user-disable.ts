import { z } from 'zod';
import { setDisabled } from '../../repository/users.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

export const userDisableCommand = defineCommand({
  name: 'user disable',
  summary: 'keeps a user from logging in',
  declare: (command) => void command.argument('<id>', 'whom').option('--reason <text>', 'kept with the user'),
  args: z.object({ id: z.string(), reason: z.string().min(1).default('disabled') }),
  run: async (context, { id, reason }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      await setDisabled(session, id, reason);
      await session.save();
      await answer(context, { id, disabled: true, reason }, [`disabled ${safeText(id)}`]);
      return 0;
    }),
});
