import { z } from 'zod';
import { addMember, createGroup } from '../../repository/users.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

export const groupAddCommand = defineCommand({
  name: 'group add',
  summary: 'adds a group',
  declare: (command) =>
    void command.argument('<id>', 'name of the group').argument('[members...]', 'users and groups in it'),
  args: z.object({ id: z.string(), members: z.array(z.string()) }),
  run: async (context, { id, members }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      await createGroup(session, id);
      for (const member of members) await addMember(session, id, member);
      await session.save();
      await answer(context, { id, members }, [`added the group ${safeText(id)}`]);
      return 0;
    }),
});
