import { z } from 'zod';
import type { WorkItem } from '../../engine/api.js';
import { defineCommand } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

export const inboxShowCommand = defineCommand({
  name: 'inbox show',
  summary: 'shows a work item',
  declare: (command) => void command.argument('<item>', 'id of the work item'),
  args: z.object({ item: z.string() }),
  run: async (context, { item: id }) => {
    const item = await context.satchel.engine.workItem(context.user, id);
    await answer(context, item, lines(item));
    return 0;
  },
});

function lines(item: WorkItem): string[] {
  const facts: [string, string | undefined][] = [
    ['given to', item.assignee],
    ['first to', item.assignedFirst === item.assignee ? undefined : item.assignedFirst],
    ['due', item.due],
    ['payload', item.payload],
    ['tenant', item.tenant],
    ['started by', item.initiator],
    ['workflow', `${item.job}  ${item.model}  ${item.step}`],
    ['opened', item.created],
    [
      'ended',
      item.ended === undefined ? undefined : `${item.ended}${item.endedBy === undefined ? '' : ` by ${item.endedBy}`}`,
    ],
  ];
  return [
    safeText(`${item.state}  ${item.title}  ${item.id}`),
    ...(item.description === '' ? [] : [safeText(`  ${item.description}`)]),
    ...table(facts.flatMap(([name, value]) => (value === undefined ? [] : [[`  ${name}`, safeText(value)]]))),
  ];
}
