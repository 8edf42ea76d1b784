/** One schema for a download request, whatever door it came through. */
import { z } from 'zod';
import { SatchelError } from './errors.js';
import { layouts } from './plan.js';

const dynamicRendition = z.strictObject({
  width: z.int().min(1).max(20_000),
  height: z.int().min(1).max(20_000),
  format: z.enum(['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff']).default('jpeg'),
  quality: z.int().min(1).max(100).default(82),
});

export const downloadRequestSchema = z.strictObject({
  paths: z
    .array(z.string().startsWith('/', 'must be an absolute repository path').max(2048))
    .min(1, 'name at least one asset, folder or collection')
    .max(1000),
  originals: z.boolean().default(true),
  /** Name patterns: `cq5dam.web.*`, `*.jpeg`. */
  renditions: z.array(z.string().min(1).max(255)).max(50).default([]),
  dynamic: z.array(dynamicRendition).max(20).default([]),
  /** Names of image presets that the tenant offers; each is one more dynamic rendition. */
  presets: z.array(z.string().min(1).max(255)).max(20).default([]),
  /** Also what was taken out of an asset, as pages of a document: files of their own, chosen as those of any asset. */
  subassets: z.boolean().default(false),
  layout: z.enum(layouts).default('flat'),
  method: z.enum(['store', 'deflate']).default('store'),
  /** Addresses to notify; empty: the requester's own. */
  email: z.array(z.email('is not an e-mail address').max(254)).max(200).default([]),
  /** Whether anybody is notified at all. */
  notify: z.boolean().default(true),
  /** File name of the archive without `.zip`; default: from the selection. */
  name: z.string().min(1).max(100).optional(),
  /** A tenant the requester chooses; default: the one of the selection. */
  tenant: z.string().min(1).max(255).optional(),
  /** A folder on the server's machine that also gets the archives; only the local command line may set it. */
  outFolder: z.string().min(1).optional(),
});

/** What a caller may write: only `paths` is needed. */
export type DownloadRequestInput = z.input<typeof downloadRequestSchema>;
export type DownloadRequest = z.output<typeof downloadRequestSchema>;

/**
 * @throws SatchelError INVALID_REQUEST with every problem in one message and in `details.problems` (field, problem)
 */
export function parseDownloadRequest(input: unknown): DownloadRequest {
  const parsed = downloadRequestSchema.safeParse(input);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map((issue) => ({ field: issue.path.join('.') || 'request', problem: issue.message }));
  if (parsed.success) {
    const { originals, renditions, dynamic, presets } = parsed.data;
    if (originals || renditions.length + dynamic.length + presets.length > 0) return parsed.data;
    problems.push({
      field: 'originals',
      problem: 'select originals, a rendition pattern, a preset or a size: nothing is selected',
    });
  }
  throw new SatchelError(
    'INVALID_REQUEST',
    `The download request is not valid: ${problems.map(({ field, problem }) => `${field}: ${problem}`).join('; ')}.`,
    { details: { problems } },
  );
}
