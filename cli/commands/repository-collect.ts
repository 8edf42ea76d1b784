import { z } from 'zod';
import { collectBlobs } from '../../repository/maintenance/collect-blobs.js';
import { defineStoresCommand, wholeNumber, type ExitCode } from '../command.js';
import { createProgressLine } from '../output/progress-line.js';
import { answer } from '../output/report.js';
import { formatBytes, table } from '../output/text.js';

const hourMilliseconds = 3_600_000;

export const repositoryCollectCommand = defineStoresCommand({
  name: 'repository collect',
  summary: 'removes blobs that nothing refers to: notices them first, removes them a grace period later',
  declare: (command) =>
    void command
      .option('--dry-run', 'say what would be done')
      .option('--grace <hours>', 'how long unreferenced bytes stay; default: 24'),
  args: z.object({ dryRun: z.boolean().default(false), grace: wholeNumber(0, 8760).default(24) }),
  run: async (context, { dryRun, grace }): Promise<ExitCode> => {
    const line = createProgressLine(context.terminal.stderr);
    const report = await collectBlobs(context.stores, {
      dryRun,
      graceMilliseconds: grace * hourMilliseconds,
      signal: context.signal,
      onProgress: ({ phase, done }) => line.show({ done: 0, total: 0, facts: `${phase} · ${done}` }),
    }).finally(() => line.end());
    const { blobs, bytes, unreferenced, unreferencedBytes, marked, waiting, spared, removed, removedBytes } = report;
    await answer(context, { dryRun, graceHours: grace, ...report }, [
      `${blobs} blobs, ${formatBytes(bytes)}; nothing refers to ${unreferenced} of them, ${formatBytes(unreferencedBytes)}`,
      ...table([
        [dryRun ? '  would be noticed' : '  noticed now', String(marked)],
        ['  wait for the grace period', String(waiting)],
        [dryRun ? '  would be spared' : '  spared, as they are needed again', String(spared)],
        [dryRun ? '  would be removed' : '  removed', `${removed}, ${formatBytes(removedBytes)}`],
      ]),
    ]);
    return 0;
  },
});
