/** Limits of a download (D5, D6): each tenant's own, the strictest of all tenants touched. */
import type { Session } from '../repository/api.js';
import type { Tenant } from '../repository/overlay/api.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { AppliedLimit, DownloadPlan } from '../workflows/contract/plan.js';
import type { SettingDefinition } from './settings/define-setting.js';
import { maxAssets, maxBytes, partBytes } from './settings/definitions.js';
import type { Settings } from './settings/settings.js';

export type DownloadLimits = DownloadPlan['limits'];

/** @throws SatchelError INVALID_CONFIGURATION when a limit is not a whole number from 1 */
export async function readLimits(session: Session, settings: Settings, tenant: Tenant): Promise<DownloadLimits> {
  const limit = async (definition: SettingDefinition<number>): Promise<AppliedLimit> => {
    const { value, layer } = await settings.read(session, tenant, definition);
    return { value, tenant: tenant.name, layer };
  };
  return { assets: await limit(maxAssets), bytes: await limit(maxBytes), partBytes: await limit(partBytes) };
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
