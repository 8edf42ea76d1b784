import { pushFolder } from '../../repository/vault/folder-sync.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { declareSync, exitOfSync, folderOf, syncChangeArgs, syncLines } from '../sync-folder.js';

export const syncPushCommand = defineCommand({
  name: 'sync push',
  summary: 'brings what changed in a folder of files into the repository',
  declare: (command) => void declareSync(command).option('--force', "take the folder's side where both changed"),
  args: syncChangeArgs,
  run: async (context, { path, folder, force }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const report = await pushFolder({ session, path, folder: folderOf(context.cwd, folder) }, { force });
      await answer(context, report, syncLines('pushed', report));
      return exitOfSync(report);
    }),
});
