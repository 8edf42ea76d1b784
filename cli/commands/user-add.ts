import { z } from 'zod';
import { createUser } from '../../repository/users.js';
import { hashPassword } from '../../server/passwords.js';
import { defineCommand, type ExitCode } from '../command.js';
import { askNewPassword } from '../new-password.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';
import { emailAddress, languageTag, timeZoneName } from '../profile-options.js';

export const userAddCommand = defineCommand({
  name: 'user add',
  summary: 'adds a user',
  declare: (command) =>
    void command
      .argument('<id>', 'name to log in with')
      .option('--email <address>', 'where mail goes')
      .option('--name <name>', 'name to show')
      .option('--language <tag>', 'language of mails, as "de" or "de-CH"')
      .option('--time-zone <name>', 'of dates in mails, as "Europe/Zurich"; default: of the tenant')
      .option('--group <id...>', 'member of these groups, as "dam-users"')
      .option('--password', 'ask for a password; without a terminal, read it from the first line of input'),
  args: z.object({
    id: z.string(),
    email: emailAddress.optional(),
    name: z.string().optional(),
    language: languageTag.optional(),
    timeZone: timeZoneName.optional(),
    group: z.array(z.string()).default([]),
    password: z.boolean().default(false),
  }),
  run: async (context, { id, email, name, language, timeZone, group, password }) => {
    const passwordHash = password ? await hashPassword(await askNewPassword(context.terminal)) : undefined;
    return context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      await createUser(session, {
        id,
        groups: group,
        ...(email !== undefined && { email }),
        ...(name !== undefined && { displayName: name }),
        ...(language !== undefined && { language }),
        ...(timeZone !== undefined && { timeZone }),
        ...(passwordHash !== undefined && { passwordHash }),
      });
      await session.save();
      await answer(context, { id, email, displayName: name, language, timeZone, groups: group, password }, [
        `added ${safeText(id)}${group.length > 0 ? safeText(` to ${group.join(', ')}`) : ''}`,
      ]);
      return 0;
    });
  },
});
