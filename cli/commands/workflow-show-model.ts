import { z } from 'zod';
import { examineModel } from '../../engine/model-loader.js';
import { defineCommand, type ExitCode } from '../command.js';
import { modelLines, problemLines } from '../output/model-lines.js';
import { answer } from '../output/report.js';
import { createStyler, safeText } from '../output/text.js';

export const workflowShowModelCommand = defineCommand({
  name: 'workflow show-model',
  summary: 'shows the nodes of a workflow model as a tree, with the layer that placed each',
  declare: (command) =>
    void command
      .argument('<model>', 'the model, as "dam/download-asset"')
      .option('--tenant <name>', 'for this tenant; default: global'),
  args: z.object({ model: z.string(), tenant: z.string().default('global') }),
  run: async (context, { model: id, tenant: tenantName }) => {
    const { repository, overlay, settings, registry } = context.satchel;
    return repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const tenant = await overlay.tenant(session, tenantName);
      const { model, path, found, problems, warnings } = await examineModel(
        { overlay, settings, registry },
        session,
        tenant,
        id,
      );
      const style = createStyler(context.terminal.stdout.color);
      const about = [
        model.layers.join(' ← '),
        ...(model.transient ? ['transient'] : []),
        ...(found.classic ? ['of AEM'] : []),
      ];
      await answer(context, { tenant: tenant.name, path, classic: found.classic, model, problems, warnings }, [
        `${style.bold(safeText(model.id))}  ${safeText(model.title)}`,
        style.dim(safeText(about.join('  '))),
        ...modelLines(model, style),
        ...problemLines(problems, warnings, style),
      ]);
      return problems.length > 0 ? 1 : 0;
    });
  },
});
