import { z } from 'zod';
import { findSetting } from '../../dam/settings/find-setting.js';
import { describeTenant, type TenantDetails } from '../../dam/tenants/list-tenants.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';
import { showSetting } from '../setting-value.js';

export const tenantShowCommand = defineCommand({
  name: 'tenant show',
  summary: 'shows a tenant: groups, content and the settings it overrides',
  declare: (command) => void command.argument('<name>', 'as "aurora" or "emea/aurora"'),
  args: z.object({ name: z.string() }),
  run: async (context, { name }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const { overlay } = context.satchel;
      const details = await describeTenant(session, context.satchel, await overlay.tenant(session, name));
      await answer(context, details, lines(details).map(safeText));
      return 0;
    }),
});

function lines(details: TenantDetails): string[] {
  const { name, root, title, locale, group, adminGroup, contentRoots, moreContentRoots, overrides, unknown } = details;
  const facts = [
    ['title', title ?? '–'],
    ['root', root],
    ['locale', locale ?? '–'],
    ['group', group ?? '–'],
    ['admin group', adminGroup ?? '–'],
  ];
  const shown = overrides.map(({ setting, value, problem }) => [
    `  ${setting}`,
    problem === undefined ? showSetting(findSetting(setting), value) : problem,
  ]);
  return [
    name,
    ...table(facts),
    contentRoots.length === 0 ? 'content: none' : 'content:',
    ...contentRoots.map((path) => `  ${path}`),
    ...(moreContentRoots ? ['  and more'] : []),
    overrides.length === 0 ? 'overrides: none' : 'overrides:',
    ...table(shown),
    ...unknown.map(({ source, property, problem }) => `${source}: "${property}" ${problem}`),
  ];
}
