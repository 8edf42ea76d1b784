import path from 'node:path';
import { z } from 'zod';
import { verifyBackup } from '../../repository/maintenance/verify-backup.js';
import { defineProcessCommand } from '../command.js';
import { countText, writeFindings } from '../output/finding-lines.js';

export const repositoryVerifyCommand = defineProcessCommand({
  name: 'repository verify',
  summary: 'reads a backup through without restoring it; exits with 1 when something is missing',
  declare: (command) =>
    void command.argument('<dir>', 'the backup').option('--deep', 'read every blob and compare its hash'),
  args: z.object({ dir: z.string(), deep: z.boolean().default(false) }),
  run: async (context, { dir, deep }) => {
    const folder = path.resolve(context.cwd, dir);
    const count = await writeFindings(context, verifyBackup(folder, { deep }), (counted) => ({
      facts: { folder },
      line: `verified ${folder}: ${countText(counted)}`,
    }));
    return count.found > 0 ? 1 : 0;
  },
});
