/** Limits of a download (D5, D6): each tenant's own, the strictest of all tenants touched. */
import type { Session } from '../repository/api.js';
import type { OverlayResolver, Tenant } from '../repository/overlay/api.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { AppliedLimit, DownloadPlan } from '../workflows/contract/plan.js';

export type DownloadLimits = DownloadPlan['limits'];

/** Below `settings` of every layer. */
export const limitsPath = 'dam/download';

/** In force where no layer says otherwise. */
const defaults = { maxAssets: 500, maxBytes: 2 ** 30, partBytes: 100 * 2 ** 30 } as const;

/** @throws SatchelError INVALID_CONFIGURATION when a limit is not a whole number from 1 */
export async function readLimits(session: Session, overlay: OverlayResolver, tenant: Tenant): Promise<DownloadLimits> {
  const settings = await overlay.settings(session, tenant, limitsPath);
  const limit = (name: keyof typeof defaults): AppliedLimit => {
    const merged = settings?.properties.get(name);
    if (!merged) return { value: defaults[name], tenant: tenant.name, layer: 'default' };
    const value = settings?.number(name);
    if (value === undefined || !Number.isSafeInteger(value) || value < 1) {
      throw new SatchelError(
        'INVALID_CONFIGURATION',
        `${merged.source}: "${name}" must be a whole number from 1, it is "${settings?.text(name) ?? ''}".`,
        { details: { path: merged.source, property: name } },
      );
    }
    return { value, tenant: tenant.name, layer: merged.layer };
  };
  return { assets: limit('maxAssets'), bytes: limit('maxBytes'), partBytes: limit('partBytes') };
}

/** Limit by limit the lowest; of equals the first. Pure. */
export function strictestLimits(first: DownloadLimits, ...others: readonly DownloadLimits[]): DownloadLimits {
  const lower = (a: AppliedLimit, b: AppliedLimit) => (b.value < a.value ? b : a);
  return others.reduce(
    (strictest, limits) => ({
      assets: lower(strictest.assets, limits.assets),
      bytes: lower(strictest.bytes, limits.bytes),
      partBytes: lower(strictest.partBytes, limits.partBytes),
    }),
    first,
  );
}

function origin({ tenant, layer }: AppliedLimit): string {
  return `limit of tenant "${tenant}" from ${layer}`;
}

/** @param more that the count was given up at `assets` */
export function tooManyAssets(assets: number, limit: AppliedLimit, more = false): SatchelError {
  return new SatchelError(
    'LIMIT_EXCEEDED',
    `${more ? 'More than ' : ''}${assets} assets; at most ${limit.value} in one download (${origin(limit)}). Select fewer.`,
    { details: { limit: 'assets', allowed: limit.value, actual: assets, tenant: limit.tenant, layer: limit.layer } },
  );
}

/**
 * The limit itself is allowed, one byte more is not.
 * @throws SatchelError LIMIT_EXCEEDED with the numbers
 */
export function checkBytes(bytes: number, limit: AppliedLimit, estimated: boolean): void {
  if (bytes <= limit.value) return;
  throw new SatchelError(
    'LIMIT_EXCEEDED',
    `${estimated ? 'Up to ' : ''}${formatBytes(bytes)} of archives; at most ${formatBytes(limit.value)} in one download (${origin(limit)}). Select fewer or smaller files.`,
    {
      details: {
        limit: 'bytes',
        allowed: limit.value,
        actual: bytes,
        estimated,
        tenant: limit.tenant,
        layer: limit.layer,
      },
    },
  );
}

/** Exact bytes, and what a person reads: `1073741825 bytes (1.0 GiB)`. */
export function formatBytes(bytes: number): string {
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  if (power === 0) return `${bytes} bytes`;
  return `${bytes} bytes (${(bytes / 2 ** (10 * power)).toFixed(1)} ${units[power - 1] ?? ''})`;
}
