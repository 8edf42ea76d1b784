import { z } from 'zod';
import { groupsOfUsers, listUsers } from '../../repository/users.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

export const userListCommand = defineCommand({
  name: 'user list',
  summary: 'lists users',
  args: z.object({}),
  run: async (context) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const users = [];
      const groupsOf = await groupsOfUsers(session);
      for await (const { id, email, language, timeZone, displayName, disabled } of listUsers(session)) {
        users.push({ id, email, language, timeZone, displayName, disabled, groups: groupsOf(id) });
      }
      const rows = users.map(({ id, email, language, displayName, disabled, groups }) => [
        id,
        displayName ?? '',
        email ?? '',
        language ?? '',
        groups.join(', ') + (disabled ? ' (disabled)' : ''),
      ]);
      await answer(context, { users }, table(rows.map((row) => row.map(safeText))));
      return 0;
    }),
});
