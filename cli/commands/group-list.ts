import { z } from 'zod';
import { listGroups } from '../../repository/users.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

export const groupListCommand = defineCommand({
  name: 'group list',
  summary: 'lists groups and how many members each has',
  args: z.object({}),
  run: async (context) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const groups = [];
      for await (const { id, members } of listGroups(session)) groups.push({ id, members: members.length });
      const rows = groups.map(({ id, members }) => [safeText(id), String(members)]);
      await answer(context, { groups }, table(rows));
      return 0;
    }),
});
