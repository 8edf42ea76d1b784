import { z } from 'zod';
import { setPasswordHash } from '../../repository/users.js';
import { hashPassword } from '../../server/passwords.js';
import { defineCommand, type ExitCode } from '../command.js';
import { askNewPassword } from '../new-password.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

export const userPasswordCommand = defineCommand({
  name: 'user password',
  summary: 'gives a user a new password',
  declare: (command) =>
    void command.argument(
      '<id>',
      'whose; the password is asked for, or read from the first line of input without a terminal',
    ),
  args: z.object({ id: z.string() }),
  run: async (context, { id }) => {
    const passwordHash = await hashPassword(await askNewPassword(context.terminal));
    return context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      await setPasswordHash(session, id, passwordHash);
      await session.save();
      await answer(context, { id, password: true }, [
        `${safeText(id)} has a new password and is logged out everywhere`,
      ]);
      return 0;
    });
  },
});
