import { z } from 'zod';
import { formatPackageId, parsePackageId } from '../../repository/vault/package-id.js';
import { defineCommand, type ExitCode } from '../command.js';
import { createProgressLine } from '../output/progress-line.js';
import { answer } from '../output/report.js';
import { formatBytes, safeText } from '../output/text.js';
import { collect, packageManager, typedFilters } from '../package-manager.js';

export const packageBuildCommand = defineCommand({
  name: 'package build',
  summary: 'makes a package of the repository from its content, or makes it anew',
  declare: (command) =>
    void command
      .argument('<package>', 'group:name:version')
      .option('--filter <path>', 'a root; may be repeated; without, those of the last time', collect)
      .option('--include <pattern>', 'regular expression of paths to take', collect)
      .option('--exclude <pattern>', 'regular expression of paths to leave out', collect),
  args: z.object({
    package: z.string(),
    filter: z.array(z.string().regex(/^\/./, 'must be a path below the root')).default([]),
    include: z.array(z.string()).default([]),
    exclude: z.array(z.string()).default([]),
  }),
  run: async (context, { package: name, filter, include, exclude }): Promise<ExitCode> => {
    const line = createProgressLine(context.terminal.stderr);
    const filters = typedFilters(filter, include, exclude);
    const building = packageManager(context).build(parsePackageId(name), filters, ({ nodes, bytes, path }) =>
      line.show({ done: 0, total: 0, facts: `${nodes} nodes · ${formatBytes(bytes)} · ${path}` }),
    );
    const { id, path, size } = await building.finally(() => line.end());
    await answer(context, { ...id, path, size }, [
      `built ${safeText(formatPackageId(id))}: ${formatBytes(size ?? 0)} at ${safeText(path)}`,
    ]);
    return 0;
  },
});
