import { z } from 'zod';
import { migrateRepository } from '../../repository/maintenance/migrate.js';
import { defineProcessCommand, type ExitCode } from '../command.js';
import { closeStores, openLocation } from '../open-location.js';
import { createProgressLine } from '../output/progress-line.js';
import { answer } from '../output/report.js';
import { formatBytes } from '../output/text.js';

export const migrateCommand = defineProcessCommand({
  name: 'migrate',
  summary: 'moves a repository to other stores and compares what arrived',
  declare: (command) =>
    void command
      .requiredOption('--from <location>', 'data folder that no process has open')
      .requiredOption('--to <location>', 'data folder without a repository; made when missing')
      .option('--verify', 'also read every blob that arrived and compare its hash'),
  args: z.object({ from: z.string(), to: z.string(), verify: z.boolean().default(false) }),
  run: async (context, { from, to, verify }): Promise<ExitCode> => {
    const { cwd, signal } = context;
    const source = await openLocation(from, { mustExist: true, cwd });
    try {
      const target = await openLocation(to, { mustExist: false, cwd });
      const line = createProgressLine(context.terminal.stderr);
      try {
        const report = await migrateRepository(source, target, {
          verify,
          signal,
          onProgress: ({ phase, done }) => line.show({ done: 0, total: 0, facts: `${phase} · ${done}` }),
        });
        await line.end();
        const { sequence, records, commits, cursors, blobs, bytes, copied } = report;
        await answer(context, { from, to, verify, ...report }, [
          `moved commit ${sequence}: ${records} records, ${commits} commits, ${cursors} cursors; ${blobs} blobs, ${formatBytes(bytes)}, ${copied} of them copied now`,
          `compared: every record, commit, cursor and blob ${verify ? 'hash' : 'size'}`,
        ]);
        return 0;
      } finally {
        await line.end();
        await closeStores(target);
      }
    } finally {
      await closeStores(source);
    }
  },
});
