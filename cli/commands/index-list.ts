import { z } from 'zod';
import { indexRoot } from '../../repository/query/index-definition.js';
import { originOfIndex } from '../../repository/query/shipped-indexes.js';
import { defineCommand } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

export const indexListCommand = defineCommand({
  name: 'index list',
  summary: 'lists the indexes below /oak:index and how far they are built',
  args: z.object({}),
  run: async (context) => {
    const { repository } = context.satchel;
    const origins = await repository.withSession(context.user, async (session) => {
      const found = new Map<string, string>();
      for await (const node of session.children(indexRoot)) found.set(node.name, originOfIndex(node));
      return found;
    });
    const indexes = (await repository.indexer.list()).map((index) => ({ ...index, origin: origins.get(index.name) }));
    const rows = indexes.map(({ name, phase, type = '', nodes = 0, propertyNames = [], problem, origin }) => [
      origin === 'changed' ? `${name} (changed here)` : name,
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
