/** Decides a download: which file gets which name, what must be rendered, what is left out and why, how large it gets. Pure. */
import { nameOf } from '../repository/path.js';
import { mediaTypeOf } from '../repository/vault/media-type.js';
import type { DownloadRequest } from '../workflows/contract/download-request.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { DownloadPlan, PlanEntry, PlannedContent, RenditionSpec, Skipped } from '../workflows/contract/plan.js';
import type { Asset } from './asset.js';
import { compareText, entryNames, hierarchyRoot } from './entry-names.js';
import { checkBytes, tooManyAssets } from './limits.js';
import type { DownloadLimits } from './limits.js';
import { isRenderable } from './renderable-types.js';
import { draftArchives } from './pack-archives.js';
import type { PackableFile } from './manifest.js';
import { dynamicRenditionName, originalName, renditionMatcher, staticRenditions } from './rendition-names.js';
import { outermostPaths } from './selection.js';
import { estimateRenditionBytes } from './size-estimate.js';

export interface PlanInput {
  readonly request: DownloadRequest;
  /** Paths that the request means, collections by their members; default: those of the request. */
  readonly selected?: readonly string[];
  /** What was left out before there were assets. */
  readonly skipped?: readonly Skipped[];
  /** In any order; each once. */
  readonly assets: readonly Asset[];
  /** Tenant whose templates and workflow apply. */
  readonly tenant: string;
  /** All tenants touched. */
  readonly tenants: readonly string[];
  /** The strictest of theirs. */
  readonly limits: DownloadLimits;
  /** Whether a static rendition is shown, of those the asset has and of those made of it. Default: all are. */
  readonly isVisible?: (asset: Asset, rendition: string) => boolean;
  /** `Renderer.version` */
  readonly renderer: string;
}

type Draft = Omit<PlanEntry, 'index' | 'name'>;

/**
 * The same assets give the same plan, byte for byte, in whatever order they or their paths were named.
 * @throws SatchelError LIMIT_EXCEEDED with the numbers; NOTHING_SELECTED when no file is left, or when no asset has a
 * rendition that a pattern asks for
 */
export function planDownload(input: PlanInput): DownloadPlan {
  const { request, selected = request.paths, assets, tenant, tenants, limits, renderer } = input;
  const sorted = [...assets].sort((a, b) => compareText(a.path, b.path));
  const skipped = [...(input.skipped ?? [])].sort((a, b) => compareText(a.path, b.path));
  const { isVisible = () => true } = input;
  const offered = (asset: Asset) => offeredRenditions(asset).filter((name) => isVisible(asset, name));
  const drafts = sorted.flatMap((asset) => {
    if (!asset.notDownloadable) return filesOf(asset, request, offered(asset), skipped);
    skipped.push({ path: asset.path, code: 'NOT_DOWNLOADABLE', reason: asset.notDownloadable });
    return [];
  });
  const downloadable = sorted.filter(({ notDownloadable }) => !notDownloadable);
  if (downloadable.length > limits.assets.value) throw tooManyAssets(downloadable.length, limits.assets);
  refuseUnknownPatterns(request.renditions, downloadable.length > 0 ? downloadable.flatMap(offered) : undefined);
  if (drafts.length === 0) throw nothingSelected(request, skipped);

  const names = entryNames(drafts, request.layout, hierarchyRoot(selected));
  const entries = drafts.map((draft, index): PlanEntry => ({ index, name: names[index] ?? '', ...draft }));
  const toRender = entries.filter(({ content }) => content.kind === 'render').length;
  const bytes = draftArchives(entries.map(plannedFile), {
    tenant,
    skipped,
    failed: [],
    method: request.method,
    partBytes: limits.partBytes.value,
    archiveName: archiveName(request),
  }).reduce((sum, { size }) => sum + size, 0);
  const estimated = toRender > 0 || request.method === 'deflate';
  checkBytes(bytes, limits.bytes, estimated);
  return {
    format: 1,
    tenant,
    tenants: [...tenants].sort(compareText),
    entries,
    skipped,
    limits,
    totals: {
      assets: new Set(drafts.map(({ asset }) => asset)).size,
      files: entries.length,
      bytes,
      toRender,
      estimated,
    },
    renderer,
  };
}

/** The name asked for, else that of the only path, else that of the folder above all paths. */
export function archiveName({ name, paths }: Pick<DownloadRequest, 'name' | 'paths'>): string {
  if (name !== undefined) return name;
  const outermost = outermostPaths(paths);
  const [only] = outermost;
  const source = nameOf(outermost.length === 1 && only !== undefined ? only : hierarchyRoot(outermost));
  const dot = source.lastIndexOf('.');
  return (dot > 0 ? source.slice(0, dot) : source) || 'download';
}

