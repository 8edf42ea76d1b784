import path from 'node:path';
import { z } from 'zod';
import { SatchelError } from '../../workflows/contract/errors.js';
import { layouts, type DownloadPlan } from '../../workflows/contract/plan.js';
import type { DownloadRequestInput } from '../../workflows/contract/download-request.js';
import { defineCommand, wholeNumber } from '../command.js';
import { answerLaunch } from '../answer-launch.js';
import { answer } from '../output/report.js';
import { formatBytes, safeText, table } from '../output/text.js';

const formats = ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'] as const;

const size = z
  .string()
  .regex(/^\d{1,5}[xX]\d{1,5}$/, 'must be WIDTHxHEIGHT in pixels, for instance 800x600')
  .transform((text) => {
    const [width = 0, height = 0] = text.toLowerCase().split('x').map(Number);
    return { width, height };
  });

const args = z
  .object({
    paths: z.array(z.string()).min(1),
    originals: z.boolean().optional(),
    renditions: z.array(z.string()).default([]),
    presets: z.array(z.string()).default([]),
    size: z.array(size).default([]),
    format: z.enum(formats, `must be one of ${formats.join(', ')}`).optional(),
    quality: wholeNumber(1, 100).optional(),
    subassets: z.boolean().default(false),
    layout: z.enum(layouts, `must be one of ${layouts.join(', ')}`).optional(),
    method: z.enum(['store', 'deflate'], 'must be store or deflate').optional(),
    email: z.array(z.string()).default([]),
    notify: z.boolean(),
    name: z.string().optional(),
    tenant: z.string().optional(),
    out: z.string().optional(),
    plan: z.boolean().default(false),
    wait: z.boolean(),
  })
  .superRefine((value, check) => {
    for (const option of ['format', 'quality'] as const) {
      if (value[option] !== undefined && value.size.length === 0) {
        check.addIssue({ code: 'custom', path: [option], message: 'needs --size: it says how that rendition is made' });
      }
    }
    if (value.plan && !value.wait) {
      check.addIssue({ code: 'custom', path: ['plan'], message: 'does not go with --no-wait: a plan runs nothing' });
    }
  });

export const downloadCommand = defineCommand({
  name: 'download',
  summary: 'packs assets and folders into an archive, and mails where it is',
  declare: (command) =>
    void command
      .argument('<paths...>', 'assets, folders and collections')
      .option('--originals', 'the original files; the default when nothing else is chosen')
      .option('--renditions <pattern...>', 'renditions by name, as "cq5dam.web.*"')
      .option('--presets <name...>', 'renditions of these image presets; "satchel settings presets" lists them')
      .option('--size <WxH...>', 'a rendition of this size, made for this download')
      .option('--format <format>', `its format: ${formats.join(', ')}`)
      .option('--quality <1-100>', 'its quality')
      .option('--subassets', 'also what was taken out of an asset, as pages of a document')
      .option('--layout <layout>', `folders in the archive: ${layouts.join(', ')}`)
      .option('--method <method>', 'store (default) or deflate')
      .option('--email <address...>', 'who is told; default: the user')
      .option('--no-notify', 'tell nobody')
      .option('--name <name>', 'file name of the archive, without .zip')
      .option('--tenant <name>', 'whose templates and workflow apply; default: those of the selection')
      .option('--out <folder>', 'write the archives into this folder too')
      .option('--plan', 'show what would be in the archive, and run nothing')
      .option('--no-wait', 'do not wait for the end'),
  args,
  run: async (context, typed) => {
    const { satchel, user } = context;
    const request = requestOf(typed, context.cwd);
    if (typed.plan) {
      const plan = await satchel.engine.planDownload(user, request);
      await answer(context, plan, planLines(plan));
      return 0;
    }
    const job = await satchel.engine.requestDownload(user, request);
    return answerLaunch(context, job, typed.wait);
  },
});

function requestOf(typed: z.output<typeof args>, cwd: string): DownloadRequestInput {
  const dynamic = typed.size.map((pixels) => ({
    ...pixels,
    ...(typed.format && { format: typed.format }),
    ...(typed.quality !== undefined && { quality: typed.quality }),
  }));
  if (typed.out === '') throw new SatchelError('OUT_FOLDER', 'The folder of --out is empty: name a folder.');
  return {
    paths: typed.paths,
    originals: typed.originals ?? typed.renditions.length + typed.presets.length + dynamic.length === 0,
    renditions: typed.renditions,
    dynamic,
    presets: typed.presets,
    subassets: typed.subassets,
    email: typed.email,
    notify: typed.notify,
    ...(typed.layout && { layout: typed.layout }),
    ...(typed.method && { method: typed.method }),
    ...(typed.name !== undefined && { name: typed.name }),
    ...(typed.tenant !== undefined && { tenant: typed.tenant }),
    ...(typed.out !== undefined && { outFolder: path.resolve(cwd, typed.out) }),
  };
}

function planLines({ tenant, totals, limits, entries, skipped }: DownloadPlan): string[] {
  const about = totals.estimated ? 'at most ' : '';
  return [
    `${totals.assets} assets, ${totals.files} files, ${about}${formatBytes(totals.bytes)} (${totals.bytes} bytes) for tenant ${safeText(tenant)}`,
    `limits: ${limits.assets.value} assets (${limits.assets.layer}), ${formatBytes(limits.bytes.value)} (${limits.bytes.layer})`,
    ...table(
      entries.map(({ name, content }) => [
        `  ${safeText(name)}`,
        content.kind === 'blob'
          ? formatBytes(content.blob.size)
          : `at most ${formatBytes(content.estimate)}, to be made`,
      ]),
    ),
    ...table(
      skipped.map(({ path: item, rendition, reason }) => [
        '  left out',
        safeText(rendition === undefined ? item : `${item} ${rendition}`),
        safeText(reason),
      ]),
    ),
  ];
}
