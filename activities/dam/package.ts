import { z } from 'zod';
import type { CurrentEntry, DownloadJob } from '../../dam/download-job.js';
import { setArchives } from '../../dam/download-job-store.js';
import { settleNames } from '../../dam/entry-names.js';
import { checkBytes } from '../../dam/limits.js';
import type { PackableFile } from '../../dam/manifest.js';
import { draftArchives } from '../../dam/pack-archives.js';
import type { ArchiveDraft } from '../../dam/pack-archives.js';
import { archiveName } from '../../dam/plan-download.js';
import { saveChanges } from '../../dam/save-changes.js';
import { deflateZip } from '../../dam/zip/deflate.js';
import { openFrom } from '../../dam/zip/write.js';
import { SatchelError, isErrorCode } from '../../workflows/contract/errors.js';
import type { ArchivePart, PackedArchives, Skipped } from '../../workflows/contract/plan.js';
import { defineStep } from '../define-step.js';
import type { StepContext } from '../define-step.js';

export const packageStep = defineStep({
  id: 'dam/package',
  title: 'Pack the archives',
  description:
    'Freezes names, order, bytes and parts of the archives, with a manifest in each, and checks the limits again. Stored archives are laid out and never written here; compressed ones are written to a blob.',
  config: z.strictObject({}),
  result: z.strictObject({
    parts: z.int(),
    files: z.int(),
    bytes: z.int(),
    skipped: z.int(),
    failed: z.int(),
  }),
  // Compressing a large download takes its time.
  timeoutSeconds: 4 * 3600,
  simulated: true,
  examples: [{ title: 'Pack what the plan and the steps before made', config: {} }],
  async run(context) {
    const job = await context.download();
    const { skipped, tenant, limits } = await job.plan();
    const entries = await job.entries();
    const files = packableFiles(entries);
    const failed = entries.flatMap(failureOf);
    if (files.length === 0) throw nothingLeft(failed);

    const { method } = job.request;
    const drafts = draftArchives(files, {
      tenant,
      skipped,
      failed,
      method,
      partBytes: limits.partBytes.value,
      archiveName: archiveName(job.request),
    });
    if (method === 'store') checkBytes(sum(drafts), limits.bytes, false);
    const parts = await packParts(context, job, drafts);
    const bytes = sum(parts);
    checkBytes(bytes, limits.bytes, false);

    const archives: PackedArchives = { format: 1, parts, skipped: [...skipped, ...failed] };
    const session = await context.serviceSession();
    await saveChanges(session, () => setArchives(session, job.path, archives));
    if (archives.skipped.length > 0) context.partial();
    return { parts: parts.length, files: files.length, bytes, skipped: skipped.length, failed: failed.length };
  },
});

function sum(sized: readonly { readonly size: number }[]): number {
  return sized.reduce((total, { size }) => total + size, 0);
}

/** A step may have renamed entries; names are made safe and unique once more. */
function packableFiles(entries: readonly CurrentEntry[]): PackableFile[] {
  const present = entries.flatMap((entry) => (entry.blob ? [{ ...entry, blob: entry.blob }] : []));
  const names = settleNames(present.map(({ name }) => name));
  return present.map(({ blob, modified, asset, rendition, replacedBy, name }, index) => ({
    name: names[index] ?? name,
    blob,
    modified,
    asset,
    rendition,
    replacedBy,
  }));
}

function failureOf({ asset, rendition, blob, failed }: CurrentEntry): Skipped[] {
  if (blob) return [];
  const code = failed && isErrorCode(failed.code) ? failed.code : 'STEP_FAILED';
  const reason = failed?.message ?? 'No step of the workflow made this rendition.';
  return [{ path: asset, rendition, code, reason }];
}

function nothingLeft(failed: readonly Skipped[]): SatchelError {
  const [first] = failed;
  const code = first && isErrorCode(first.code) ? first.code : 'STEP_FAILED';
  const message = `None of the ${failed.length} files could be made. ${first?.path ?? ''}: ${first?.reason ?? ''}`;
  return new SatchelError(code, message, { details: { failed: failed.slice(0, 20) } });
}

async function packParts(
  context: StepContext<unknown>,
  job: DownloadJob,
  drafts: readonly ArchiveDraft[],
): Promise<ArchivePart[]> {
  const { method } = job.request;
  const earlier = (await job.archives())?.parts;
  const total = drafts.reduce((bytes, { entries }) => bytes + sum(entries.map(({ blob }) => blob)), 0);
  let done = 0;
  const parts: ArchivePart[] = [];
  for (const draft of drafts) {
    context.signal.throwIfAborted();
    const manifest = await job.createBlob(Buffer.from(draft.manifest));
    const entries = draft.entries.map((entry, index) =>
      index === draft.entries.length - 1 ? { ...entry, blob: manifest } : entry,
    );
    const part = { file: draft.file, method, size: draft.size, entries };
    if (method === 'store') {
      parts.push(part);
      continue;
    }
    // An earlier attempt may have written it: compressing is the one slow thing here.
    const written = earlier?.find(
      ({ blob, ...rest }) => blob && JSON.stringify(rest.entries) === JSON.stringify(entries),
    );
    const before = done;
    const blob =
      written?.blob ??
      (await job.createBlob(
        deflateZip(entries, openFrom(context.services.blobs), {
          signal: context.signal,
          onBytes: (bytes) => context.progress({ bytes: { done: before + bytes, total } }),
        }),
      ));
    done += sum(entries.map((entry) => entry.blob));
    parts.push({ ...part, size: blob.size, blob });
  }
  return parts;
}
