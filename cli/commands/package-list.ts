import { z } from 'zod';
import { formatPackageId } from '../../repository/vault/package-id.js';
import { listPackages } from '../../repository/vault/package-record.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { formatBytes, safeText, table } from '../output/text.js';

export const packageListCommand = defineCommand({
  name: 'package list',
  summary: 'lists the packages of the repository and their state',
  args: z.object({}),
  run: async (context) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const packages: Record<string, unknown>[] = [];
      const rows: string[][] = [];
      for await (const { id, state, lastUnpacked, lastUnpackedBy, size, installedBy } of listPackages(session)) {
        packages.push({ ...id, state, lastUnpacked, lastUnpackedBy, size, installedBy });
        const when = lastUnpacked === undefined ? '' : `${lastUnpacked} by ${lastUnpackedBy ?? 'unknown'}`;
        const bytes = size === undefined ? 'not built' : formatBytes(size);
        const within = installedBy === undefined ? '' : `in ${installedBy}`;
        rows.push([formatPackageId(id), state, bytes, when, within].map(safeText));
      }
      await answer(context, { packages }, rows.length === 0 ? ['There are no packages.'] : table(rows));
      return 0;
    }),
});
