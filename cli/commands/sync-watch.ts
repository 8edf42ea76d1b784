import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { watchContentFolders } from '../../repository/content/watch-content-folders.js';
import { pushFolder } from '../../repository/vault/folder-sync.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer, reportError } from '../output/report.js';
import { declareSync, folderOf, syncArgs, syncLines } from '../sync-folder.js';

export const syncWatchCommand = defineCommand({
  name: 'sync watch',
  summary: 'brings changes of a folder into the repository as they are made, until Ctrl-C',
  declare: (command) => void declareSync(command),
  args: syncArgs,
  run: async (context, { path: target, folder: typed }): Promise<ExitCode> => {
    const folder = folderOf(context.cwd, typed);
    const root = path.join(folder, 'jcr_root');
    // What is not there cannot be watched.
    await mkdir(root, { recursive: true });
    // A session each: a push goes by the rights and content of its moment.
    const push = async () =>
      context.satchel.repository.withSession(context.user, async (session) => {
        const report = await pushFolder({ session, path: target, folder });
        if (report.written.length + report.removed.length + report.conflicts.length === 0) return;
        await answer(context, report, syncLines('pushed', report));
      });
    const report = async (error: unknown): Promise<void> => {
      await reportError(context, error);
    };
    const watching = watchContentFolders({
      mounts: [{ folder: root, target }],
      // What does not parse is said, and pushed once it does.
      onChange: async () => push().catch(report),
      onError: (error) => void report(error),
    });
    try {
      await watching.ready;
      await push().catch(report);
      if (!context.signal.aborted) await once(context.signal, 'abort');
      return 0;
    } finally {
      await watching.close();
    }
  },
});
