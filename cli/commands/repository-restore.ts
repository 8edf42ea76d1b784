import path from 'node:path';
import { z } from 'zod';
import { restoreRepository } from '../../repository/maintenance/restore.js';
import { defineProcessCommand, type ExitCode } from '../command.js';
import { closeStores, openLocation } from '../open-location.js';
import { createProgressLine } from '../output/progress-line.js';
import { answer } from '../output/report.js';
import { formatBytes, safeText } from '../output/text.js';

export const repositoryRestoreCommand = defineProcessCommand({
  name: 'repository restore',
  summary: 'restores a backup into an empty data folder; exits with 3 when the backup lacks something',
  declare: (command) => void command.argument('<dir>', 'the backup'),
  args: z.object({ dir: z.string() }),
  run: async (context, { dir }): Promise<ExitCode> => {
    const stores = await openLocation(context.dataFolder, { mustExist: false });
    const line = createProgressLine(context.terminal.stderr);
    try {
      const report = await restoreRepository(path.resolve(context.cwd, dir), stores, {
        signal: context.signal,
        onProgress: ({ phase, done, total }) => line.show({ done, total, facts: `${phase} · ${done} of ${total}` }),
      });
      await line.end();
      const { sequence, created, records, blobs, bytes, findings } = report;
      await answer(context, { dataFolder: context.dataFolder, ...report }, [
        `restored commit ${sequence} of ${created}: ${records} records; ${blobs} blobs, ${formatBytes(bytes)}`,
        ...findings.map(({ code, path: item, detail = '' }) => `${code} ${safeText(item)} ${safeText(detail)}`),
      ]);
      return findings.length > 0 ? 3 : 0;
    } finally {
      await line.end();
      await closeStores(stores);
    }
  },
});
