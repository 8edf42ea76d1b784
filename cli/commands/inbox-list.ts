import { z } from 'zod';
import { defineCommand, wholeNumber } from '../command.js';
import { answer, remark } from '../output/report.js';
import { safeText, table } from '../output/text.js';

export const inboxListCommand = defineCommand({
  name: 'inbox list',
  summary: 'lists work items of the user and the user’s groups, the newest first',
  declare: (command) =>
    void command
      .option('--ended', 'those that were done, instead of those that wait')
      .option('--all', 'those of everybody; for administrators')
      .option('--limit <count>', 'how many at most; default: 50')
      .option('--after <id>', 'goes on after this one, the last of the page before'),
  args: z.object({
    ended: z.boolean().default(false),
    all: z.boolean().default(false),
    limit: wholeNumber(1, 1000).default(50),
    after: z.string().optional(),
  }),
  run: async (context, { ended, all, limit, after }) => {
    const query = { state: ended ? 'ended' : 'open', all, limit, ...(after !== undefined && { after }) } as const;
    const page = await context.satchel.engine.inbox(context.user, query);
    const rows = page.items.map((item) =>
      [
        item.id,
        item.state,
        item.assignee,
        item.due === undefined ? '' : `due ${item.due}`,
        item.title,
        item.payload,
      ].map(safeText),
    );
    await answer(context, page, rows.length === 0 ? ['no work items'] : table(rows));
    if (page.next !== undefined && !context.json) await remark(context, `more: --after ${page.next}`);
    return 0;
  },
});
