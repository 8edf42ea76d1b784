import { z } from 'zod';
import { defineCommand } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

export const indexListCommand = defineCommand({
  name: 'index list',
  summary: 'lists the indexes below /oak:index and how far they are built',
  args: z.object({}),
  run: async (context) => {
    const indexes = await context.satchel.repository.indexer.list();
    const rows = indexes.map(({ name, phase, type = '', nodes = 0, propertyNames = [], problem }) => [
      name,
      phase === 'building' ? `building, ${nodes} nodes so far` : phase,
      type,
      problem ?? propertyNames.join(', '),
    ]);
    await answer(
      context,
      { indexes },
      rows.length === 0 ? ['no indexes'] : table(rows.map((row) => row.map(safeText))),
    );
    return 0;
  },
});
