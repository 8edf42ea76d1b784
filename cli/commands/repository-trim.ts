import { z } from 'zod';
import { retainJournal } from '../../repository/maintenance/retain-journal.js';
import { defineStoresCommand, wholeNumber, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

export const repositoryTrimCommand = defineStoresCommand({
  name: 'repository trim',
  summary: 'forgets old commits of the journal that every cursor has passed',
  declare: (command) =>
    void command
      .option('--keep-days <days>', 'keep the commits of so many days; default: 7')
      .option('--keep-commits <count>', 'keep at least so many commits; default: 10000')
      .option('--limit <days>', 'a cursor behind for longer is late; default: 30')
      .option('--drop-late', 'remove late cursors, so that they hold nothing up')
      .option('--dry-run', 'say what would be done'),
  args: z.object({
    keepDays: wholeNumber(0, 3650).default(7),
    keepCommits: wholeNumber(0, 1e12).default(10_000),
    limit: wholeNumber(0, 3650).default(30),
    dropLate: z.boolean().default(false),
    dryRun: z.boolean().default(false),
  }),
  run: async (context, { limit, ...options }): Promise<ExitCode> => {
    const report = await retainJournal(context.stores.nodes, { ...options, limitDays: limit });
    const { head, trimmed, trimmedUpTo, cursors, dropped, heldBy } = report;
    const late = cursors.filter(({ name, state }) => state === 'late' && !dropped.includes(name));
    const verb = options.dryRun ? 'would forget' : 'forgot';
    await answer(context, { dryRun: options.dryRun, ...report }, [
      `${verb} ${trimmed} commits; ${head - trimmedUpTo} are kept, from ${trimmedUpTo + 1} to ${head}`,
      ...(heldBy === undefined ? [] : [`  the cursor ${safeText(heldBy)} keeps older ones than asked for`]),
      ...late.map(
        ({ name, behindSince = '' }) => `  the cursor ${safeText(name)} is late: behind since ${behindSince}`,
      ),
      ...dropped.map((name) => `  ${options.dryRun ? 'would drop' : 'dropped'} the cursor ${safeText(name)}`),
    ]);
    return 0;
  },
});
