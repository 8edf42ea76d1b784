import { z } from 'zod';
import { formatPackageId } from '../../repository/vault/package-id.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { formatBytes, safeText } from '../output/text.js';
import { packageManager, packageSource } from '../package-manager.js';

export const packageVerifyCommand = defineCommand({
  name: 'package verify',
  summary: 'reads all of a package and says whether it is sound, without installing it',
  declare: (command) =>
    void command.argument('<package>', 'the .zip file, or a package of the repository by group:name:version'),
  args: z.object({ package: z.string() }),
  run: async (context, args): Promise<ExitCode> => {
    const source = packageSource(context.cwd, args.package);
    const manager = packageManager(context);
    const verified = 'file' in source ? await manager.verify(source.file) : await manager.verifyRecorded(source.name);
    const { files, bytes, roots, subPackages } = verified;
    await answer(context, verified, [
      `${safeText(formatPackageId(verified))} is sound: ${files} files, ${formatBytes(bytes)}; covers ${roots.map(safeText).join(', ')}`,
      ...subPackages.map((name) => `holds ${safeText(name)}`),
    ]);
    return 0;
  },
});
