import { z } from 'zod';
import type { JobQuery, JobSummary } from '../../engine/api.js';
import { defineCommand, wholeNumber } from '../command.js';
import { answer, remark } from '../output/report.js';
import { safeText, table } from '../output/text.js';

const states = ['queued', 'running', 'paused', 'completed', 'partial', 'failed', 'cancelled'] as const;

export const workflowListCommand = defineCommand({
  name: 'workflow list',
  summary: 'lists workflows, the newest first',
  declare: (command) =>
    void command
      .option('--state <state>', states.join(', '))
      .option('--model <id>', 'only those of this model')
      .option('--mine', 'only those that the user started')
      .option('--limit <count>', 'how many at most; default: 50')
      .option('--after <id>', 'goes on after this one, the last of the page before'),
  args: z.object({
    state: z.enum(states, `must be one of ${states.join(', ')}`).optional(),
    model: z.string().optional(),
    mine: z.boolean().default(false),
    limit: wholeNumber(1, 1000).default(50),
    after: z.string().optional(),
  }),
  run: async (context, { state, model, mine, limit, after }) => {
    const query: JobQuery = {
      mine,
      limit,
      ...(state && { state }),
      ...(model !== undefined && { model }),
      ...(after !== undefined && { after }),
    };
    const page = await context.satchel.engine.listJobs(context.user, query);
    const lines = page.jobs.length === 0 ? ['no workflows'] : table(page.jobs.map(cells));
    await answer(context, page, lines);
    if (page.next !== undefined && !context.json) await remark(context, `more: --after ${page.next}`);
    return 0;
  },
});

function cells({ id, state, paused, model, tenant, initiator, created, title }: JobSummary): string[] {
  return [id, paused ? 'paused' : state, model, tenant, initiator, created, title].map(safeText);
}
