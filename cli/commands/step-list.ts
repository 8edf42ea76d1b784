import { z } from 'zod';
import { majorOf } from '../../activities/registry.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';
import { stepDocument } from '../step-document.js';

export const stepListCommand = defineCommand({
  name: 'step list',
  summary: 'lists the steps that models may name, built in and of plugins',
  args: z.object({}),
  run: async (context): Promise<ExitCode> => {
    const steps = context.satchel.registry.list();
    const rows = steps.map(({ step, file }) => [`${step.id}@${majorOf(step)}`, step.title, file]);
    await answer(context, { steps: steps.map(stepDocument) }, table(rows.map((row) => row.map(safeText))));
    return 0;
  },
});
