import { z } from 'zod';
import type { Version } from '../../repository/versions/api.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

export const versionsListCommand = defineCommand({
  name: 'versions list',
  summary: 'lists the versions of a node, newest first',
  declare: (command) => void command.argument('<path>', 'the node'),
  args: z.object({ path: z.string() }),
  run: async (context, { path }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const versions: Version[] = [];
      for await (const version of session.versions.history(path)) versions.push(version);
      const rows = versions.map(({ name, isBase, created, createdBy, labels, comment = '' }) => [
        isBase ? `${name} *` : name,
        created,
        createdBy,
        labels.join(', '),
        comment,
      ]);
      await answer(context, { path, versions }, table(rows.map((row) => row.map(safeText))));
      return 0;
    }),
});
