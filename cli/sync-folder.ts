/** What the sync commands share. */
import path from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import type { SyncReport } from '../repository/vault/folder-sync.js';
import type { ExitCode } from './command.js';
import { safeText, table } from './output/text.js';

export function declareSync(command: Command): Command {
  return command
    .requiredOption('--path <path>', 'the part of the repository')
    .requiredOption('--folder <folder>', 'holds jcr_root, and META-INF/vault/filter.xml where not all is meant');
}

export const syncArgs = z.object({
  path: z.string().regex(/^\/./, 'must be a path below the root'),
  folder: z.string().min(1),
});

export const syncChangeArgs = syncArgs.extend({ force: z.boolean().default(false) });

export function folderOf(cwd: string, typed: string): string {
  return path.resolve(cwd, typed);
}

export function exitOfSync({ conflicts, skipped }: SyncReport): ExitCode {
  return conflicts.length > 0 || skipped.length > 0 ? 3 : 0;
}

/** @param verb what was done with the files, as in "pulled" */
export function syncLines(verb: string, { written, removed, conflicts, changedNodes, skipped }: SyncReport): string[] {
  const nodes = changedNodes > 0 ? `, ${changedNodes} nodes changed` : '';
  return [
    ...table([
      ...written.map((file) => ['  written', safeText(file)]),
      ...removed.map((file) => ['  removed', safeText(file)]),
      ...conflicts.map((file) => ['  conflict', `${safeText(file)}: it changed on both sides`]),
      ...skipped.map(({ path: item, reason }) => ['  left out', `${safeText(item)}: ${safeText(reason)}`]),
    ]),
    `${verb} ${written.length + removed.length} files${nodes}${conflicts.length > 0 ? `; ${conflicts.length} conflicts, see --force` : ''}`,
  ];
}
