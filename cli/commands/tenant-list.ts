import { z } from 'zod';
import { findTenants, summariseTenant, type TenantSummary } from '../../dam/tenants/list-tenants.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

export const tenantListCommand = defineCommand({
  name: 'tenant list',
  summary: 'lists the tenants with title, language and group',
  args: z.object({}),
  run: async (context) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const tenants: TenantSummary[] = [];
      for await (const tenant of findTenants(session)) {
        tenants.push(await summariseTenant(session, context.satchel.settings, tenant));
      }
      const rows = tenants.map(({ name, title, locale, group }) => [name, locale ?? '–', group ?? '–', title ?? '']);
      await answer(
        context,
        { tenants },
        table([['TENANT', 'LOCALE', 'GROUP', 'TITLE'], ...rows.map((row) => row.map(safeText))]),
      );
      return 0;
    }),
});
