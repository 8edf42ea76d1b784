import { z } from 'zod';
import { examineModel } from '../../engine/model-loader.js';
import { listClassicModels, listModels } from '../../engine/models/find-model.js';
import { modelSchema } from '../../engine/models/model-schema.js';
import { nodesOf } from '../../workflows/contract/step-records.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer, toJson } from '../output/report.js';
import { safeText, table } from '../output/text.js';

export const workflowModelsCommand = defineCommand({
  name: 'workflow models',
  summary: 'lists the workflow models of a tenant, with the layers that each came from',
  declare: (command) =>
    void command
      .option('--tenant <name>', 'for this tenant; default: global')
      .option('--schema', 'prints what a model may hold instead, as JSON Schema'),
  args: z.object({ tenant: z.string().default('global'), schema: z.boolean().default(false) }),
  run: async (context, { tenant: tenantName, schema }) => {
    const { repository, overlay, settings, registry } = context.satchel;
    if (schema) {
      const document = modelSchema(registry);
      await answer(context, document, toJson(document).split('\n').map(safeText));
      return 0;
    }
    return repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const tenant = await overlay.tenant(session, tenantName);
      const found = await listModels(overlay, session, tenant, await listClassicModels(session));
      const models = [];
      for (const { id, classic } of found) {
        const { model, problems } = await examineModel({ overlay, settings, registry }, session, tenant, id);
        const { title, layers, transient, version } = model;
        const nodes = [...nodesOf(model.steps)].length;
        models.push({ id, title, nodes, layers, transient, classic, version, problems: problems.length });
      }
      const rows = models.map(({ id, title, nodes, layers, transient, classic, problems }) => [
        id,
        title,
        String(nodes),
        layers.join(', '),
        [
          ...(transient ? ['transient'] : []),
          ...(classic ? ['of AEM'] : []),
          ...(problems > 0 ? [`does not run: ${problems} problem${problems === 1 ? '' : 's'}`] : []),
        ].join(', '),
      ]);
      const lines = table([['MODEL', 'TITLE', 'NODES', 'LAYERS', ''], ...rows.map((row) => row.map(safeText))]);
      await answer(
        context,
        { tenant: tenant.name, models },
        rows.length === 0 ? ['no models'] : lines.map((line) => line.trimEnd()),
      );
      return 0;
    });
  },
});
