/** `satchel install` and `satchel package install`, which are one command under two names. */
import { z } from 'zod';
import { accessControlHandlings } from '../repository/vault/access-control.js';
import type { InstallChange, InstallProgress } from '../repository/vault/apply-package.js';
import { defaultPackageLimits, type PackageLimits } from '../repository/vault/package-limits.js';
import { formatPackageId } from '../repository/vault/package-id.js';
import type { ManagedInstallReport } from '../repository/vault/package-installation.js';
import { defineCommand, type CommandDefinition, type ExitCode } from './command.js';
import { createProgressLine } from './output/progress-line.js';
import { answer } from './output/report.js';
import { formatBytes, safeText, table } from './output/text.js';
import { collect, packageManager, packageSource } from './package-manager.js';

/** Changes that an answer lists one by one; the others are counted. */
const mostChanges = 10_000;

const limitNames = Object.keys(defaultPackageLimits);
const limitPattern = new RegExp(`^(?:${limitNames.join('|')})=\\d{1,15}$`);

function limitsOf(given: readonly string[]): Partial<PackageLimits> {
  return Object.fromEntries(given.map((text) => text.split('=')).map(([name = '', number]) => [name, Number(number)]));
}

export function defineInstallCommand(name: string): CommandDefinition {
  return defineCommand({
    name,
    summary: 'installs a content package (FileVault ZIP)',
    declare: (command) =>
      void command
        .argument('<package>', 'the .zip file, or a package of the repository by group:name:version')
        .option('--dry-run', 'only say what would change: A added, U updated, D removed')
        .option('--strict', 'refuse a package whose dependencies are not installed')
        .option(
          '--limit <name=number>',
          `over what a package may ask for: ${limitNames.join(', ')}; may be repeated`,
          collect,
        )
        .option('--ac-handling <how>', `over what the package says: ${accessControlHandlings.join(', ')}`),
    args: z.object({
      package: z.string(),
      dryRun: z.boolean().default(false),
      strict: z.boolean().default(false),
      limit: z
        .array(z.string().regex(limitPattern, `must be one of ${limitNames.join(', ')} and a number`))
        .default([]),
      acHandling: z.enum(accessControlHandlings).optional(),
    }),
    run: async (context, { package: typed, dryRun, strict, limit, acHandling }): Promise<ExitCode> => {
      const line = createProgressLine(context.terminal.stderr);
      const changes: InstallChange[] = [];
      let unlisted = 0;
      const options = {
        dryRun,
        dependencies: strict ? ('strict' as const) : ('tolerant' as const),
        ...(acHandling && { accessControl: acHandling }),
        ...(dryRun && {
          onChange: (change: InstallChange) => {
            if (changes.length < mostChanges) changes.push(change);
            else unlisted++;
          },
        }),
        onProgress: ({ bytes, path: current, nodes }: InstallProgress) =>
          line.show({
            ...bytes,
            facts: `${nodes} nodes · ${formatBytes(bytes.done)} of ${formatBytes(bytes.total)} · ${current}`,
          }),
      };
      const source = packageSource(context.cwd, typed);
      const manager = packageManager(context, limitsOf(limit));
      const installing =
        'file' in source ? manager.install(source.file, options) : manager.installRecorded(source.name, options);
      const report = await installing.finally(() => line.end());
      await answer(context, dryRun ? { ...report, dryRun, changes, unlisted } : report, [
        ...table(changes.map(({ action, path, mode }) => [action, safeText(path), mode])),
        ...(unlisted > 0 ? [`and ${unlisted} more changes`] : []),
        ...reportLines(report, dryRun),
      ]);
      return isPartial(report) ? 3 : 0;
    },
  });
}

function isPartial({ skipped, subPackages, missingDependencies }: ManagedInstallReport): boolean {
  return (
    skipped.length > 0 || missingDependencies.length > 0 || subPackages.some((report) => report.skipped.length > 0)
  );
}

function reportLines(report: ManagedInstallReport, dryRun: boolean): string[] {
  const verb = dryRun ? 'would install' : 'installed';
  const lines = [report, ...report.subPackages].flatMap((one) => {
    const { nodes, changed, removed, binaries, bytes, skipped, policies } = one;
    const ignored = policies.ignored > 0 ? `; access control of ${policies.ignored} nodes ignored` : '';
    return [
      `${verb} ${safeText(nameOf(one))}: ${nodes} nodes, ${changed} of them new or changed, ${removed.length} removed; ${binaries} binaries, ${formatBytes(bytes)}${ignored}`,
      ...table(skipped.map(({ path, reason }) => ['  left out', safeText(path), safeText(reason)])),
    ];
  });
  if (report.nodeTypes.length > 0) lines.push(`node types registered: ${report.nodeTypes.map(safeText).join(', ')}`);
  for (const dependency of report.missingDependencies) lines.push(`not installed, but needed: ${safeText(dependency)}`);
  return lines;
}

function nameOf(report: ManagedInstallReport | ManagedInstallReport['subPackages'][number]): string {
  return report.group === '' && report.version === '' ? report.name : formatPackageId(report);
}
