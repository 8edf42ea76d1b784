import { z } from 'zod';
import { changeProfile } from '../../repository/users.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';
import { emailAddress, languageTag, timeZoneName } from '../profile-options.js';

/** An empty value takes one out. */
const orNone = <Schema extends z.ZodType>(schema: Schema) =>
  z.union([z.literal('').transform(() => null), schema]).optional();

export const userSetCommand = defineCommand({
  name: 'user set',
  summary: 'changes the profile of a user',
  declare: (command) =>
    void command
      .argument('<id>', 'whose; an empty value takes one out')
      .option('--email <address>', 'where mail goes')
      .option('--name <name>', 'name to show')
      .option('--language <tag>', 'language of mails, as "de" or "de-CH"')
      .option('--time-zone <name>', 'of dates in mails, as "Europe/Zurich"; without one that of the tenant'),
  args: z
    .object({
      id: z.string(),
      email: orNone(emailAddress),
      name: orNone(z.string()),
      language: orNone(languageTag),
      timeZone: orNone(timeZoneName),
    })
    .refine((args) => Object.keys(args).length > 1, 'needs --email, --name, --language or --time-zone'),
  run: async (context, { id, name: displayName, ...others }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const change = { displayName, ...others };
      const { email, language, timeZone, ...user } = await changeProfile(session, id, change);
      await session.save();
      const profile = { email, displayName: user.displayName, language, timeZone };
      await answer(context, { id, ...profile }, [
        `changed ${safeText(id)}: ${Object.entries(profile)
          .map(([property, value]) => safeText(`${property} ${value ?? '–'}`))
          .join(', ')}`,
      ]);
      return 0;
    }),
});
