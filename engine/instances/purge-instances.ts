/** Takes the records of ended workflows out once their tenant no longer keeps them. */
import { listedUnder, listedProperty } from '../../activities/satchel/listing-keys.js';
import { instancesRoot } from '../../activities/satchel/request-node.js';
import { removeItemsOfJob } from '../../activities/satchel/work-items.js';
import { saveChanges } from '../../dam/save-changes.js';
import { instanceDays } from '../../dam/settings/definitions.js';
import type { Settings } from '../../dam/settings/settings.js';
import { findTenants } from '../../dam/tenants/list-tenants.js';
import type { Session } from '../../repository/api.js';
import type { OverlayResolver, Tenant } from '../../repository/overlay/api.js';
import { createRequestId } from '../request-id.js';

const dayMilliseconds = 86_400_000;
const pageSize = 100;

export interface PurgeOptions {
  readonly overlay: OverlayResolver;
  readonly settings: Settings;
  readonly now: Date;
  readonly signal?: AbortSignal;
}

/**
 * Looks, for each tenant that keeps them for a time only, at what is older than that; record by record, with its work items.
 * @param session reads configuration, writes below /var/workflow
 * @returns how many
 */
export async function purgeInstances(session: Session, options: PurgeOptions): Promise<number> {
  const tenants: Tenant[] = [];
  for await (const { name } of findTenants(session)) tenants.push(await options.overlay.tenant(session, name));
  let purged = 0;
  for (const tenant of tenants) {
    const { value: days } = await options.settings.read(session, tenant, instanceDays);
    if (days > 0) purged += await purgeOf(session, tenant.name, days, options);
  }
  return purged;
}

async function purgeOf(session: Session, tenant: string, days: number, { now, signal }: PurgeOptions): Promise<number> {
  const oldest = new Date(now.getTime() - days * dayMilliseconds);
  // Ids sort by time: what was made after that day ended after it, too.
  const limit = createRequestId(oldest).slice(0, '20220812-170304195'.length);
  let purged = 0;
  for (;;) {
    signal?.throwIfAborted();
    const ids = await endedBefore(session, tenant, limit, oldest);
    for (const id of ids) {
      signal?.throwIfAborted();
      await saveChanges(session, async () => {
        await removeItemsOfJob(session, id);
        if (await session.findNode(`${instancesRoot}/${id}`)) await session.remove(`${instancesRoot}/${id}`);
      });
    }
    purged += ids.length;
    if (ids.length < pageSize) return purged;
  }
}

async function endedBefore(session: Session, tenant: string, limit: string, oldest: Date): Promise<string[]> {
  const result = await session.query({
    path: instancesRoot,
    where: { and: [listedUnder('tenant', tenant, limit), { property: 'ended', op: '<', value: oldest }] },
    order: [{ property: listedProperty }],
    limit: pageSize,
  });
  const ids: string[] = [];
  for await (const { name } of result.nodes()) ids.push(name);
  return ids;
}
