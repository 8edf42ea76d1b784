import { z } from 'zod';
import { formatPackageId } from '../../repository/vault/package-id.js';
import { findPackage, type PackageRecord } from '../../repository/vault/package-record.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { formatBytes, safeText, table } from '../output/text.js';

export const packageShowCommand = defineCommand({
  name: 'package show',
  summary: 'shows what is known of a package',
  declare: (command) => void command.argument('<package>', 'group:name:version, or less of it'),
  args: z.object({ package: z.string() }),
  run: async (context, args) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const record = await findPackage(session, args.package);
      const filters = record.filters.map(({ root, mode, nodeRules, propertyRules }) => ({
        root,
        mode,
        rules: nodeRules.map(({ include, pattern }) => `${include ? 'include' : 'exclude'} ${pattern.source}`),
        propertyRules: propertyRules.map(
          ({ include, pattern }) => `${include ? 'include' : 'exclude'} ${pattern.source}`,
        ),
      }));
      await answer(context, { ...record, filters }, lines(record, filters));
      return 0;
    }),
});

interface ShownFilter {
  readonly root: string;
  readonly mode: string;
  readonly rules: readonly string[];
  readonly propertyRules: readonly string[];
}

function lines(record: PackageRecord, filters: readonly ShownFilter[]): string[] {
  const facts: (readonly [string, string | undefined])[] = [
    ['package', formatPackageId(record.id)],
    ['path', record.path],
    ['state', record.state],
    ['description', record.description],
    ['size', record.size === undefined ? 'not built' : formatBytes(record.size)],
    ['installed', record.lastUnpacked && `${record.lastUnpacked} by ${record.lastUnpackedBy ?? 'unknown'}`],
    ['came in', record.installedBy],
    ['can be uninstalled', record.hasSnapshot ? 'yes' : 'no'],
    ...record.dependencies.map((dependency) => ['needs', dependency] as const),
    ...record.subPackages.map((name) => ['holds', name] as const),
    ...filters.flatMap(({ root, mode, rules, propertyRules }) => [
      ['filter', `${root} (${mode})`] as const,
      ...rules.map((rule) => ['', `  ${rule}`] as const),
      ...propertyRules.map((rule) => ['', `  ${rule} (properties)`] as const),
    ]),
  ];
  return table(facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, safeText(value)]])));
}
