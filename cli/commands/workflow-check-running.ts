import { z } from 'zod';
import type { RunningCheck } from '../../engine/api.js';
import { defineCommand } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

const verdicts: Readonly<Record<RunningCheck['verdict'], string>> = {
  same: 'is not affected: it runs the model of today',
  behind: 'is not affected: what differs lies behind it',
  ahead: 'is affected: it goes on with the older model',
  'model gone': 'is affected: the model does not resolve any more',
};

export const workflowCheckRunningCommand = defineCommand({
  name: 'workflow check-running',
  summary: 'says for every running workflow of a model whether a change of the model concerns it',
  declare: (command) =>
    void command.argument('<model>', 'id of the model').option('--tenant <name>', 'only those of this tenant'),
  args: z.object({ model: z.string(), tenant: z.string().optional() }),
  run: async (context, { model, tenant }) => {
    const { satchel, user } = context;
    const query = { model, ...(tenant !== undefined && { tenant }) };
    // Where each is, only Temporal knows; without it they are taken to be at their beginning.
    const checks = await satchel.engine.checkRunning(user, query);
    await answer(context, { checks }, checks.length === 0 ? [`no workflow of ${model} runs`] : checks.flatMap(lines));
    return 0;
  },
});

function lines({ id, tenant, verdict, differences, problem }: RunningCheck): string[] {
  return [
    safeText(`${id}  ${tenant}  ${verdicts[verdict]}`),
    ...(problem === undefined ? [] : [safeText(`  ${problem}`)]),
    ...table(
      differences.map(({ node, title, change, place }) => [
        `  ${safeText(node)}`,
        safeText(title),
        change,
        `${place} it`,
      ]),
    ),
  ];
}
