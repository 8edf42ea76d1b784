import { z } from 'zod';
import { addMember, getGroup, removeMember } from '../../repository/users.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

export const groupMembersCommand = defineCommand({
  name: 'group members',
  summary: 'lists the members of a group, and changes them',
  declare: (command) =>
    void command
      .argument('<id>', 'name of the group')
      .option('--add <member...>', 'users and groups to add')
      .option('--remove <member...>', 'users and groups to take out'),
  args: z.object({
    id: z.string(),
    add: z.array(z.string()).default([]),
    remove: z.array(z.string()).default([]),
  }),
  run: async (context, { id, add, remove }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      for (const member of add) await addMember(session, id, member);
      for (const member of remove) await removeMember(session, id, member);
      await session.save();
      const { members } = await getGroup(session, id);
      await answer(context, { id, members }, members.map(safeText));
      return 0;
    }),
});
