import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { createAsset } from '../../dam/asset.js';
import { checkUploadSize } from '../../dam/upload-limit.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { defineCommand, type CommandContext } from '../command.js';
import { exitOf, followJob, jobAnswer } from '../job-answer.js';
import { createProgressLine } from '../output/progress-line.js';
import { answer } from '../output/report.js';
import { createStyler, safeText } from '../output/text.js';

const model = 'dam/update-renditions';
const folderType = 'sling:OrderedFolder';

export const uploadCommand = defineCommand({
  name: 'upload',
  summary: 'adds files as assets and makes their renditions',
  declare: (command) =>
    void command
      .argument('<files...>', 'files of this machine')
      .requiredOption('--to <folder>', 'folder of the repository; made when missing')
      .option('--no-wait', 'do not wait for the renditions'),
  args: z.object({
    files: z.array(z.string()).min(1),
    to: z.string().startsWith('/', 'must be an absolute path of the repository'),
    wait: z.boolean(),
  }),
  run: async (context, { files, to, wait }) => {
    const { satchel, user, terminal } = context;
    const assets = await addAssets(context, files, to);
    const [only = to] = assets;
    // Working first: a short transient job leaves nothing to follow once it is over.
    if (wait) await satchel.ensureWorking();
    const job = await satchel.engine.launch({ model, payload: assets.length === 1 ? only : to, initiator: user });
    const ended = wait ? await followJob(context, job.id) : undefined;
    await answer(context, { assets, job: ended ?? job }, [
      ...assets.map((asset) => `added ${safeText(asset)}`),
      ...(ended ? jobAnswer(ended, createStyler(terminal.stdout.color)) : [`renditions: job ${job.id}`]),
    ]);
    if (!wait) return 0;
    return ended ? exitOf(ended) : 130;
  },
});

/** All files or none. @returns the paths of the assets */
async function addAssets(context: CommandContext, files: readonly string[], folder: string): Promise<string[]> {
  const { satchel } = context;
  const line = createProgressLine(context.terminal.stderr);
  try {
    return await satchel.repository.withSession(context.user, async (session) => {
      await session.ensureNode(folder, { primaryType: folderType }, folderType);
      const assets: string[] = [];
      for (const [index, typed] of files.entries()) {
        context.signal.throwIfAborted();
        line.show({ done: index, total: files.length, facts: `${index} of ${files.length} files · ${typed}` });
        const file = path.resolve(context.cwd, typed);
        const bytes = await sizeOfFile(file);
        await satchel.repository.withSession({ service: 'workflow' }, (service) =>
          checkUploadSize(service, satchel, { folder, name: path.basename(file), bytes }),
        );
        const binary = await session.createBinary(createReadStream(file));
        assets.push(await createAsset(session, folder, path.basename(file), { binary }));
      }
      await session.save();
      return assets;
    });
  } finally {
    await line.end();
  }
}

/** @throws SatchelError INVALID_REQUEST for what is no file that can be read */
async function sizeOfFile(file: string): Promise<number> {
  const found = await stat(file).catch((cause: unknown) => {
    throw new SatchelError('INVALID_REQUEST', `The file "${file}" cannot be read: ${String(cause)}.`, { cause });
  });
  if (!found.isFile()) throw new SatchelError('INVALID_REQUEST', `"${file}" is not a file; name files, not folders.`);
  return found.size;
}
