import { pullFolder } from '../../repository/vault/folder-sync.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { declareSync, exitOfSync, folderOf, syncChangeArgs, syncLines } from '../sync-folder.js';

export const syncPullCommand = defineCommand({
  name: 'sync pull',
  summary: 'brings what changed in the repository into a folder of files',
  declare: (command) => void declareSync(command).option('--force', "take the repository's side where both changed"),
  args: syncChangeArgs,
  run: async (context, { path, folder, force }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const report = await pullFolder({ session, path, folder: folderOf(context.cwd, folder) }, { force });
      await answer(context, report, syncLines('pulled', report));
      return exitOfSync(report);
    }),
});
