import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { accessControlHandlings } from '../../repository/vault/access-control.js';
import { assertPackageId } from '../../repository/vault/package-id.js';
import { writePackage } from '../../repository/vault/write-package.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { defineCommand, type ExitCode } from '../command.js';
import { createProgressLine } from '../output/progress-line.js';
import { answer } from '../output/report.js';
import { formatBytes, safeText } from '../output/text.js';
import { collect, typedFilters } from '../package-manager.js';

export const packageExportCommand = defineCommand({
  name: 'package export',
  summary: 'writes content as a content package (FileVault ZIP)',
  declare: (command) =>
    void command
      .requiredOption('--filter <path>', 'a root; may be repeated', collect)
      .option('--include <pattern>', 'regular expression of paths to take', collect)
      .option('--exclude <pattern>', 'regular expression of paths to leave out', collect)
      .requiredOption('--out <file>', 'the .zip file to write')
      .option('--group <group>', 'group of the package', 'satchel')
      .option('--name <name>', 'name of the package; default: from the file')
      .option('--version <version>', 'version of the package', '1.0')
      .option('--ac-handling <how>', 'what installing it does with access control', 'overwrite'),
  args: z.object({
    filter: z.array(z.string().regex(/^\/./, 'must be a path below the root')).min(1),
    include: z.array(z.string()).default([]),
    exclude: z.array(z.string()).default([]),
    out: z.string().min(1),
    group: z.string(),
    name: z.string().optional(),
    version: z.string(),
    acHandling: z.enum(accessControlHandlings),
  }),
  run: async (context, args) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const file = path.resolve(context.cwd, args.out);
      const { group, version, name = path.basename(file, '.zip') } = args;
      const id = { group, name, version };
      assertPackageId(id);
      // A package that covers a path and holds nothing of it removes what is there when it is installed.
      for (const root of args.filter) await session.getNode(root);
      const line = createProgressLine(context.terminal.stderr);
      let nodes = 0;
      let bytes = 0;
      const source = writePackage({
        session,
        id,
        filters: typedFilters(args.filter, args.include, args.exclude),
        properties: { acHandling: args.acHandling },
        signal: context.signal,
        onProgress: (progress) => {
          ({ nodes, bytes } = progress);
          line.show({ done: 0, total: 0, facts: `${nodes} nodes · ${formatBytes(bytes)} · ${progress.path}` });
        },
      });
      await writeWhole(file, source).finally(() => line.end());
      await answer(context, { ...id, file, nodes, bytes }, [
        `exported ${nodes} nodes, ${formatBytes(bytes)} of binaries, to ${safeText(file)}`,
      ]);
      return 0;
    }),
});

/** The file appears when it is whole. @throws OUT_FOLDER */
async function writeWhole(file: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  const partial = `${file}.partial`;
  try {
    const output = createWriteStream(partial);
    // What cannot be written is found before the content is read.
    await new Promise<void>((resolve, reject) => {
      output.once('open', () => {
        resolve();
      });
      output.once('error', reject);
    }).catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new SatchelError('OUT_FOLDER', `"${file}" cannot be written: ${reason}.`, { cause });
    });
    await pipeline(Readable.from(source, { objectMode: false }), output);
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
