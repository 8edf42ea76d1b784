import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { RepositoryError } from '../../repository/errors.js';
import { parseCnd } from '../../repository/node-types/parse-cnd.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { defineCommand, type CommandContext, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

/** AEM's own definitions, all together, have a tenth of it. */
const maxBytes = 2 * 1024 * 1024;

interface Reported {
  readonly name: string;
  /** Of the file, where the type begins. */
  readonly line: number;
}

export const typesRegisterCommand = defineCommand({
  name: 'types register',
  summary: 'adds the node types of a CND file, or changes those there are; all of them or none',
  declare: (command) =>
    void command.argument('<file>', 'a CND file of this machine').option('--dry-run', 'say what would be done'),
  args: z.object({ file: z.string(), dryRun: z.boolean().default(false) }),
  run: async (context, { file, dryRun }): Promise<ExitCode> => {
    const cnd = await readText(path.resolve(context.cwd, file));
    const { added, changed, unchanged } = await register(context, file, cnd, dryRun);
    const would = dryRun ? 'would be ' : '';
    const lineOf = (verb: string) => (type: Reported) => `${verb} ${safeText(type.name)} (line ${type.line})`;
    await answer(context, { dryRun, added, changed, unchanged }, [
      ...added.map(lineOf(`${would}added`)),
      ...changed.map(lineOf(`${would}changed`)),
      `${unchanged.length} of ${added.length + changed.length + unchanged.length} types are there already in the same words`,
    ]);
    return 0;
  },
});

async function register({ satchel: { repository }, user }: CommandContext, file: string, cnd: string, dryRun: boolean) {
  try {
    const before = await repository.withSession(user, async ({ nodeTypes }) => Promise.resolve(nodeTypes));
    const written = new Set(await repository.registerNodeTypes(user, cnd, { dryRun }));
    const { types, lines } = parseCnd(cnd);
    const reported = types.map(({ name }): Reported => ({ name, line: lines?.get(name) ?? 1 }));
    return {
      added: reported.filter(({ name }) => written.has(name) && !before.get(name)),
      changed: reported.filter(({ name }) => written.has(name) && before.get(name)),
      unchanged: reported.filter(({ name }) => !written.has(name)),
    };
  } catch (error) {
    if (!(error instanceof RepositoryError) || error.line === undefined) throw error;
    const { code, message, paths, line } = error;
    throw new RepositoryError(code, message, { paths, file, line, cause: error });
  }
}

async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size <= maxBytes) return await readFile(file, 'utf8');
  } catch (cause) {
    throw new SatchelError('INVALID_REQUEST', `The file "${file}" cannot be read: ${String(cause)}.`, { cause });
  }
  throw new SatchelError('INVALID_REQUEST', `The file "${file}" has more than ${maxBytes} bytes.`);
}
