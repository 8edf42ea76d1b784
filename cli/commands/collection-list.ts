import { z } from 'zod';
import { readMembers } from '../../dam/members.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

export const collectionListCommand = defineCommand({
  name: 'collection list',
  summary: 'lists the members of a collection that may be read, in order',
  declare: (command) => void command.argument('<collection>', 'its path'),
  args: z.object({ collection: z.string() }),
  run: async (context, { collection }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const { path } = await session.getNode(collection);
      const members: string[] = [];
      for await (const member of readMembers(session, path)) if (member.path !== undefined) members.push(member.path);
      await answer(context, { path, members }, members.map(safeText));
      return 0;
    }),
});
