import { z } from 'zod';
import { majorOf } from '../../activities/registry.js';
import { nearestName } from '../../workflows/contract/nearest-name.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';
import { stepDocument } from '../step-document.js';

export const stepShowCommand = defineCommand({
  name: 'step show',
  summary: 'shows a step: what it does, and as JSON Schema what its configuration and result hold',
  declare: (command) => void command.argument('<id>', 'as "dam/render", the newest, or "dam/render@1"'),
  args: z.object({ id: z.string() }),
  run: async (context, { id }): Promise<ExitCode> => {
    const steps = context.satchel.registry.list();
    const found = steps.findLast(({ step }) => step.id === id || `${step.id}@${majorOf(step)}` === id);
    if (!found) {
      const ids = steps.map(({ step }) => step.id);
      const meant = nearestName(id, ids);
      throw new SatchelError(
        'INVALID_REQUEST',
        `No step ${id} is loaded${meant === undefined ? '' : `; did you mean ${meant}`}. See "satchel step list".`,
      );
    }
    const document = stepDocument(found);
    const { step, file } = found;
    await answer(context, document, [
      safeText(`${step.id}@${majorOf(step)}  ${step.title}`),
      safeText(step.description),
      safeText(`from ${file}`),
      'configuration:',
      ...JSON.stringify(document.config, null, 2)
        .split('\n')
        .map((line) => `  ${safeText(line)}`),
      'result:',
      ...JSON.stringify(document.result, null, 2)
        .split('\n')
        .map((line) => `  ${safeText(line)}`),
      ...step.examples.map((example) => safeText(`example: ${example.title}: ${JSON.stringify(example.config)}`)),
    ]);
    return 0;
  },
});
