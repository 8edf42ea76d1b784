import path from 'node:path';
import { z } from 'zod';
import { backupRepository } from '../../repository/maintenance/backup.js';
import { defineStoresCommand, type ExitCode } from '../command.js';
import { createProgressLine } from '../output/progress-line.js';
import { answer } from '../output/report.js';
import { formatBytes } from '../output/text.js';

export const repositoryBackupCommand = defineStoresCommand({
  name: 'repository backup',
  summary: 'backs the repository up into a folder while it is in use; again into the same one: what is new',
  declare: (command) => void command.argument('<dir>', 'made when missing'),
  args: z.object({ dir: z.string() }),
  run: async (context, { dir }): Promise<ExitCode> => {
    const folder = path.resolve(context.cwd, dir);
    const line = createProgressLine(context.terminal.stderr);
    const report = await backupRepository(context.stores, folder, {
      signal: context.signal,
      onProgress: ({ records, blobs }) =>
        line.show({ done: 0, total: 0, facts: `${records} records · ${blobs} blobs looked at` }),
    }).finally(() => line.end());
    const { sequence, records, blobs, bytes, copied, copiedBytes } = report;
    await answer(context, { folder, ...report }, [
      `backed up commit ${sequence}: ${records} records; ${blobs} blobs, ${formatBytes(bytes)}, ${copied} of them new (${formatBytes(copiedBytes)})`,
      `"satchel repository verify ${dir}" reads it through`,
    ]);
    return 0;
  },
});
