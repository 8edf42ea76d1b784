import { diffFolder } from '../../repository/vault/folder-sync.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';
import { declareSync, folderOf, syncArgs } from '../sync-folder.js';

export const syncDiffCommand = defineCommand({
  name: 'sync diff',
  summary: 'lists the files that differ between a folder and the repository',
  declare: (command) => void declareSync(command),
  args: syncArgs,
  run: async (context, { path, folder }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const differences = await diffFolder({ session, path, folder: folderOf(context.cwd, folder) });
      const rows = differences.map(({ file, side, local, remote }) => [
        side === 'both' ? 'conflict' : side,
        `${local} here, ${remote} in the repository`,
        safeText(file),
      ]);
      await answer(context, { differences }, rows.length === 0 ? ['Nothing differs.'] : table(rows));
      return 0;
    }),
});
