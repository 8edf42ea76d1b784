import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { pluginNameProblem, scaffoldPlugin } from '../../engine/scaffold-plugin.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { defineProcessCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

export const pluginNewCommand = defineProcessCommand({
  name: 'plugin new',
  summary: 'makes a folder with a new plugin: one step and its test',
  declare: (command) => void command.argument('<name>', 'of the plugin, and of the folder; nothing is overwritten'),
  args: z.object({
    name: z.string().superRefine((name, context) => {
      const problem = pluginNameProblem(name);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    }),
  }),
  run: async (context, { name }): Promise<ExitCode> => {
    const folder = path.join(context.cwd, name);
    await makeFolder(folder);
    const files = scaffoldPlugin(name);
    for (const file of files) await writeFile(path.join(folder, file.path), file.text, { flag: 'wx' });
    await answer(context, { name, folder, files: files.map((file) => file.path) }, [
      safeText(`made ${folder}: ${files.map((file) => file.path).join(', ')}`),
      'name it in satchel.json of the data folder, under "plugins"; then see "satchel plugin list"',
    ]);
    return 0;
  },
});

/** @throws SatchelError OUT_FOLDER when there is something of that name already */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SatchelError('OUT_FOLDER', `The folder ${folder} cannot be made: ${reason}.`, { cause });
  }
}