/** Original, then renditions, then dynamic ones, each sort in name order; what cannot be had goes to `skipped`. */
function filesOf(asset: Asset, request: DownloadRequest, offered: readonly string[], skipped: Skipped[]): Draft[] {
  const files: Draft[] = [];
  const common = { asset: asset.path, modified: asset.modified };
  if (request.originals) {
    const { mimeType, original } = asset;
    const content = original && ({ kind: 'blob', blob: original.blob } as const);
    if (content) files.push({ ...common, kind: 'original', rendition: originalName, mimeType, content });
    else skipped.push(noOriginal(asset, originalName));
  }
  for (const name of matchingRenditions(asset, offered, request.renditions, skipped)) {
    const existing = asset.renditions.find((rendition) => rendition.name === name);
    const spec = staticRenditions.find((rendition) => rendition.name === name)?.spec;
    const content = existing ? ({ kind: 'blob', blob: existing.blob } as const) : spec && toRender(asset, spec);
    if (!content) continue;
    const mimeType = existing?.mimeType ?? mediaTypeOf(name);
    files.push({ ...common, kind: 'rendition', rendition: name, mimeType, content });
  }
  for (const spec of distinctSpecs(request.dynamic)) {
    const rendition = dynamicRenditionName(spec);
    const content = toRender(asset, spec);
    if (content) files.push({ ...common, kind: 'dynamic', rendition, mimeType: `image/${spec.format}`, content });
    else skipped.push(notRenderable(asset, rendition));
  }
  return files;
}

/** In a fixed order, each once. */
function distinctSpecs(specs: readonly RenditionSpec[]): RenditionSpec[] {
  const key = ({ width, height, format, quality }: RenditionSpec) =>
    `${dynamicRenditionName({ width, height, format, quality })} ${quality}`;
  return [...new Map(specs.map((spec) => [key(spec), spec])).entries()]
    .sort(([a], [b]) => compareText(a, b))
    .map(([, spec]) => spec);
}

function toRender(asset: Asset, spec: RenditionSpec): PlannedContent | undefined {
  if (!asset.original || !isImage(asset)) return undefined;
  return { kind: 'render', source: asset.original.blob, spec, estimate: estimateRenditionBytes(spec, asset.pixels) };
}

/** Whether renditions can be made of it. */
function isImage({ original, mimeType }: Asset): boolean {
  return original !== undefined && isRenderable(mimeType);
}

function notRenderable(asset: Asset, rendition: string): Skipped {
  if (!asset.original) return noOriginal(asset, rendition);
  return { path: asset.path, rendition, code: 'NOT_AN_IMAGE', reason: `No image is made of ${asset.mimeType}.` };
}

function noOriginal({ path }: Asset, rendition: string): Skipped {
  return { path, rendition, code: 'NO_ORIGINAL', reason: 'The asset has no original, or it may not be read.' };
}

/** What the asset has, and what can be made of it because every image has it. */
function offeredRenditions(asset: Asset): string[] {
  const made = isImage(asset) ? staticRenditions.map(({ name }) => name) : [];
  return [...new Set([...asset.renditions.map(({ name }) => name), ...made])].sort(compareText);
}

function matchingRenditions(
  asset: Asset,
  offered: readonly string[],
  patterns: readonly string[],
  skipped: Skipped[],
): string[] {
  const chosen = new Set<string>();
  for (const pattern of new Set(patterns)) {
    const matches = renditionMatcher(pattern);
    const found = offered.filter(matches);
    for (const name of found) chosen.add(name);
    if (found.length > 0) continue;
    // An image would have it: the reason is what the asset is, not what it lacks.
    const isStatic = staticRenditions.some(({ name }) => matches(name));
    skipped.push(
      isStatic && !isImage(asset)
        ? notRenderable(asset, pattern)
        : { path: asset.path, rendition: pattern, code: 'NO_SUCH_RENDITION', reason: `It has ${listed(offered)}.` },
    );
  }
  return offered.filter((name) => chosen.has(name));
}

function listed(names: readonly string[]): string {
  const shown = names.filter((name) => !name.startsWith('cqdam.'));
  if (shown.length === 0) return 'no renditions';
  return shown.length > 12 ? `${shown.slice(0, 12).join(', ')} and ${shown.length - 12} more` : shown.join(', ');
}

/** A pattern that nothing has is a slip of the pen: refused, with what there is. */
function refuseUnknownPatterns(patterns: readonly string[], known: readonly string[] | undefined): void {
  if (!known) return;
  const offered = [...new Set(known)].sort(compareText);
  const unknown = patterns.filter((pattern) => !offered.some(renditionMatcher(pattern)));
  if (unknown.length === 0) return;
  throw new SatchelError(
    'NOTHING_SELECTED',
    `No selected asset has a rendition ${unknown.map((pattern) => `"${pattern}"`).join(' or ')}. They have ${listed(offered)}.`,
    { details: { patterns: unknown, offered } },
  );
}

function nothingSelected({ paths }: DownloadRequest, skipped: readonly Skipped[]): SatchelError {
  const where = paths.length === 1 ? `"${paths[0] ?? ''}"` : `the ${paths.length} paths`;
  const [first] = skipped;
  const message = first
    ? `Nothing to download in ${where}: all ${skipped.length} left out. ${first.path}: ${first.reason}`
    : `There is no asset in ${where}.`;
  return new SatchelError('NOTHING_SELECTED', message, {
    details: { paths: [...paths], skipped: skipped.slice(0, 20) },
  });
}

/** Stands for the file while its bytes are not known; a hash is as long as any other. */
function plannedFile({ name, asset, rendition, modified, content }: PlanEntry): PackableFile {
  const blob = content.kind === 'blob' ? content.blob : { sha256: '0'.repeat(64), size: content.estimate, crc32: 0 };
  return { name, asset, rendition, modified, blob, replacedBy: [] };
}
