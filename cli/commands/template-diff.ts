import { z } from 'zod';
import { compareTemplate } from '../../activities/mail/authoring/compare-template.js';
import { defineCommand } from '../command.js';
import { answer } from '../output/report.js';
import { createStyler, safeText } from '../output/text.js';
import { declareTemplate, templateArguments, withTemplate } from '../template-arguments.js';

export const templateDiffCommand = defineCommand({
  name: 'template diff',
  summary: 'shows what the draft changes of what is published, and what is published over the layers below',
  declare: (command) => void declareTemplate(command),
  args: z.object(templateArguments),
  run: async (context, args) =>
    withTemplate(context, args, async ({ session, tenant, template }) => {
      const differences = await compareTemplate(session, context.satchel.overlay, { tenant, template });
      const style = createStyler(context.terminal.stdout.color);
      const paint = (line: string) => {
        const text = safeText(line);
        return line.startsWith('-') ? style.red(text) : line.startsWith('+') ? style.green(text) : text;
      };
      await answer(
        context,
        { template, tenant: tenant.name, differences },
        differences.length === 0
          ? [safeText(`${tenant.name} has nothing of its own in ${template}, and no draft of it`)]
          : differences.flatMap(({ part, of, from, lines }) => [
              style.bold(
                safeText(`${part}: ${of === 'draft' ? 'draft, over what is published' : `published, over ${from}`}`),
              ),
              ...lines.map(paint),
            ]),
      );
      return 0;
    }),
});
