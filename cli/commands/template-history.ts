import { z } from 'zod';
import { listVersions } from '../../activities/mail/authoring/versions.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';
import { declareTemplate, templateArguments } from '../template-arguments.js';

export const templateHistoryCommand = defineCommand({
  name: 'template history',
  summary: 'lists what was published of an e-mail template, newest first',
  declare: (command) => void declareTemplate(command),
  args: z.object(templateArguments),
  run: async (context, { name, tenant: tenantName }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const tenant = await context.satchel.overlay.tenant(session, tenantName);
      const versions = await listVersions(session, tenant, name);
      const rows = versions.map(({ number, created, author, restored, comment, parts }) => [
        String(number),
        created,
        author,
        parts.join(', '),
        restored === undefined ? comment : `${comment} (state of ${restored})`,
      ]);
      await answer(
        context,
        { template: name, tenant: tenant.name, versions },
        rows.length === 0 ? ['nothing was published yet'] : table(rows.map((row) => row.map(safeText))),
      );
      return 0;
    }),
});
