import { z } from 'zod';
import { createTenant } from '../../dam/tenants/create-tenant.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

export const tenantCreateCommand = defineCommand({
  name: 'tenant create',
  summary: 'makes a tenant with its settings, groups and content, all of it or nothing',
  declare: (command) =>
    void command
      .argument('<name>', 'as "aurora", or "emea/aurora" below another')
      .option('--title <title>', 'how people are shown it')
      .option('--locale <locale>', 'language of its mails, as "de" or "de-CH"')
      .option('--group <group>', 'whose members may download; made when missing')
      .option(
        '--admin-group <group>',
        'whose members may change its configuration, and nothing else; made when missing',
      )
      .option('--content <path...>', 'folders that belong to it')
      .option('--create-folders', 'make folders of --content that are missing'),
  args: z.object({
    name: z.string(),
    title: z.string().optional(),
    locale: z.string().optional(),
    group: z.string().optional(),
    adminGroup: z.string().optional(),
    content: z.array(z.string()).default([]),
    createFolders: z.boolean().default(false),
  }),
  run: async (context, { name, title, locale, group, adminGroup, content, createFolders }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const created = await createTenant(session, {
        name,
        content,
        createFolders,
        ...(title !== undefined && { title }),
        ...(locale !== undefined && { locale }),
        ...(group !== undefined && { group }),
        ...(adminGroup !== undefined && { adminGroup }),
      });
      await session.save();
      const { root, createdGroups, createdFolders, contentRoots } = created;
      await answer(context, created, [
        safeText(`made ${root}`),
        ...createdGroups.map((id) => safeText(`made the group ${id}`)),
        ...createdFolders.map((path) => safeText(`made the folder ${path}`)),
        ...contentRoots.map((path) => safeText(`${path} belongs to ${name}`)),
      ]);
      return 0;
    }),
});
