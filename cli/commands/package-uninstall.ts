import { z } from 'zod';
import { formatPackageId } from '../../repository/vault/package-id.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';
import { packageManager } from '../package-manager.js';

export const packageUninstallCommand = defineCommand({
  name: 'package uninstall',
  summary: 'puts back what was there before a package was installed',
  declare: (command) =>
    void command
      .argument('<package>', 'group:name:version, or less of it')
      .option('--force', 'also when other packages need it'),
  args: z.object({ package: z.string(), force: z.boolean().default(false) }),
  run: async (context, { package: name, force }): Promise<ExitCode> => {
    const report = await packageManager(context).uninstall(name, { force });
    await answer(context, report, [
      `uninstalled ${safeText(formatPackageId(report.id))}: ${report.changed} nodes are as before, ${report.removed.length} removed`,
    ]);
    return 0;
  },
});
