import { z } from 'zod';
import { cursorStatuses } from '../../repository/maintenance/retain-journal.js';
import { defineStoresCommand, wholeNumber, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

export const repositoryCursorsCommand = defineStoresCommand({
  name: 'repository cursors',
  summary: 'lists who follows the journal and how far behind they are',
  declare: (command) =>
    void command
      .option('--limit <days>', 'behind for longer is late; default: 30')
      .option('--remove <name>', 'removes a cursor: who follows under this name starts anew'),
  args: z.object({ limit: wholeNumber(0, 3650).default(30), remove: z.string().min(1).optional() }),
  run: async (context, { limit, remove }): Promise<ExitCode> => {
    const { nodes } = context.stores;
    if (remove !== undefined) await nodes.removeCursor(remove);
    const [head, start] = [await nodes.head(), await nodes.journalStart()];
    const cursors = await cursorStatuses(nodes, { limitDays: limit });
    const rows = cursors.map(({ name, position, behind, behindSince, state }) => [
      `  ${safeText(name)}`,
      String(position),
      state,
      behind === 0 ? '' : `${behind} behind${behindSince === undefined ? '' : `, since ${behindSince}`}`,
    ]);
    await answer(context, { head, journalStart: start, cursors }, [
      `journal: commits ${start + 1} to ${head}; ${cursors.length} cursors`,
      ...table(rows),
    ]);
    return 0;
  },
});
