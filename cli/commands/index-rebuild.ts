import { z } from 'zod';
import { adminUser, groups } from '../../repository/api.js';
import { isMember } from '../../repository/users.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { defineCommand } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

export const indexRebuildCommand = defineCommand({
  name: 'index rebuild',
  summary: 'builds an index from scratch; queries do without it meanwhile',
  declare: (command) => void command.argument('<name>', 'as "index list" shows it'),
  args: z.object({ name: z.string() }),
  run: async (context, { name }) => {
    const { repository } = context.satchel;
    await repository.withSession(context.user, async (session) => {
      if (context.user === adminUser || (await isMember(session, context.user, groups.administrators))) return;
      throw new SatchelError('NOT_ALLOWED', `Only administrators rebuild indexes; ${context.user} is none.`);
    });
    await repository.indexer.rebuild(name);
    await repository.indexer.catchUp();
    await answer(context, { name, phase: 'ready' }, [`the index ${safeText(name)} is built`]);
    return 0;
  },
});
