import { z } from 'zod';
import { checkRepository } from '../../repository/maintenance/check-repository.js';
import { defineStoresCommand } from '../command.js';
import { countText, writeFindings } from '../output/finding-lines.js';
import { createProgressLine } from '../output/progress-line.js';

export const repositoryCheckCommand = defineStoresCommand({
  name: 'repository check',
  summary: 'checks that every record, reference and blob fits; exits with 1 when something does not',
  verifies: true,
  declare: (command) =>
    void command
      .option('--deep', 'read every blob and compare its hash')
      .option('--repair', 'write anew what can be derived; never deletes content'),
  args: z.object({ deep: z.boolean().default(false), repair: z.boolean().default(false) }),
  run: async (context, { deep, repair }) => {
    const line = createProgressLine(context.terminal.stderr);
    let looked = { nodes: 0, records: 0 };
    const findings = checkRepository(context.stores, {
      deep,
      repair,
      signal: context.signal,
      onProgress: (progress) => {
        looked = progress;
        line.show({ done: 0, total: 0, facts: `${progress.nodes} nodes · ${progress.records} records` });
      },
    });
    const count = await writeFindings(context, findings, (counted) => ({
      facts: looked,
      line: `checked ${looked.nodes} nodes, ${looked.records} records: ${countText(counted)}`,
    })).finally(() => line.end());
    return count.found > count.repaired ? 1 : 0;
  },
});
