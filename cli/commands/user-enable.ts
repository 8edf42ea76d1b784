import { z } from 'zod';
import { setDisabled } from '../../repository/users.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

export const userEnableCommand = defineCommand({
  name: 'user enable',
  summary: 'lets a disabled user log in again',
  declare: (command) => void command.argument('<id>', 'whom'),
  args: z.object({ id: z.string() }),
  run: async (context, { id }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      await setDisabled(session, id, undefined);
      await session.save();
      await answer(context, { id, disabled: false }, [`enabled ${safeText(id)}`]);
      return 0;
    }),
});
