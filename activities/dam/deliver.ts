import { z } from 'zod';
import { expiryOf } from '../../dam/expire-archives.js';
import { deliverFile } from '../../dam/deliver-files.js';
import { openArchive } from '../../dam/open-archive.js';
import { saveChanges } from '../../dam/save-changes.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import type { PackedArchives } from '../../workflows/contract/plan.js';
import { defineStep } from '../define-step.js';
import type { StepContext } from '../define-step.js';

export const deliverStep = defineStep({
  id: 'dam/deliver',
  title: 'Deliver the archives',
  description:
    'Puts the download into the inbox of its requester, and, where the request names a folder of this machine, the archives into that folder.',
  config: z.strictObject({}),
  result: z.strictObject({
    bytes: z.int(),
    /** Names of the archives in the folder; empty without one. */
    files: z.array(z.string()),
  }),
  // A large download to a slow disk.
  timeoutSeconds: 4 * 3600,
  simulated: true,
  examples: [{ title: 'Deliver to the inbox, and to the folder asked for', config: {} }],
  async run(context) {
    const job = await context.download();
    const archives = await job.archives();
    if (!archives) {
      throw new SatchelError('STEP_FAILED', `${job.path} has no archives yet: place dam/deliver after dam/package.`);
    }
    const { outFolder } = job.request;
    const files = outFolder === undefined ? [] : await writeToFolder(context, archives, outFolder);
    const bytes = totalBytes(archives);
    const session = await context.serviceSession();
    const now = new Date();
    const expires = await expiryOf(session, context.services.settings, context.tenant, now);
    await saveChanges(session, async () => {
      const node = await session.getNode(job.path);
      await session.setProperties(job.path, {
        // Once: a repeated attempt delivers nothing new.
        ...(!node.property('delivered') && { delivered: now, ...(expires && { expires }) }),
        archiveNames: archives.parts.map(({ file }) => file),
        bytes,
        // Every archive holds one manifest.
        files: archives.parts.reduce((count, { entries }) => count + entries.length - 1, 0),
        skipped: archives.skipped.length,
        ...(outFolder !== undefined && { deliveredFiles: files }),
      });
    });
    return { bytes, files };
  },
});

function totalBytes({ parts }: PackedArchives): number {
  return parts.reduce((bytes, { size }) => bytes + size, 0);
}

async function writeToFolder(
  context: StepContext<unknown>,
  archives: PackedArchives,
  folder: string,
): Promise<string[]> {
  const { services, signal, workflow } = context;
  const total = totalBytes(archives);
  const names: string[] = [];
  let done = 0;
  for (const [index, part] of archives.parts.entries()) {
    const before = done;
    const name = await deliverFile({
      folder,
      file: part.file,
      archive: openArchive(services.blobs, part),
      key: `satchel-${workflow.id}-${index}`,
      signal,
      onBytes: (bytes) => context.progress({ bytes: { done: before + bytes, total }, message: part.file }),
    });
    names.push(name);
    done += part.size;
  }
  return names;
}
