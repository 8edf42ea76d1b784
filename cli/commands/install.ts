import path from 'node:path';
import { z } from 'zod';
import { installPackage, type InstallProgress, type InstallReport } from '../../repository/vault/install.js';
import { defineCommand, type ExitCode } from '../command.js';
import { createProgressLine } from '../output/progress-line.js';
import { answer } from '../output/report.js';
import { formatBytes, safeText, table } from '../output/text.js';

export const installCommand = defineCommand({
  name: 'install',
  summary: 'installs a content package (FileVault ZIP)',
  declare: (command) => void command.argument('<package>', 'the .zip file'),
  args: z.object({ package: z.string() }),
  run: async (context, args) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const line = createProgressLine(context.terminal.stderr);
      const onProgress = ({ bytes, path: current, nodes }: InstallProgress) =>
        line.show({
          ...bytes,
          facts: `${nodes} nodes · ${formatBytes(bytes.done)} of ${formatBytes(bytes.total)} · ${current}`,
        });
      const file = path.resolve(context.cwd, args.package);
      const report = await installPackage({ session, file, onProgress }).finally(() => line.end());
      await answer(context, report, reportLines(report));
      return report.skipped.length > 0 ? 3 : 0;
    }),
});

function reportLines(report: InstallReport): string[] {
  const { group, name, version, nodes, changed, removed, binaries, bytes, skipped } = report;
  const id = [group, name, version].filter((part) => part !== '').join(':');
  return [
    `installed ${safeText(id)}: ${nodes} nodes, ${changed} of them new or changed, ${removed.length} removed; ${binaries} binaries, ${formatBytes(bytes)}`,
    ...table(skipped.map(({ path: item, reason }) => ['  left out', safeText(item), safeText(reason)])),
  ];
}
